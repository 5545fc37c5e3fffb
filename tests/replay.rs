//! Every hand-written case survives its two forms and gives the same outcome however often and
//! after whatever else it is run: a runner forgets all of the run before.

mod common;

use std::path::PathBuf;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::lockdep::{Acquire, Config, KeyDesc, LockType, Lockdep, Mode, Site, WaitType};
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::{Options, Outcome, Runner};

fn cases() -> Vec<(PathBuf, Case)> {
    let folders = ["corpus/protocol", "corpus/regressions"].into_iter();
    let folders = folders.chain(["tests/cases/bugs", "tests/cases/kinds", "tests/cases/points"]);
    let present = folders.filter(|folder| common::path(folder).is_dir());
    present.flat_map(common::cases_in).collect()
}

fn outcome(runner: &mut Runner, case: &Case) -> Outcome {
    runner.run(case, &Options::of(case)).clone()
}

/// Options of every sort: other variants and bugs, all points, runs that are cut in the middle.
fn any_options(case: &Case, prng: &mut Prng) -> Options {
    let own = Options::of(case);
    let bug = Bug::ALL[prng.below(Bug::ALL.len() as u32) as usize];
    let (variant, bug) = match prng.below(3) {
        0 => (bug.variant(), Some(bug)),
        _ => (Variant::ALL[prng.below(Variant::ALL.len() as u32) as usize], None),
    };
    let max_points = if prng.below(4) == 0 { prng.below(60) + 1 } else { own.max_points };
    let (all_points, recording) = (prng.below(3) == 0, prng.below(2) == 0);
    Options { variant, bug, all_points, max_points, recording, ..own }
}

/// Runs `n` random cases in every way that a runner allows.
fn dirty(runner: &mut Runner, seed: u64, n: usize) {
    let mut prng = Prng(!seed);
    for case in common::random_cases(seed).take(n) {
        let options = any_options(&case, &mut prng);
        runner.run(&case, &options);
    }
}

#[test]
fn every_case_survives_both_forms() {
    for (path, case) in cases() {
        assert_eq!(case.check(), Ok(()), "{}", path.display());
        assert_eq!(
            Case::parse(case.to_string().as_bytes()),
            Ok(case.clone()),
            "{}",
            path.display()
        );
        assert_eq!(Case::decode(&case.encode()), case, "{}", path.display());
    }
}

#[test]
fn every_case_gives_the_same_outcome_again() {
    let mut runner = Runner::new();
    for (path, case) in cases() {
        let first = outcome(&mut runner, &case);
        assert_eq!(outcome(&mut runner, &case), first, "{}", path.display());
        assert_eq!(outcome(&mut Runner::new(), &case), first, "{}", path.display());
    }
}

#[test]
fn every_case_gives_the_same_outcome_after_a_thousand_others() {
    let mut runner = Runner::new();
    let cases = cases();
    let first: Vec<Outcome> = cases.iter().map(|(_, case)| outcome(&mut runner, case)).collect();
    dirty(&mut runner, 7, 1000);
    for ((path, case), first) in cases.iter().zip(&first) {
        assert_eq!(&outcome(&mut runner, case), first, "{}", path.display());
        dirty(&mut runner, first.points.into(), 20);
        assert_eq!(&outcome(&mut runner, case), first, "{}", path.display());
    }
}

/// The words too, and the validator's text: evidence points into tables that are reset.
#[test]
fn a_used_runner_says_what_a_new_one_says() {
    let mut used = Runner::new();
    for (path, case) in cases() {
        dirty(&mut used, case.encode().len() as u64, 20);
        let mut new = Runner::new();
        outcome(&mut used, &case);
        outcome(&mut new, &case);
        for finding in &new.outcome().findings {
            assert_eq!(used.describe(finding), new.describe(finding), "{}", path.display());
        }
        let names = case.task_names();
        assert_eq!(used.splats(&names), new.splats(&names), "{}", path.display());
    }
}

/// A task may do nothing but what another did before it, and end with locks held.
#[test]
fn the_validator_forgets_what_a_task_holds_that_only_repeats_another() {
    let config = Config { mode: Mode::Complete, raw_lock_nesting: false };
    let mut lockdep = Lockdep::new(config);
    let key = lockdep.declare_key(&KeyDesc {
        name: "lock",
        inner: WaitType::Sleep,
        outer: WaitType::Invalid,
        lock_type: LockType::Normal,
    });
    let lock = lockdep.declare_instance(key, 0);
    let tasks = [lockdep.declare_task(), lockdep.declare_task()];
    for _ in 0..3 {
        lockdep.acquire(tasks[0], &Acquire::exclusive(lock, Site(1)));
        lockdep.release(tasks[0], lock, Site(1));
    }
    lockdep.acquire(tasks[1], &Acquire::exclusive(lock, Site(1)));
    lockdep.reset();
    assert!(lockdep.held(tasks[1]).is_empty());
}
