//! Verdicts, reports and states as JSON.

use serde_json::{Value, json};

use super::super::engine::Lockdep;
use super::super::engine::report::{HeldView, PathStep, Report, Silence, read_name};
use super::super::render::Form;
use super::super::script::{Outcome, Script};
use super::super::types::ClassId;
use super::super::usage::usage_chars;

/// The verdict of the kernel on a script, the engine's state, and what only the complete search
/// found.
pub fn outcome_json(id: &str, script: &Script, kernel: &Outcome, complete: &Outcome) -> Value {
    let first = kernel.first();
    let mut value = json!({
        "id": id,
        "kind": first.map_or("none", |(report, _)| report.kind.name()),
        "at": first.map(|(_, at)| at),
        "chain": first.map(|(report, _)| kernel.lockdep.report_names(report)),
        "report": first.map(|(report, _)| kernel.text(script, report, Form::V6_1)),
        "state": state_json(&kernel.lockdep),
    });
    let beyond: Vec<Value> = complete.lockdep.reports().iter().filter_map(|report| {
        let silence = report.silence.filter(|silence| *silence != Silence::SwitchedOff)?;
        let signature = complete.lockdep.signature(report);
        Some(json!({"kind": report.kind.name(), "signature": signature, "note": silence.reason()}))
    }).collect();
    if !beyond.is_empty() {
        value["beyond_kernel"] = Value::Array(beyond);
    }
    value
}

/// Classes, edges and chain counts, in the order of the kernel's lists.
pub fn state_json(lockdep: &Lockdep) -> Value {
    let ids: Vec<ClassId> = lockdep.class_ids().collect();
    let names: Vec<String> = ids.iter().map(|id| lockdep.class_name(*id)).collect();
    let classes = lockdep.classes().iter().zip(&names);
    let classes = classes.map(|(c, name)| json!([name, usage_text(c.usage()), c.usage()]));
    let edges = ids.iter().flat_map(|id| lockdep.edges_from(*id));
    let edges = edges.map(|e| json!([names[e.from().index()], names[e.to().index()], e.kinds()]));
    json!({
        "classes": classes.collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
        "chains": lockdep.chain_counts(),
    })
}

fn usage_text(mask: u16) -> String {
    usage_chars(mask).iter().collect()
}

/// Everything a report says, but its text.
pub fn report_json(lockdep: &Lockdep, report: &Report) -> Value {
    let held = |view: &HeldView| held_json(lockdep, view);
    let paths = [0, 1].map(|n| {
        let path = lockdep.report_path(report, n);
        path.iter().map(|step| step_json(lockdep, step)).collect::<Vec<_>>()
    });
    json!({
        "kind": report.kind.name(),
        "signature": lockdep.signature(report),
        "classes": lockdep.report_names(report),
        "task": report.task.index(),
        "site": report.site.0,
        "subject": report.subject.as_ref().map(held),
        "other": report.other.as_ref().map(held),
        "held": lockdep.report_held(report).iter().map(held).collect::<Vec<_>>(),
        "paths": paths,
        "note": report.silence.map(Silence::reason),
    })
}

fn held_json(lockdep: &Lockdep, view: &HeldView) -> Value {
    json!({
        "class": lockdep.class_name(view.lock.class()),
        "instance": view.lock.instance().index(),
        "mode": read_name(view.lock.read()),
        "trylock": view.lock.trylock(),
        "site": view.lock.site().0,
        "usage": usage_text(view.usage),
    })
}

fn step_json(lockdep: &Lockdep, step: &PathStep) -> Value {
    json!({
        "class": lockdep.class_name(step.class),
        "kinds": step.kinds,
        "site": step.site.0,
        "usage": usage_text(step.usage),
    })
}
