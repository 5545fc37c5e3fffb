//! The minimiser: small results, the same finding, the same result twice.

use kvm_lock_fuzz::case::{Burst, Case, Op, Tail, Until};
use kvm_lock_fuzz::oracle::{Kind, Signature};
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::{Finding, Options, Runner};
use kvm_lock_fuzz::shrink::{MAX_RUNS, Size, minimize, shrink};

/// A case with more of everything than any finding needs.
const LARGE: &str = "
    variant rwsem  policy phase-fair  mm earlier
    subscriber sleeper
    vm a  slot 0 gfn 0..8 hva 0x100  slot 1 gfn 8..16 hva 0x108
    vm b  slot 0 gfn 0..8 hva 0x104
    task one    fault gfn 1 write b  munmap 0x100..0x110 split 0x100..0x110 depth 3 end  fault gfn 2
    task two    memslot flags 0 log-dirty b  memslot create 2 gfn 0x20..0x28 hva 0x200
    task three  cow 0x103 end  fork 0x100..0x108 end  split 0x200..0x240
    task four   reaper 0x100..0x108 end
    schedule one *3, three *7, one until split, two until blocked, four *2, one until change
      then random 9";

fn large() -> Case {
    LARGE.parse().unwrap()
}

#[test]
fn what_no_judge_keeps_stays() {
    assert_eq!(shrink(&large(), &mut |_: &Case| false, MAX_RUNS), large());
}

#[test]
fn what_every_judge_keeps_becomes_one_operation() {
    let mut asked = 0;
    let small = shrink(
        &large(),
        &mut |case: &Case| {
            asked += 1;
            assert_eq!(case.check(), Ok(()));
            true
        },
        MAX_RUNS,
    );
    assert_eq!(small.to_string(), "variant rwsem\nvm vm0\ntask vcpu\n  fault gfn 0x00\n");
    assert!(asked < 200, "{asked}");
}

#[test]
fn programs_tasks_and_bursts_that_matter_stay() {
    // Two tasks; a burst of the second behind one of the first.
    let mut judge = |case: &Case| {
        let split =
            |t: u8| case.programs.task(t.into()).iter().any(|op| matches!(op, Op::Split { .. }));
        let create =
            |t: u8| case.programs.task(t.into()).iter().any(|op| matches!(op, Op::Create { .. }));
        case.schedule
            .bursts
            .windows(2)
            .any(|w| w[0].task != w[1].task && split(w[0].task) && create(w[1].task))
    };
    let small = shrink(&large(), &mut judge, MAX_RUNS);
    let size = Size::of(&small);
    assert_eq!((size.operations, size.tasks, size.bursts, size.config), (2, 2, 2, 1), "{small}");
    assert_eq!((size.drawn, size.details, size.pages, size.ends), (false, 0, 2, 0), "{small}");
}

#[test]
fn runs_are_bounded() {
    let mut asked = 0;
    shrink(
        &large(),
        &mut |_: &Case| {
            asked += 1;
            asked % 2 == 1
        },
        10,
    );
    assert_eq!(asked, 10);
}

/// The first finding of that kind that some drawn schedule of the case's programs shows.
fn find(case: &Case, kind: Kind, runner: &mut Runner) -> Option<(Case, Finding)> {
    (0..2000).find_map(|seed| {
        let mut case = case.clone();
        case.schedule.bursts.clear();
        case.schedule.tail = match seed % 2 {
            0 => Tail::Random { seed },
            _ => Tail::Pct { seed, depth: 3 },
        };
        let outcome = runner.run(&case, &Options::of(&case));
        let finding = outcome.findings.iter().find(|f| f.kind == kind).copied();
        finding.map(|finding| (case, finding))
    })
}

fn shows(case: &Case, signature: Signature, runner: &mut Runner) -> bool {
    runner.run(case, &Options::of(case)).findings.iter().any(|f| f.signature == signature)
}

fn minimized(case: &Case, kind: Kind) -> Case {
    let mut runner = Runner::new();
    let (found, finding) = find(case, kind, &mut runner)
        .unwrap_or_else(|| panic!("{kind:?} found by a drawn schedule"));
    let options = Options::of(&found);
    let small = minimize(&found, &options, finding.signature, &mut runner, MAX_RUNS).case;
    assert_eq!(small.check(), Ok(()));
    assert!(Size::of(&small) <= Size::of(&found));
    assert!(shows(&small, finding.signature, &mut runner), "{small}");
    let again = minimize(&found, &options, finding.signature, &mut runner, MAX_RUNS).case;
    assert_eq!(again, small, "deterministic");
    let fixed =
        minimize(&small, &Options::of(&small), finding.signature, &mut runner, MAX_RUNS).case;
    assert_eq!(fixed, small, "a fixpoint");
    small
}

#[test]
fn lock_order_comes_out_at_one_region() {
    let small = minimized(&large(), Kind::LockOrder);
    let size = Size::of(&small);
    assert_eq!((size.operations, size.tasks, size.bursts), (1, 1, 0), "{small}");
}

#[test]
fn the_nested_deadlock_comes_out_at_four_operations_and_three_bursts() {
    let small = minimized(&large(), Kind::Deadlock);
    let size = Size::of(&small);
    assert!(size.operations <= 4 && size.bursts <= 3 && !size.drawn, "{small}");
    println!("{small}");
}

#[test]
fn elision_findings_come_out_small() {
    let mut case = large();
    case.variant = kvm_lock_fuzz::kvm::Variant::NaiveElision;
    for kind in [Kind::ElisionDisagreement, Kind::UnbalancedCount, Kind::MemslotsNotFrozen] {
        let small = minimized(&case, kind);
        let size = Size::of(&small);
        assert!(size.operations <= 3 && size.bursts <= 3 && !size.drawn, "{small}");
        println!("{small}");
    }
}

#[test]
fn bursts_of_a_long_schedule_fit_the_cap() {
    let mut prng = Prng(5);
    let mut case = large();
    case.schedule.bursts =
        (0..64).map(|_| Burst { task: prng.below(4) as u8, until: Until::Points(1) }).collect();
    let mut judge =
        |case: &Case| case.schedule.bursts.len().is_multiple_of(2) && case.programs.tasks() > 1;
    let small = shrink(&case, &mut judge, MAX_RUNS);
    assert_eq!(small.check(), Ok(()));
}

#[test]
fn a_split_alone_that_is_two_deep_becomes_a_region_with_a_split() {
    let case = "variant rwsem vm v task a split 0x10e..0x112 depth 2
                task b memslot create 5 gfn 0x72..0x74 hva 0x2e0";
    let expected = "variant rwsem\nvm vm0\ntask munmapper\n  munmap 0x100..0x101\n    \
                    split 0x100..0x101\n  end\ntask vmm\n  \
                    memslot create 0  gfn 0x00..0x01  hva 0x100\n\
                    schedule munmapper until split, vmm until blocked\n";
    assert_eq!(minimized(&case.parse().unwrap(), Kind::Deadlock).to_string(), expected);
}
