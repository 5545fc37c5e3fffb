//! Scheduling points stand only where order can matter: with a point before every acquire and
//! access, random schedules of small programs find what they find without.

mod common;

use std::collections::BTreeSet;

use kvm_lock_fuzz::case::{Case, Tail};
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

fn equal(programs: &str) {
    let mut all = BTreeSet::new();
    for variant in ["always-lock", "naive-elision", "rwsem", "counted"] {
        all.extend(same_findings(common::case(&format!("variant {variant}\n{programs}"))));
    }
    assert!(!all.is_empty(), "nothing to compare: rwsem shows its inversion at least");
}

#[test]
fn region_against_create() {
    equal(
        "vm vm0\ntask a\n  madvise 0x200..0x202\n  end\ntask b\n  memslot create 1  gfn 0x10..0x12  hva 0x200\n",
    );
}

#[test]
fn region_against_delete() {
    equal(
        "vm vm0\n  slot 0  gfn 0x00..0x02  hva 0x100\ntask a\n  munmap 0x100..0x102\n  end\ntask b\n  memslot delete 0\n",
    );
}

#[test]
fn nested_region_against_create() {
    equal(
        "vm vm0\ntask a\n  mremap 0x200..0x202\n    split 0x200..0x202\n  end\ntask b\n  memslot create 1  gfn 0x10..0x12  hva 0x300\n",
    );
}

#[test]
fn nested_region_against_flags_with_biased_readers() {
    equal(
        "policy reader-biased\nvm vm0\n  slot 0  gfn 0x00..0x02  hva 0x100\ntask a\n  mprotect 0x100..0x102\n    split 0x100..0x102\n  end\ntask b\n  memslot flags 0 log-dirty\n",
    );
}

#[test]
fn region_against_fault() {
    equal(
        "vm vm0\n  slot 0  gfn 0x00..0x02  hva 0x100\ntask a\n  madvise 0x100..0x102\n  end\ntask b\n  fault gfn 0x00 write\n",
    );
}

#[test]
fn rmap_walk_against_fault() {
    equal(
        "vm vm0\n  slot 0  gfn 0x00..0x02  hva 0x100\ntask a\n  swapout 0x100..0x101\n  end\ntask b\n  fault gfn 0x00\n",
    );
}

#[test]
fn reaper_against_create() {
    equal(
        "vm vm0\nsubscriber refuser\ntask a\n  reaper 0x200..0x202\n  end\ntask b\n  memslot create 1  gfn 0x10..0x12  hva 0x200\n",
    );
}

#[test]
fn rmap_walk_against_mremap() {
    equal("vm vm0\ntask a\n  mremap 0x100..0x101\n  end\ntask b\n  migrate 0x200..0x201\n  end\n");
}

#[test]
fn delete_against_fault() {
    equal(
        "vm vm0\n  slot 0  gfn 0x00..0x02  hva 0x100\ntask a\n  memslot delete 0\ntask b\n  fault gfn 0x00 write\n",
    );
}

#[test]
fn two_vms() {
    equal(
        "vm vm0\nvm vm1\ntask a\n  swapout 0x200..0x201\n  end\ntask b\n  swapout 0x300..0x301\n  end\n",
    );
}

#[test]
fn planted_bugs() {
    for (path, mut case) in common::cases_in("tests/cases/bugs") {
        case.schedule.bursts.clear();
        assert!(!same_findings(case).is_empty(), "{}", path.display());
    }
}
