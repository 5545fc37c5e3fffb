//! The validator against verdicts, texts and states of the real one.
#![cfg(feature = "cli")]

use kvm_lock_fuzz::lockdep::script::{Outcome, Script, parse, run};
use kvm_lock_fuzz::lockdep::usage::usage_chars;
use kvm_lock_fuzz::lockdep::{ClassId, Config, Form, Lockdep, Mode};
use serde_json::{Value, json};

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().map_or(&[][..], |list| list).iter().filter_map(Value::as_str).collect()
}

fn verdict(script: &Script, outcome: &Outcome) -> Value {
    let Some((report, at)) = outcome.first() else { return json!({"kind": "none", "at": null}) };
    let text = outcome.text(script, report, Form::V6_1);
    let chain = outcome.lockdep.report_names(report);
    json!({"kind": report.kind.name(), "at": at, "chain": chain, "report": text})
}

fn state(lockdep: &Lockdep) -> Value {
    let ids: Vec<ClassId> = lockdep.class_ids().collect();
    let name = |id: &ClassId| lockdep.class_name(*id);
    let classes: Vec<Value> = ids
        .iter()
        .zip(lockdep.classes())
        .map(|(id, c)| {
            let usage: String = usage_chars(c.usage()).iter().collect();
            json!([name(id), usage, c.usage()])
        })
        .collect();
    let edges: Vec<Value> = ids
        .iter()
        .flat_map(|id| lockdep.edges_from(*id))
        .map(|e| json!([name(&e.from()), name(&e.to()), e.kinds()]))
        .collect();
    json!({"classes": classes, "edges": edges, "chains": lockdep.chain_counts()})
}

fn check(file: &str) {
    let path = format!("{}/tests/vectors/lockdep/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let mut wrong = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("a vector is JSON");
        let id = record["id"].as_str().unwrap_or("?");
        let raw_lock_nesting = record["raw_lock_nesting"] == json!(true);
        let script = parse(&strings(&record["decl"]), &strings(&record["events"]))
            .unwrap_or_else(|error| panic!("{id}: {error}"));
        let outcome = run(&script, Config { mode: Mode::Kernel, raw_lock_nesting });
        let (verdict, state) = (verdict(&script, &outcome), state(&outcome.lockdep));
        if verdict != record["verdict"] {
            wrong.push(format!("{id}: verdict\n{verdict:#}\nnot\n{:#}", record["verdict"]));
        } else if state != record["state"] {
            wrong.push(format!("{id}: state\n{state}\nnot\n{}", record["state"]));
        }
        if let (Some(old), Some((report, _))) = (record["report_5_12"].as_str(), outcome.first()) {
            let text = outcome.text(&script, report, Form::V5_12);
            if text != old {
                wrong.push(format!("{id}: 5.12 form\n{text}\nnot\n{old}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}

#[test]
fn self_test_list() {
    check("selftest.jsonl");
}

#[test]
fn random_scripts() {
    check("random_public.jsonl");
}

#[test]
fn scenario_of_the_seed() {
    check("seed.jsonl");
}
