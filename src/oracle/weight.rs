//! Which of several findings matters most.
//!
//! One order for all that has to choose: the report of a fuzz target, what the minimiser keeps
//! unless told. A bug in here would be a hang that a prediction hides.

use super::{Finding, Kind};

impl Kind {
    /// How bad a finding of the kind is beside others of the same run; 0 is the worst.
    fn rank(self) -> u8 {
        match self {
            // Tasks hang for good.
            Kind::Deadlock | Kind::LostWakeup | Kind::Livelock => 0,
            // Memory is reached that is somebody else's by now.
            Kind::UseAfterFree | Kind::StaleMapping => 1,
            // An invariant is broken.
            Kind::UnlockBalance
            | Kind::HeldAtExit
            | Kind::SleepInAtomic
            | Kind::UnbalancedCount
            | Kind::ElisionDisagreement
            | Kind::MemslotsNotFrozen
            | Kind::UnpairedRegion
            | Kind::Assertion => 2,
            // A prediction: another order of the same steps may hang.
            Kind::IrqOrder | Kind::RecursiveLock | Kind::LockOrder => 3,
            // Something waits longer than it should.
            Kind::Starvation => 4,
        }
    }
}

/// The worst finding of a run: violations before documented ones, then by kind (hangs, memory,
/// broken invariants, predictions, starvation), of equals the first. `None` where nothing was found.
pub fn worst(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().min_by_key(|finding| (finding.severity, finding.kind.rank()))
}
