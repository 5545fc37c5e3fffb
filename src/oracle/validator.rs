//! Gives the lock validator's reports their kinds.

use super::{Evidence, Findings, Kind, Severity, Signature};
use crate::kvm::trace::Event;
use crate::lockdep::Kind as Reported;
use crate::machine::sim::{Inspect, Record};

/// The kind that a report of the validator is a case of.
pub(crate) fn kind_of(reported: Reported) -> Kind {
    match reported {
        Reported::Circular => Kind::LockOrder,
        Reported::Recursive => Kind::RecursiveLock,
        Reported::IrqOrder | Reported::IrqInversion | Reported::Inconsistent => Kind::IrqOrder,
        Reported::BadUnlock => Kind::UnlockBalance,
        Reported::UserHeld | Reported::ExitHeld => Kind::HeldAtExit,
        Reported::WaitContext => Kind::SleepInAtomic,
        Reported::Freed => Kind::UseAfterFree,
        Reported::NestNotHeld | Reported::Limit | Reported::BadSubclass => Kind::Assertion,
    }
}

/// A report made during the run.
pub(super) fn judge(
    seen: &Inspect<'_, Event>,
    at: &Record<Event>,
    index: u16,
    out: &mut Findings<'_>,
) {
    add(seen, (at.event, at.task), index, out);
}

/// The cycles that the validator found in the whole run's dependencies, at its end.
pub(super) fn lock_order(seen: &Inspect<'_, Event>, out: &mut Findings<'_>) {
    for index in 0..seen.lockdep.reports().len() {
        add(seen, (seen.events, 0), index as u16, out);
    }
}

fn add(seen: &Inspect<'_, Event>, at: (u32, u8), index: u16, out: &mut Findings<'_>) {
    let Some(report) = seen.lockdep.reports().get(usize::from(index)) else { return };
    let kind = kind_of(report.kind);
    let evidence = Evidence::Report(index);
    out.add_signed(at, kind, Severity::Violation, evidence, Signature(report.signature));
}
