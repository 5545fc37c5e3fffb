//! Scheduling points stand only where order can matter: with a point before every acquire and
//! access, random schedules of small programs find what they find without.

mod common;

use std::collections::BTreeSet;

use kvm_lock_fuzz::case::{Case, Tail};
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::run::{Options, Runner};

/// Schedules of one round, of each sort.
const ROUND: u16 = 500;
/// Rounds that every program gets, and those that a rare finding gets to show either way.
const ROUNDS: std::ops::Range<u16> = 2..60;

/// What random schedules have found, without all points and with.
#[derive(Default)]
struct Found([BTreeSet<String>; 2]);

impl Found {
    /// Tries one more round of uniformly random schedules and of random priorities.
    fn search(&mut self, runner: &mut Runner, case: &mut Case, round: u16) {
        for seed in ROUND * round..ROUND * (round + 1) {
            let depth = 1 + (seed % 4) as u8;
            for tail in [Tail::Random { seed }, Tail::Pct { seed, depth }] {
                case.schedule.tail = tail;
                for (found, all_points) in self.0.iter_mut().zip([false, true]) {
                    let options = Options { all_points, ..Options::of(case) };
                    let findings = runner.run(case, &options).findings.clone();
                    found.extend(findings.iter().map(|f| runner.describe(f).signature));
                }
            }
        }
    }
}

/// Searches until both ways have found the same; what only one of them can find is never found by
/// the other. Returns what there is.
fn same_findings(mut case: Case) -> BTreeSet<String> {
    let mut runner = Runner::new();
    let mut found = Found::default();
    for round in 0..ROUNDS.end {
        found.search(&mut runner, &mut case, round);
        if round + 1 >= ROUNDS.start && found.0[0] == found.0[1] {
            break;
        }
    }
    let Found([few, all]) = found;
    assert_eq!(few, all, "{case}");
    few
}

/// Compares under every variant; what one of them shows at least is something to compare.
fn equal(name: &str) {
    let case = common::load(&common::path(&format!("tests/cases/points/{name}.case")));
    let mut all = BTreeSet::new();
    for variant in Variant::ALL {
        all.extend(same_findings(Case { variant, ..case.clone() }));
    }
    assert!(!all.is_empty(), "{case}");
}

#[test]
fn region_against_create() {
    equal("region-against-create");
}

#[test]
fn region_against_delete() {
    equal("region-against-delete");
}

#[test]
fn nested_region_against_create() {
    equal("nested-region-against-create");
}

#[test]
fn nested_region_against_flags_with_biased_readers() {
    equal("nested-region-against-flags-with-biased-readers");
}

#[test]
fn region_against_fault() {
    equal("region-against-fault");
}

#[test]
fn rmap_walk_against_fault() {
    equal("rmap-walk-against-fault");
}

#[test]
fn reaper_against_create() {
    equal("reaper-against-create");
}

#[test]
fn rmap_walk_against_mremap() {
    equal("rmap-walk-against-mremap");
}

#[test]
fn region_and_delete_against_fault() {
    equal("region-and-delete-against-fault");
}

#[test]
fn two_vms() {
    equal("two-vms");
}

/// Bugs that drawn schedules show too seldom for a comparison.
const DEEP: &[Bug] = &[Bug::RetrySkipsSeq, Bug::SecondTrySkipsSeq];

#[test]
fn planted_bugs() {
    let cases = common::cases_in("tests/cases/bugs").into_iter();
    let deep = |case: &Case| case.bug.is_some_and(|bug| DEEP.contains(&bug));
    for (path, mut case) in cases.filter(|(_, case)| !deep(case)) {
        case.schedule.bursts.clear();
        assert!(!same_findings(case).is_empty(), "{}", path.display());
    }
}
