//! Scheduling points stand only where order can matter: with a point before every acquire and
//! access, random schedules of small programs find what they find without.

mod common;

use std::collections::BTreeSet;

use kvm_lock_fuzz::case::{Case, Tail};
use kvm_lock_fuzz::run::{Options, Runner};

/// Schedules for each program: enough that either way finds all there is.
const SCHEDULES: u16 = 1500;

/// What uniformly random schedules and random priorities find.
fn found(runner: &mut Runner, case: &Case, all_points: bool) -> BTreeSet<String> {
    let mut case = case.clone();
    let mut found = BTreeSet::new();
    for seed in 0..SCHEDULES {
        let depth = 1 + (seed % 4) as u8;
        for tail in [Tail::Random { seed }, Tail::Pct { seed, depth }] {
            case.schedule.tail = tail;
            let options = Options { all_points, ..Options::of(&case) };
            let findings = runner.run(&case, &options).findings.clone();
            found.extend(findings.iter().map(|f| runner.describe(f).signature));
        }
    }
    found
}

fn equal(programs: &str) {
    let mut runner = Runner::new();
    for variant in ["always-lock", "naive-elision", "rwsem", "counted"] {
        let case = common::case(&format!("variant {variant}\n{programs}"));
        let [few, all] = [false, true].map(|all| found(&mut runner, &case, all));
        assert_eq!(few, all, "{case}");
    }
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
    let mut runner = Runner::new();
    for (path, case) in common::cases_in("tests/cases/bugs") {
        let mut case = case;
        case.schedule.bursts.clear();
        let [few, all] = [false, true].map(|all| found(&mut runner, &case, all));
        assert_eq!(few, all, "{}", path.display());
        assert!(!few.is_empty(), "{}", path.display());
    }
}
