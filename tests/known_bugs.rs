//! Every planted bug fires what it should, the same programs without it are silent, and every
//! oracle has a case that it fires on beside a sound variant on which it does not.

mod common;

use std::collections::BTreeSet;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::oracle::{Kind, Severity};
use kvm_lock_fuzz::run::{Ending, Options, Runner};

use Kind::{
    Assertion, Deadlock, ElisionDisagreement, HeldAtExit, IrqOrder, Livelock, LockOrder,
    LostWakeup, MemslotsNotFrozen, RecursiveLock, SleepInAtomic, StaleMapping, Starvation,
    UnbalancedCount, UnlockBalance, UnpairedRegion, UseAfterFree,
};

/// What a region shows whose START and END see different memslots.
const DECIDED_TWICE: &[Kind] =
    &[Assertion, ElisionDisagreement, MemslotsNotFrozen, UnbalancedCount];

/// What each bug's own case shows: these kinds and no others.
const BUGS: &[(Bug, &[Kind])] = &[
    (Bug::B01, &[Deadlock, UnbalancedCount, UnpairedRegion]),
    (Bug::B03i, &[StaleMapping]),
    (Bug::B11, DECIDED_TWICE),
    (Bug::B29, DECIDED_TWICE),
    (Bug::B31, DECIDED_TWICE),
    (Bug::B33, DECIDED_TWICE),
    (Bug::B34, &[LostWakeup]),
    (Bug::B36, DECIDED_TWICE),
    (Bug::B41, &[Assertion, StaleMapping]),
    (Bug::B43, &[StaleMapping]),
    (Bug::B46, &[SleepInAtomic]),
    (Bug::B49, DECIDED_TWICE),
    (Bug::B50, &[UseAfterFree]),
    (Bug::EndKeepsSlotsLock, &[HeldAtExit, LockOrder]),
    (Bug::EndReleasesUnheld, &[UnlockBalance]),
    (Bug::RetryKeepsSrcu, &[Deadlock]),
    (Bug::EarlyMemslots, &[StaleMapping]),
    (Bug::RetrySkipsSeq, &[StaleMapping]),
    (Bug::SecondTrySkipsSeq, &[StaleMapping]),
    (Bug::EarlyMemslotsNonblock, &[StaleMapping]),
];

/// A case for each kind, and a word of the signature where the kind has several forms.
const KINDS: &[(Kind, &str, &str)] = &[
    (LockOrder, "corpus/protocol/region", "mmu_notifier_invalidate_range_start"),
    (RecursiveLock, "corpus/protocol/nested-behind-writer", "same-instance"),
    (RecursiveLock, "corpus/protocol/two-vms", "other-instance"),
    (UnlockBalance, "tests/cases/bugs/end-up-read-nonblock", "&kvm->mmu_notifier_slots_lock"),
    (HeldAtExit, "tests/cases/bugs/end-skips-up-read", "&kvm->mmu_notifier_slots_lock"),
    (SleepInAtomic, "tests/cases/bugs/B46", "kvm_mmu_notifier_invalidate_range_start"),
    (Deadlock, "corpus/protocol/nested-behind-writer", "&kvm->mmu_notifier_slots_lock"),
    (Deadlock, "corpus/protocol/rmap-against-mremap", "&anon_vma->rwsem"),
    (Deadlock, "tests/cases/bugs/retry-keeps-srcu", "srcu(kvm)"),
    (LostWakeup, "tests/cases/bugs/B34", "region(vm)"),
    (Livelock, "tests/cases/kinds/livelock", "region(vm)"),
    (Starvation, "corpus/protocol/starved-update", "region(vm)"),
    (Starvation, "corpus/protocol/nested-reader-biased", "&kvm->mmu_notifier_slots_lock"),
    (UnbalancedCount, "corpus/protocol/create-in-region", "mmu_notifier_count lowered"),
    (UnbalancedCount, "tests/cases/kinds/livelock", "mmu_notifier_count left raised"),
    (UnbalancedCount, "tests/cases/bugs/B01", "mn_active_invalidate_count left raised"),
    (ElisionDisagreement, "corpus/protocol/create-in-region", "range_end took it"),
    (ElisionDisagreement, "tests/cases/kinds/livelock", "range_end went without"),
    (MemslotsNotFrozen, "corpus/protocol/create-in-region", "published"),
    (UnpairedRegion, "tests/cases/bugs/B01", "START without END"),
    (StaleMapping, "tests/cases/kinds/stale-mapping", "unmapped while"),
    (StaleMapping, "tests/cases/kinds/stale-mapping-swapout", "freed while"),
    (StaleMapping, "tests/cases/bugs/B41", "no longer there"),
    (UseAfterFree, "tests/cases/bugs/B50", "memslots array"),
    (Assertion, "tests/cases/bugs/B29", "walked before"),
    (Assertion, "tests/cases/bugs/B33", "walked after"),
    (Assertion, "tests/cases/bugs/B31", "outside the section"),
    (Assertion, "tests/cases/bugs/B36", "mn_active_invalidate_count != 0"),
    (Assertion, "tests/cases/bugs/B41", "GUP before"),
    (Assertion, "corpus/protocol/create-in-region", "BUG_ON"),
];

fn bug_case(bug: Bug) -> Case {
    common::load(&common::path(&format!("tests/cases/bugs/{}.case", bug.id())))
}

/// The kinds of a run's violations.
fn violations(runner: &mut Runner, case: &Case, options: &Options) -> BTreeSet<Kind> {
    let findings = &runner.run(case, options).findings;
    findings.iter().filter(|f| f.severity == Severity::Violation).map(|f| f.kind).collect()
}

#[test]
fn every_bug_shows_the_kinds_that_it_should_and_no_others() {
    let mut runner = Runner::new();
    for &(bug, kinds) in BUGS {
        let case = bug_case(bug);
        assert_eq!(case.bug, Some(bug), "{}", bug.id());
        let expected: BTreeSet<Kind> = kinds.iter().copied().collect();
        assert_eq!(violations(&mut runner, &case, &Options::of(&case)), expected, "{case}");
    }
}

#[test]
fn the_table_of_bugs_is_complete() {
    let listed: Vec<Bug> = BUGS.iter().map(|&(bug, _)| bug).collect();
    assert_eq!(listed, Bug::ALL);
}

/// The inversion of the rwsem against the pseudo lock is the variant's own.
#[test]
fn without_the_bug_its_case_is_silent() {
    let mut runner = Runner::new();
    for &(bug, _) in BUGS {
        let case = bug_case(bug);
        let options = Options { bug: None, ..Options::of(&case) };
        let mut shown = violations(&mut runner, &case, &options);
        if bug.variant() == Variant::Rwsem {
            shown.remove(&LockOrder);
        }
        assert_eq!(shown, BTreeSet::new(), "{case}");
        assert_eq!(runner.outcome().ending, Ending::Finished, "{case}");
    }
}

#[test]
fn every_oracle_has_a_case_that_it_fires_on() {
    let mut runner = Runner::new();
    for &(kind, name, part) in KINDS {
        let case = common::load(&common::path(&format!("{name}.case")));
        let findings = runner.run(&case, &Options::of(&case)).findings.clone();
        let of_kind = findings.iter().filter(|f| f.kind == kind);
        let signatures: Vec<String> = of_kind.map(|f| runner.describe(f).signature).collect();
        let found = signatures.iter().any(|signature| signature.contains(part));
        assert!(found, "{} with `{part}` in {name}: {signatures:?}", kind.name());
    }
}

/// A wait for regions that goes on with none open: what is wrong is the count, or the wake-up.
#[test]
fn waits_that_no_task_will_end_say_why() {
    let table = [
        (
            "bugs/B01",
            "region(vm), but none is open: mn_active_invalidate_count has leaked and stays at 1",
        ),
        ("bugs/B34", "region(vm), but none is open: the wake-up was lost"),
        (
            "kinds/livelock",
            "region(vm), but none is open: mmu_notifier_count has leaked and stays at 1",
        ),
        ("bugs/end-skips-up-read", "&kvm->mmu_notifier_slots_lock:w, which no task will release"),
    ];
    let mut runner = Runner::new();
    for (name, words) in table {
        let mut text = common::load(&common::path(&format!("tests/cases/{name}.case"))).to_string();
        if name.ends_with("up-read") {
            let update = "task vmm memslot create 1 gfn 0x10..0x14 hva 0x300";
            text = format!("{text} {update} schedule madviser until blocked");
        }
        let case = common::case(&text);
        let recorded = Options { recording: true, ..Options::of(&case) };
        let findings = runner.run(&case, &recorded).findings.clone();
        let stuck = [Deadlock, LostWakeup, Livelock];
        let stuck = findings.iter().find(|f| stuck.contains(&f.kind)).expect("it hangs");
        let described = runner.describe_in(&case, stuck);
        assert!(described.message.ends_with(words), "{}", described.message);
        let name = words.split([',', ':']).next().unwrap();
        assert!(described.signature.contains(name), "{}", described.signature);
    }
}

#[test]
fn the_table_of_kinds_is_complete() {
    let listed: BTreeSet<Kind> = KINDS.iter().map(|&(kind, ..)| kind).collect();
    let wanted = Kind::ALL.iter().copied().filter(|&kind| kind != IrqOrder);
    assert_eq!(listed, wanted.collect::<BTreeSet<_>>());
}

/// Only starvation is documented, and only where the source says so.
#[test]
fn severities_are_as_the_sources_say() {
    let mut runner = Runner::new();
    for &(kind, name, _) in KINDS {
        let case = common::load(&common::path(&format!("{name}.case")));
        for finding in &runner.run(&case, &Options::of(&case)).findings {
            let documented = finding.severity == Severity::Documented;
            assert_eq!(documented, finding.kind == Starvation, "{} in {name}", kind.name());
        }
    }
}

/// The same programs and schedules under the sound variants.
#[test]
fn sound_variants_are_silent_on_every_one_of_these_cases() {
    let mut runner = Runner::new();
    let bugs = common::cases_in("tests/cases/bugs").into_iter();
    for (path, case) in bugs.chain(common::cases_in("tests/cases/kinds")) {
        for variant in Variant::sound() {
            let options = Options { variant, bug: None, ..Options::of(&case) };
            let shown = violations(&mut runner, &case, &options);
            assert_eq!(shown, BTreeSet::new(), "{} under {}", path.display(), variant.name());
            assert_eq!(runner.outcome().ending, Ending::Finished, "{}", path.display());
        }
    }
}

/// B46 sleeps in the zap: a reaper that hits no memslot has none.
#[test]
fn a_reaper_beside_the_memslots_does_not_sleep() {
    let text = "variant counted bug B46 vm vm0 slot 0 gfn 0x00..0x08 hva 0x100
        task oom_reaper reaper 0x300..0x304 end";
    let case: Case = text.parse().expect("a case");
    assert_eq!(Runner::new().run(&case, &Options::of(&case)).findings, []);
}
