//! What stops a search.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Progress;

/// Where a search gives up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Schedules.
    pub schedules: u64,
    /// What bounds them, in words.
    pub bound: &'static str,
    /// Different states: what bounds the memory.
    pub states: usize,
    /// A moment. What is found before it depends on the machine; nothing else does.
    pub until: Option<Instant>,
    /// A flag that somebody sets, with the same effect.
    pub stop: Option<&'static AtomicBool>,
}

impl Default for Limits {
    fn default() -> Limits {
        let bound = "the bound on schedules";
        Limits { schedules: 10_000_000, bound, states: 4_000_000, until: None, stop: None }
    }
}

impl Limits {
    /// For answers beside other results, all those of a command together. They count no time, so that
    /// a case gets the same answer on every machine.
    pub fn brief() -> Limits {
        Limits { schedules: 50_000, states: 100_000, ..Limits::default() }
    }

    /// The limit that the search has come to, in words.
    pub fn reached(&self, progress: &Progress) -> Option<String> {
        if progress.counts.schedules >= self.schedules {
            Some(self.bound.to_string())
        } else if progress.states >= self.states {
            Some("the bound on states".to_string())
        } else if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            Some("interrupted".to_string())
        } else {
            let late = self.until.is_some_and(|until| Instant::now() >= until);
            late.then(|| "the time allowed".to_string())
        }
    }

    /// What is left of them after that many schedules and states.
    pub(super) fn after(&self, schedules: u64, states: usize) -> Limits {
        Limits {
            schedules: self.schedules.saturating_sub(schedules),
            states: self.states.saturating_sub(states),
            ..*self
        }
    }

    /// An equal part of them for each of that many answers.
    pub fn shared(&self, answers: usize) -> Limits {
        let answers = answers.max(1);
        let (schedules, states) = (self.schedules / answers as u64, self.states / answers);
        Limits { schedules: schedules.max(1), states: states.max(1), ..*self }
    }
}
