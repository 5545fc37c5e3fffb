//! Planted bugs show on real threads, and sound variants stay silent there.

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::machine::native::Native;
use kvm_lock_fuzz::oracle::{Kind, Severity};
use kvm_lock_fuzz::run::{Ending, Options, Rounds};

use super::common::{cases_in, seed};

/// Rounds of the case with the bug until it shows as that kind.
#[track_caller]
fn shows(bug: Bug, case: &str, kind: Kind) {
    let case = Case { variant: bug.variant(), bug: Some(bug), ..seed(case) };
    let mut rounds = Rounds::new(&case, &Options::of(&case), 1).expect("the policy exists");
    let mut seen = |_| {
        let outcome = rounds.run().expect("the machines agree");
        outcome.findings.iter().any(|finding| finding.kind == kind)
    };
    assert!((0..100_000).any(&mut seen), "{} does not show", bug.id());
}

#[test]
fn a_lost_wake_up() {
    shows(Bug::B34, "create-before-lock", Kind::LostWakeup);
}

#[test]
fn a_lock_that_is_kept() {
    shows(Bug::EndKeepsSlotsLock, "create-before-lock", Kind::HeldAtExit);
    shows(Bug::EndKeepsSlotsLock, "create-before-lock", Kind::Deadlock);
}

#[test]
fn a_lock_that_was_never_taken() {
    shows(Bug::EndReleasesUnheld, "reaper-against-update", Kind::UnlockBalance);
}

#[test]
fn counts_that_do_not_match() {
    shows(Bug::B01, "refused-reaper", Kind::UnbalancedCount);
    shows(Bug::B11, "create-before-lock", Kind::ElisionDisagreement);
    shows(Bug::B29, "create-before-lock", Kind::MemslotsNotFrozen);
}

#[test]
fn pages_and_arrays_used_after_they_went() {
    shows(Bug::B43, "create-before-lock", Kind::StaleMapping);
    shows(Bug::B50, "delete-in-region", Kind::UseAfterFree);
}

#[test]
fn a_grace_period_that_never_ends() {
    shows(Bug::RetryKeepsSrcu, "delete-in-region", Kind::Deadlock);
}

#[test]
fn a_sleep_where_none_is_allowed() {
    shows(Bug::B46, "reaper-against-update", Kind::SleepInAtomic);
}

/// Every sound variant under every policy that threads have.
fn versions() -> impl Iterator<Item = (Variant, Policy)> {
    let policies = || Policy::ALL.into_iter().filter(|&policy| Native::<()>::new(policy).is_ok());
    Variant::sound().flat_map(move |variant| policies().map(move |policy| (variant, policy)))
}

#[test]
fn sound_variants_are_silent() {
    for (path, case) in cases_in("corpus/protocol") {
        for (variant, policy) in versions() {
            let case = Case { variant, bug: None, ..case.clone() };
            let options = Options { policy, ..Options::of(&case) };
            let mut rounds = Rounds::new(&case, &options, 3).expect("the policy exists");
            for _ in 0..25 {
                let outcome = rounds.run().expect("the machines agree").clone();
                assert_eq!(outcome.ending, Ending::Finished, "{}", path.display());
                let mut found = outcome.findings.iter();
                let violation = found.find(|finding| finding.severity == Severity::Violation);
                assert_eq!(violation, None, "{} {}", path.display(), variant.name());
            }
        }
    }
}
