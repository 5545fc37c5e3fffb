//! Runs that keep what the validator has learnt: classes, chains and dependencies of the runs before.
//!
//! Most of what a short run does in a validator that knows nothing is to learn what the last run taught.
//! The validator's checks only grow with what it knows: where the accumulated graph has no cycle, the
//! graph of the run alone has none, and what looks at one task's stack (balance, recursion, wait types,
//! leftovers) never looks at another run. So a run in which nothing was reported, and no dependency closed
//! a cycle, would be as silent alone. Any other is made again from nothing, for reports of its own. A bug
//! here would be a run whose result depends on the runs before it; `tests/warm.rs` compares them.

use super::{Schedule, Settings, Sim};
use crate::lockdep::Mode;

/// Most runs in a row that are made from nothing after one that had to be made twice.
const MOST_COLD: u32 = 64;

/// When the next run may keep what the validator knows.
#[derive(Debug, Default)]
pub(super) struct Warmth {
    never: bool,
    /// Runs to be made from nothing before one is tried again.
    cold: u32,
    /// How many those were after the last run that had to be made twice.
    penalty: u32,
}

impl Warmth {
    /// A run was made that kept it; whether it counts.
    fn tried(&mut self, silent: bool) {
        if silent {
            self.penalty /= 2;
        } else {
            self.penalty = (2 * self.penalty).clamp(1, MOST_COLD);
            self.cold = self.penalty;
        }
    }
}

impl<S: Schedule, E> Sim<S, E> {
    /// Makes a run: forgets the last one, takes the settings, has `plan` set the schedule, and calls `run`
    /// for the rest. Everything is as after a [`reset`](Sim::reset), except in the validator where it has
    /// nothing to report: its classes, chains and dependencies may then be those of earlier runs too.
    ///
    /// `run` is called again where that made a difference, and has to do the same.
    pub fn execute<R>(
        &mut self,
        settings: Settings,
        plan: impl Fn(&mut S),
        mut run: impl FnMut(&Self) -> R,
    ) -> R {
        if self.stays_warm() {
            self.restart(settings, &plan);
            let result = run(self);
            let silent = self.state.get_mut().lockdep.is_silent();
            self.warmth.tried(silent);
            if silent {
                return result;
            }
        }
        self.warmth.cold = self.warmth.cold.saturating_sub(1);
        self.reset(settings, &plan);
        run(self)
    }

    fn stays_warm(&mut self) -> bool {
        let lockdep = &self.state.get_mut().lockdep;
        let complete = lockdep.config().mode == Mode::Complete;
        !self.warmth.never && self.warmth.cold == 0 && complete && lockdep.is_silent()
    }

    /// From now on every run is made from nothing, so that the validator shows that run alone.
    pub fn never_warm(&mut self) {
        self.warmth.never = true;
    }
}
