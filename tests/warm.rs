//! A runner keeps what its validator has learnt from silent runs, and no outcome shows it.

mod common;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::{Options, Runner};

/// Runs of every variant.
const RUNS: usize = 100_000;

/// Random cases, short and long, without end.
struct Drawn {
    prng: Prng,
    bytes: Vec<u8>,
    case: Case,
}

impl Drawn {
    fn next(&mut self) -> &Case {
        let records = 2 + self.prng.below(12) * self.prng.below(4);
        let prng = &mut self.prng;
        self.bytes.clear();
        self.bytes.extend((0..1 + 8 * records).map(|_| prng.next() as u8));
        self.case.decode_into(&self.bytes);
        &self.case
    }
}

/// Compares that many runs, each with one of the bugs or none; returns how many had findings.
fn compare(variant: Variant, bugs: &[Option<Bug>], runs: usize) -> usize {
    let mut drawn = Drawn { prng: Prng(variant as u64), bytes: Vec::new(), case: Case::default() };
    let (mut warm, mut cold) = (Runner::new(), Runner::new().never_warm());
    let mut found = 0;
    for run in 0..runs {
        let bug = bugs[run / 16 % bugs.len()];
        let case = drawn.next();
        let options = Options { variant, bug, ..Options::of(case) };
        let (is, alone) = (warm.run(case, &options), cold.run(case, &options));
        assert_eq!(is, alone, "run {run} on {variant:?} with {bug:?}\n{case}");
        if !is.findings.is_empty() {
            found += 1;
            let names: Vec<String> = (0..16).map(|task| case.task_name(task)).collect();
            assert_eq!(warm.splats(&names), cold.splats(&names), "run {run}\n{case}");
        }
    }
    found
}

#[test]
fn always_lock_runs_as_from_nothing() {
    compare(Variant::AlwaysLock, &[None], RUNS);
}

#[test]
fn naive_elision_runs_as_from_nothing() {
    assert!(compare(Variant::NaiveElision, &[None], RUNS) > RUNS / 100);
}

#[test]
fn rwsem_runs_as_from_nothing() {
    assert!(compare(Variant::Rwsem, &[None], RUNS) > RUNS / 100);
}

#[test]
fn counted_runs_as_from_nothing() {
    compare(Variant::Counted, &[None], RUNS);
}

#[test]
fn planted_bugs_run_as_from_nothing() {
    let bugs: Vec<Option<Bug>> = Bug::ALL.iter().copied().map(Some).chain([None]).collect();
    assert!(compare(Variant::Counted, &bugs, RUNS) > RUNS / 100);
}

/// The other tests compare nothing unless runs do keep something.
#[test]
fn silent_runs_leave_what_they_learnt() {
    let seed = common::seed("two-vms");
    let edges = |runner: &Runner| runner.inspect(|seen| seen.lockdep.edges().len());
    let empty = Case::default();
    let edges_after = |mut runner: Runner| {
        for case in [&seed, &empty] {
            runner
                .run(case, &Options { variant: Variant::Counted, bug: None, ..Options::of(case) });
        }
        edges(&runner)
    };
    assert!(edges_after(Runner::new()) > edges_after(Runner::new().never_warm()));
}
