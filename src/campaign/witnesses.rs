//! Witnesses: for every predicted cycle among the findings, whether its minimised case can hang.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::triage::guarded;
use super::{ArmReport, Found};
use crate::explore::{Limits, Witness, witness_of};
use crate::oracle::Kind;
use crate::run::{Options, Runner};

/// Time for all answers together. Each has bounds of its own that count no time; this one is for a
/// campaign with hundreds of findings.
const TIME: Duration = Duration::from_secs(30);
/// Time for all answers after a Ctrl-C.
const AFTER_INTERRUPT: Duration = Duration::from_secs(2);

/// Looks for the witnesses of all findings, as many at a time as there are jobs, until `stop` is set.
pub(super) fn find(arms: &mut [ArmReport], jobs: usize, stop: &'static AtomicBool) {
    let limits = limits(stop);
    let all = arms.iter_mut().flat_map(|arm| &mut arm.findings);
    let left: Mutex<Vec<&mut Found>> = Mutex::new(all.filter(|found| predicts(found)).collect());
    let next = || left.lock().expect("no thread panics with the lock held").pop();
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(found) = next() {
                    found.witness = guarded(|| answer(found, &limits)).flatten();
                }
            });
        }
    });
}

/// Where each search gives up.
fn limits(stop: &'static AtomicBool) -> Limits {
    let (time, stop) = match stop.load(Ordering::Relaxed) {
        true => (AFTER_INTERRUPT, None),
        false => (TIME, Some(stop)),
    };
    Limits { until: Some(Instant::now() + time), stop, ..Limits::brief() }
}

/// Whether it is a prediction, so that runs need not be repeated for the others.
fn predicts(found: &Found) -> bool {
    matches!(found.finding.kind, Kind::LockOrder | Kind::RecursiveLock)
}

fn answer(found: &Found, limits: &Limits) -> Option<Witness> {
    let mut runner = Runner::new();
    runner.run(&found.case, &Options::of(&found.case));
    witness_of(&runner, &found.case, &found.finding, limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ctrl_c_before_leaves_a_moment_and_one_later_ends_it() {
        static STOP: AtomicBool = AtomicBool::new(false);
        assert!(limits(&STOP).stop.is_some(), "a Ctrl-C is looked for");
        STOP.store(true, Ordering::Relaxed);
        let late = limits(&STOP);
        assert!(late.stop.is_none(), "it was heard already");
        assert!(late.until.expect("a moment") <= Instant::now() + AFTER_INTERRUPT);
    }
}
