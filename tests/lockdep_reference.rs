//! The engine against the slow reference.

#[path = "reference/mod.rs"]
mod reference;

use std::collections::BTreeMap;

use kvm_lock_fuzz::lockdep::script::{self, Script};
use kvm_lock_fuzz::lockdep::*;
use reference::check_bytes;
use reference::compare::compare;

fn random_bytes(seed: &mut u64, max: u64) -> Vec<u8> {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *seed >> 33
    };
    (0..next() % max).map(|_| next() as u8).collect()
}

#[test]
fn engine_and_reference_agree_on_random_bytes() {
    let mut seed = 11;
    let mut kinds = BTreeMap::new();
    for _ in 0..20_000 {
        let bytes = random_bytes(&mut seed, 400);
        let (script, raw) = script::decode(&bytes);
        *kinds.entry(compare(&script, raw)).or_insert(0) += 1;
    }
    // All but `limit`, which takes 48 locks.
    assert!(kinds.len() >= 13 && kinds.values().all(|n| *n >= 10), "{kinds:?}");
}

#[test]
fn every_byte_string_decodes_to_a_legal_script() {
    check_bytes(&[]);
    for byte in 0..=255 {
        check_bytes(&[byte; 100]);
    }
}

/// The reference is as good as the vectors say.
#[cfg(feature = "cli")]
#[test]
fn engine_and_reference_agree_on_the_vectors() {
    let strings = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| Some(v.as_str()?.into())).collect()
    };
    for file in ["selftest.jsonl", "random_public.jsonl", "seed.jsonl"] {
        let path = format!("{}/tests/vectors/lockdep/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("a vector is JSON");
            let script = script::parse(&strings(&record["decl"]), &strings(&record["events"]));
            let raw = record["raw_lock_nesting"] == true;
            let kind = compare(&script.expect("a vector parses"), raw);
            assert_eq!(kind, record["verdict"]["kind"], "{}", record["id"]);
        }
    }
}

/// What an engine says about a script: every report's text, signature and silence, and the graph.
fn say(lockdep: &mut Lockdep, script: &Script) -> Vec<String> {
    for (n, event) in script.events.iter().enumerate() {
        script::step(lockdep, event, Site(n as u32));
    }
    lockdep.finish();
    let symbols = script::ScriptSymbols(script);
    let text = |r: &Report| {
        let signature = lockdep.signature(r);
        format!("{signature} {}\n{}", r.signature, render(lockdep, r, &symbols, Form::V6_1))
    };
    let edges =
        lockdep.edges().iter().map(|e| format!("{:?} {:?} {}", e.from(), e.to(), e.kinds()));
    lockdep.reports().iter().map(text).chain(edges).collect()
}

#[test]
fn a_reset_engine_says_the_same_as_a_new_one() {
    let mut seed = 5;
    for round in 0..400 {
        let (script, raw_lock_nesting) = script::decode(&random_bytes(&mut seed, 600));
        for mode in [Mode::Kernel, Mode::Complete] {
            let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting });
            script::declare(&mut lockdep, &script);
            let first = say(&mut lockdep, &script);
            lockdep.reset();
            assert!(lockdep.reports().is_empty() && lockdep.edges().is_empty());
            assert_eq!(first, say(&mut lockdep, &script), "round {round} of {script:?}");
        }
    }
}

/// A task whose only event is one that another task made known is reset as well.
#[test]
fn a_reset_reaches_every_task() {
    for mode in [Mode::Kernel, Mode::Complete] {
        let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
        let key = lockdep.declare_key(&KeyDesc { name: "a", ..KeyDesc::default() });
        let lock = lockdep.declare_instance(key, 0);
        let [a, b] = [lockdep.declare_task(), lockdep.declare_task()];
        for _ in 0..3 {
            lockdep.acquire(a, &Acquire::exclusive(lock, Site(0)));
            lockdep.release(a, lock, Site(0));
        }
        lockdep.acquire(b, &Acquire::exclusive(lock, Site(0)));
        lockdep.reset();
        assert!(lockdep.held(b).is_empty(), "{mode:?}");
    }
}

/// Complete mode reports the kernel's first report too, except where it judges later.
#[test]
fn complete_mode_misses_nothing_that_the_kernel_reports() {
    let mut seed = 9;
    for round in 0..5000 {
        let (script, raw_lock_nesting) = script::decode(&random_bytes(&mut seed, 400));
        let run = |mode| script::run(&script, Config { mode, raw_lock_nesting });
        let (kernel, mut complete) = (run(Mode::Kernel), run(Mode::Complete));
        complete.lockdep.finish();
        let Some((report, at)) = kernel.first() else { continue };
        let reports = complete.lockdep.reports();
        let found = match report.kind {
            // Its own cycle may not be the shortest one.
            Kind::Circular => reports.iter().any(|r| r.kind == Kind::Circular),
            // It may name the wrong pair.
            Kind::IrqOrder => reports
                .iter()
                .zip(&complete.at)
                .any(|(r, n)| *n == at && r.kind == report.kind && r.silence.is_none()),
            // The first event that reports anything ends the kernel's run, not this one's.
            _ => reports
                .iter()
                .zip(&complete.at)
                .any(|(r, n)| *n == at && r.kind == report.kind && r.signature == report.signature),
        };
        assert!(found, "round {round}: {} in {script:?}", kernel.lockdep.signature(report));
    }
}

/// Larger graphs, mostly of recursive readers so that the first report comes late: the order and
/// the summaries of the engine against plain searches.
#[test]
fn engine_and_reference_agree_on_larger_graphs() {
    let mut seed = 21_u64;
    let mut below = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % n
    };
    let mut kinds = BTreeMap::new();
    for _ in 0..150 {
        let classes = 8 + below(40);
        let decl: Vec<String> =
            (0..classes).flat_map(|i| [format!("class c{i}"), format!("lock c{i} c{i}")]).collect();
        // In what way a script uses interrupts, and how often its readers are not recursive.
        let (irq, strict) = (below(4), 1 + below(12));
        let mut events = Vec::new();
        for _ in 0..below(400) {
            let mode = |n: u64| {
                if n == 0 {
                    "w"
                } else if n < 4 {
                    "r"
                } else {
                    "R"
                }
            };
            let (a, b) = (below(classes), below(classes));
            let (a, b) = if below(100) < strict { (a, b) } else { (a.min(b), a.max(b)) };
            // Handlers use some classes, enabled interrupts others, so that paths decide.
            let off = irq == 0 || a.min(b) < 3 * classes / 4 || below(3) > 0;
            let handler = irq > 1 && off && a.max(b) < classes / 4 && below(3) == 0;
            events.extend(off.then(|| "T hardirqs_off".to_owned()));
            events.extend(handler.then(|| "T hardirq_enter".to_owned()));
            if a != b {
                events.push(format!("T acq c{a} {}", mode(below(4 * strict))));
                events.push(format!("T acq c{b} {}", mode(below(4 * strict))));
                events.push(format!("T rel c{}", if below(3) == 0 { a } else { b }));
                let last = events.last().is_some_and(|e| *e == format!("T rel c{a}"));
                events.push(format!("T rel c{}", if last { b } else { a }));
            }
            events.extend(handler.then(|| "T hardirq_exit".to_owned()));
            events.extend(off.then(|| "T hardirqs_on".to_owned()));
        }
        let script = script::parse(&decl, &events).expect("a script");
        *kinds.entry(compare(&script, false)).or_insert(0) += 1;
    }
    assert!(kinds.len() >= 4, "{kinds:?}");
}
