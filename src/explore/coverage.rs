//! How much of all schedules a search has covered, and why not more.

use std::fmt;

use crate::machine::MAX_TASKS;

/// What a search has covered. Where several things kept it from the whole, the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Coverage {
    /// Every schedule.
    Exhausted,
    /// Every schedule with as few preemptions as the search was bounded to; others were left out.
    Preemptions,
    /// What came before the search was stopped.
    Stopped,
    /// Runs were cut where they had come to the bound on scheduling points.
    Points,
    /// States lead back to themselves: what is below them may be incomplete.
    Cycles,
    /// Equal fingerprints did not go on equally: the result is worth nothing.
    Collisions,
    /// A schedule that was run again went another way: something outside of the machine decides, and
    /// what was seen stands for nothing else.
    Strayed,
}

impl Coverage {
    /// Whether every schedule was covered.
    pub fn is_exhausted(self) -> bool {
        self == Coverage::Exhausted
    }

    /// What makes a search incomplete that was not bounded or stopped, in words.
    pub fn flaw(self) -> Option<&'static str> {
        match self {
            Coverage::Exhausted | Coverage::Preemptions | Coverage::Stopped => None,
            Coverage::Points => Some("runs cut at the bound on scheduling points"),
            Coverage::Cycles => Some("a state that leads back to itself"),
            Coverage::Collisions => Some("fingerprints that collide"),
            Coverage::Strayed => {
                Some("state outside of the machine: a schedule, run again, went another way")
            }
        }
    }
}

/// More tasks than a machine can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyTasks(pub usize);

impl TooManyTasks {
    /// Whether a machine can run that many.
    pub(super) fn check(tasks: usize) -> Result<(), TooManyTasks> {
        if tasks > MAX_TASKS { Err(TooManyTasks(tasks)) } else { Ok(()) }
    }
}

impl fmt::Display for TooManyTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks; a search has room for {MAX_TASKS}", self.0)
    }
}

impl std::error::Error for TooManyTasks {}
