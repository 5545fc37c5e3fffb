//! The canonical form of a cycle of waits: what is waited for, in which mode, and which of the
//! repeated classes are the same lock. Independent of tasks and of where the cycle was entered.

use arrayvec::ArrayVec;

use crate::kvm::trace::Event;
use crate::machine::sim::{Cycle, Inspect, Wait, Waited};
use crate::machine::{MAX_TASKS, Mode};

/// One wait of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitStep {
    /// Lock class, span or grace period.
    pub name: &'static str,
    /// `r` or `w`; empty for what is no lock.
    pub mode: &'static str,
    /// For a class that repeats in the cycle: `same-instance` or `other-instance`.
    pub instance: &'static str,
    /// The waiting task.
    pub task: u8,
}

/// The waits in canonical rotation: the smallest by names and modes comes first.
pub fn wait_steps(seen: &Inspect<'_, Event>, waits: &Cycle) -> ArrayVec<WaitStep, MAX_TASKS> {
    let steps: ArrayVec<WaitStep, MAX_TASKS> =
        waits.waits.iter().map(|&(task, wait)| step(seen, waits, task, wait)).collect();
    if !waits.closed {
        return steps;
    }
    let n = steps.len();
    let rotated = |first: usize| (0..n).map(move |i| (first + i) % n);
    let key = |i: usize| (steps[i].name, steps[i].mode, steps[i].instance);
    let best = (0..n).min_by(|&a, &b| rotated(a).map(key).cmp(rotated(b).map(key))).unwrap_or(0);
    rotated(best).map(|i| steps[i]).collect()
}

fn step(seen: &Inspect<'_, Event>, waits: &Cycle, task: u8, wait: Wait) -> WaitStep {
    let (name, mode) = match seen.waited(wait) {
        Waited::Lock(lock, Mode::Read) => (seen.class(lock), "r"),
        Waited::Lock(lock, Mode::Write) => (seen.class(lock), "w"),
        Waited::Named(name) => (name, ""),
    };
    WaitStep { name, mode, instance: instance(seen, waits, wait), task }
}

fn instance(seen: &Inspect<'_, Event>, waits: &Cycle, wait: Wait) -> &'static str {
    let Waited::Lock(lock, _) = seen.waited(wait) else { return "" };
    let mut others = waits.waits.iter().filter_map(|&(_, other)| match seen.waited(other) {
        Waited::Lock(other, _) if seen.class(other) == seen.class(lock) => Some(other),
        _ => None,
    });
    let repeats = others.clone().count() > 1;
    match (repeats, others.all(|other| other == lock)) {
        (false, _) => "",
        (true, true) => "same-instance",
        (true, false) => "other-instance",
    }
}
