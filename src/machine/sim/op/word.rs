//! Reading a shared location, writing it, and waiting for a write to it.

use super::{DONE, Next, Operation, WAITS, number};
use crate::machine::sim::search::Object;
use crate::machine::sim::state::State;
use crate::machine::sim::waits::Wait;
use crate::machine::sim::{Call, Schedule, What};
use crate::machine::{HeldUp, Site, Word};

/// Reads a location; tells its value.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Read(pub Word);

impl<S: Schedule, E> Operation<S, E> for Read {
    fn number(self) -> u64 {
        number(3, self.0.0, 0)
    }

    fn call(self) -> Call {
        Call::Read(self.0)
    }

    fn point(self, state: &mut State<S, E>, task: u8) -> bool {
        !state.exposed(task, self.0, false) || state.point(task)
    }

    fn effect(self, state: &mut State<S, E>, _: u8, _: Site) -> Next {
        state.events += 1;
        state.touch(Object::word(self.0), false);
        Next::Ready(state.words[self.0.0 as usize].value)
    }
}

/// Writes a value to a location.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Write(pub Word, pub u64);

impl<S: Schedule, E> Operation<S, E> for Write {
    fn number(self) -> u64 {
        number(4, self.0.0, self.1 & 0xff_ffff_ffff)
    }

    fn call(self) -> Call {
        Call::Write(self.0)
    }

    fn point(self, state: &mut State<S, E>, task: u8) -> bool {
        !state.exposed(task, self.0, true) || state.point(task)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, _: Site) -> Next {
        state.events += 1;
        state.store(self.0, self.1);
        state.record(task, What::Wrote(self.0, self.1));
        DONE
    }
}

/// A fault waits for a write before it retries. The watched words know of the task already.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Retry(pub HeldUp);

impl<S: Schedule, E> Operation<S, E> for Retry {
    fn number(self) -> u64 {
        match self.0 {
            HeldUp::ByRegion(span, _) => number(12, span.0.into(), 0),
            HeldUp::ByUpdate(lock) => number(13, lock.0.0, 0),
        }
    }

    fn call(self) -> Call {
        Call::Retry(self.0)
    }

    /// None: what the schedule sees of a retry is the wait.
    fn point(self, _: &mut State<S, E>, _: u8) -> bool {
        true
    }

    fn effect(self, state: &mut State<S, E>, task: u8, _: Site) -> Next {
        let wait = Wait::Retry(self.0);
        state.record(task, What::Waits(wait));
        state.block(task, wait);
        WAITS
    }

    fn woken(self, state: &mut State<S, E>, task: u8) {
        state.record(task, What::Resumed);
        state.unwatch(task);
    }
}
