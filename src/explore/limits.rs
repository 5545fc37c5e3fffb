//! What stops a search.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Bytes of a search by its own count, unless told otherwise: the same on every machine.
pub const MAX_MEMORY: usize = 2 << 30;

/// Where a search gives up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Schedules.
    pub schedules: u64,
    /// What bounds them, in words.
    pub bound: &'static str,
    /// Different states.
    pub states: usize,
    /// Bytes by its own count, see [`Progress::memory_ahead`](super::Progress::memory_ahead).
    pub memory: usize,
    /// A moment. What is found before it depends on the machine; nothing else does.
    pub until: Option<Instant>,
    /// A flag that somebody sets, with the same effect.
    pub stop: Option<&'static AtomicBool>,
}

/// The limit that a search has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// That on schedules, in words.
    Schedules(&'static str),
    /// That on states.
    States,
    /// That on memory.
    Memory,
    /// The system gave no more memory. Where, depends on the machine.
    System,
    /// Somebody set the flag.
    Interrupted,
    /// The moment came.
    Time,
}

impl Reached {
    /// The limit in words.
    pub fn words(self) -> &'static str {
        match self {
            Reached::Schedules(words) => words,
            Reached::States => "the bound on states",
            Reached::Memory => "the bound on memory",
            Reached::System => "the system's memory",
            Reached::Interrupted => "interrupted",
            Reached::Time => "the time allowed",
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            schedules: 10_000_000,
            bound: "the bound on schedules",
            states: 4_000_000,
            memory: MAX_MEMORY,
            until: None,
            stop: None,
        }
    }
}

impl Limits {
    /// For answers beside other results, all those of a command together: about half a second of a
    /// release build. They count no time, so that a case gets the same answer on every machine.
    pub fn brief() -> Limits {
        Limits { schedules: 60_000, states: 100_000, ..Limits::default() }
    }

    /// The counted limit that a search has come to with so many schedules, states and bytes.
    pub(super) fn counted(&self, schedules: u64, states: usize, bytes: usize) -> Option<Reached> {
        if schedules >= self.schedules {
            Some(Reached::Schedules(self.bound))
        } else if states >= self.states {
            Some(Reached::States)
        } else {
            (bytes > self.memory).then_some(Reached::Memory)
        }
    }

    /// The other one.
    pub(super) fn called(&self) -> Option<Reached> {
        if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Some(Reached::Interrupted);
        }
        self.until.is_some_and(|until| Instant::now() >= until).then_some(Reached::Time)
    }

    /// What is left of them after that many schedules and states.
    pub(super) fn after(&self, schedules: u64, states: usize) -> Limits {
        Limits {
            schedules: self.schedules.saturating_sub(schedules),
            states: self.states.saturating_sub(states),
            ..*self
        }
    }

    /// That part of the schedules and states.
    pub(super) fn part(&self, part: u64, whole: u64) -> Limits {
        let of = |n: u64| (u128::from(n) * u128::from(part) / u128::from(whole.max(1))) as u64;
        Limits { schedules: of(self.schedules), states: of(self.states as u64) as usize, ..*self }
    }
}
