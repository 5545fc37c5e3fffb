//! Small random inputs reach everything that a case can say.

use std::collections::BTreeSet;

use kvm_lock_fuzz::case::binary::VERSION;
use kvm_lock_fuzz::case::{Case, MAX_SPLIT_DEPTH, Op, Opener, Registrant, Tail, Until};
use kvm_lock_fuzz::kvm::{Bug, Place, Variant};
use kvm_lock_fuzz::machine::Policy;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// The words for what the case contains.
fn features(case: &Case) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    seen.insert(case.variant.name().to_string());
    seen.insert(case.config.policy.name().to_string());
    seen.extend(case.bug.map(|bug| bug.id().to_string()));
    seen.extend(case.config.earlier_mm.then(|| "earlier".to_string()));
    seen.extend(case.config.registrants.iter().map(|r| match r {
        Registrant::Vm(slots) => format!("vm with {}", slots.len().min(2)),
        other => format!("{other:?}"),
    }));
    for task in 0..case.programs.tasks() {
        let mut inside = false;
        for op in case.programs.task(task) {
            seen.insert(op_feature(op, inside));
            inside = matches!(op, Op::Open { .. }) || inside && *op != Op::End;
        }
    }
    seen.extend(case.schedule.bursts.iter().map(|b| until_feature(b.until)));
    seen.insert(match case.schedule.tail {
        Tail::Fair => "fair".to_string(),
        Tail::Random { .. } => "random".to_string(),
        Tail::Pct { depth, .. } => format!("pct {depth}"),
    });
    seen
}

fn op_feature(op: &Op, inside: bool) -> String {
    match op {
        Op::Fault { vm, write, .. } => format!("fault vm{vm} {write}"),
        Op::Create { vm, .. } => format!("create vm{vm}"),
        Op::Delete { vm, .. } => format!("delete vm{vm}"),
        Op::Move { vm, .. } => format!("move vm{vm}"),
        Op::Flags { vm, log_dirty, .. } => format!("flags vm{vm} {log_dirty}"),
        Op::Open { opener, .. } => opener.name().to_string(),
        Op::Split { depth, .. } => format!("split {depth} {inside}"),
        Op::End => "end".to_string(),
    }
}

fn until_feature(until: Until) -> String {
    match until {
        Until::Points(_) => "points".to_string(),
        Until::Place(place) => format!("until {}", place.name()),
        Until::Blocked => "until blocked".to_string(),
    }
}

fn expected() -> BTreeSet<String> {
    let mut all: BTreeSet<String> =
        ["earlier", "vm with 0", "vm with 1", "vm with 2", "Sleeper", "Refuser", "end", "points"]
            .into_iter()
            .chain(["until blocked", "fair", "random"])
            .chain(Variant::ALL.map(Variant::name))
            .chain(Policy::ALL.map(Policy::name))
            .chain(Opener::ALL.map(Opener::name))
            .chain(Bug::ALL.iter().map(|b| b.id()))
            .map(String::from)
            .collect();
    all.extend(Place::ALL.iter().map(|p| format!("until {}", p.name())));
    all.extend((1..=8).map(|depth| format!("pct {depth}")));
    for vm in 0..2 {
        all.extend(["create", "delete", "move"].map(|op| format!("{op} vm{vm}")));
        for flag in [true, false] {
            all.extend([format!("fault vm{vm} {flag}"), format!("flags vm{vm} {flag}")]);
        }
    }
    for depth in 1..=MAX_SPLIT_DEPTH {
        all.extend([true, false].map(|inside| format!("split {depth} {inside}")));
    }
    all
}

#[test]
fn small_random_inputs_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let input = proptest::collection::vec(any::<u8>(), 0..100);
    let mut missing = expected();
    for _ in 0..100_000 {
        let rest = input.new_tree(&mut runner).unwrap().current();
        let bytes = [&[VERSION], &rest[..]].concat();
        missing = &missing - &features(&Case::decode(&bytes));
    }
    assert_eq!(missing, BTreeSet::new());
}

/// Two tasks, a memslot update against a region over a slot: the soil of most findings.
fn update_against_region(case: &Case) -> bool {
    let programs = &case.programs;
    let task_has = |found: fn(&Op) -> bool| {
        (0..programs.tasks()).filter(move |t| programs.task(*t).iter().any(found))
    };
    let region =
        |op: &Op| matches!(op, Op::Open { hva, .. } if (0x100..0x110).contains(&hva.start));
    let update = |op: &Op| matches!(op, Op::Create { .. } | Op::Delete { slot: 0, .. });
    task_has(region).any(|r| task_has(update).any(|u| u != r))
}

#[test]
fn one_small_input_in_five_sets_an_update_against_a_region() {
    let mut runner = TestRunner::deterministic();
    let input = proptest::collection::vec(any::<u8>(), 81);
    let drawn = 10_000;
    let hits = (0..drawn)
        .filter(|_| {
            let bytes = input.new_tree(&mut runner).unwrap().current();
            update_against_region(&Case::decode(&bytes))
        })
        .count();
    assert!(hits * 5 > drawn, "{hits} of {drawn}");
}
