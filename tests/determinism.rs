//! A run is a function of the case and its options, whoever runs it and however closely it is
//! watched; and the schedule that a run shows gives that run again.

mod common;

use std::collections::BTreeMap;

use kvm_lock_fuzz::case::{Case, Tail};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::run::{Options, Outcome, Runner};

/// Random cases and mutants of the seeds, each under all variants.
fn cases() -> impl Iterator<Item = (Case, Variant)> {
    let cases = common::random_cases(0xd17e).take(500).chain(common::mutants(0xd17e, 25));
    cases.flat_map(|case| Variant::ALL.map(|variant| (case.clone(), variant)))
}

fn options(case: &Case, variant: Variant) -> Options {
    Options { variant, bug: None, ..Options::of(case) }
}

#[test]
fn a_runner_does_not_matter() {
    let (mut one, mut other) = (Runner::new(), Runner::new());
    for (n, (case, variant)) in cases().enumerate() {
        let options = options(&case, variant);
        let outcome = one.run(&case, &options).clone();
        assert_eq!(one.run(&case, &options), &outcome, "{case}");
        if n % 3 == 0 {
            assert_eq!(other.run(&case, &options), &outcome, "{case}");
        }
        if n % 97 == 0 {
            assert_eq!(Runner::new().run(&case, &options), &outcome, "{case}");
        }
    }
}

#[test]
fn watching_changes_nothing() {
    let mut runner = Runner::new();
    for (case, variant) in cases() {
        let unwatched = options(&case, variant);
        let outcome = runner.run(&case, &unwatched).clone();
        let watched = Options { recording: true, ..unwatched };
        assert_eq!(runner.run(&case, &watched), &outcome, "{case}");
    }
}

/// Triage groups by hash, people read the text: they tell the same findings apart.
#[test]
fn a_signature_has_one_text_and_a_text_one_signature() {
    let mut runner = Runner::new();
    let (mut texts, mut hashes) = (BTreeMap::new(), BTreeMap::new());
    let bugs = common::cases_in("tests/cases/bugs").into_iter();
    let bugs = bugs.map(|(_, case)| (Options::of(&case), case));
    for (options, case) in
        bugs.chain(cases().map(|(case, variant)| (options(&case, variant), case)))
    {
        for finding in runner.run(&case, &options).findings.clone() {
            let text = runner.describe(&finding).signature;
            let known = texts.entry(finding.signature.0).or_insert_with(|| text.clone());
            assert_eq!(known, &text, "{case}");
            let hash = hashes.entry(text.clone()).or_insert(finding.signature.0);
            assert_eq!(*hash, finding.signature.0, "{text}\n{case}");
        }
    }
    assert!(texts.len() > 30, "{texts:?}");
}

/// Everything but the order of the findings, and the steps between a place and the point after it.
fn essence(outcome: &Outcome) -> Vec<(u64, &'static str)> {
    let findings = outcome.findings.iter();
    let mut all: Vec<_> = findings.map(|f| (f.signature.0, f.kind.name())).collect();
    all.sort_unstable();
    all
}

#[test]
fn the_bursts_of_a_run_repeat_it() {
    let mut runner = Runner::new();
    let mut found = 0;
    for (case, variant) in cases() {
        let watched = Options { recording: true, ..options(&case, variant) };
        let outcome = runner.run(&case, &watched).clone();
        let mut explicit = case.clone();
        explicit.schedule.tail = Tail::Fair;
        runner.executed_bursts(&mut explicit.schedule.bursts);
        let again = runner.run(&explicit, &options(&case, variant));
        assert_eq!(essence(again), essence(&outcome), "{case}\nas\n{explicit}");
        assert_eq!(again.ending, outcome.ending, "{case}\nas\n{explicit}");
        found += outcome.findings.len();
    }
    assert!(found > 1000, "runs that find nothing are easy to repeat");
}
