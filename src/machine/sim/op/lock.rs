//! Taking a lock: at once, after optimistic spinning, or by queueing for it.

use super::{DONE, Next, Operation, Phase, WAITS, number};
use crate::machine::sim::lock::Kind;
use crate::machine::sim::search::Object;
use crate::machine::sim::state::State;
use crate::machine::sim::{Call, Schedule};
use crate::machine::{LockId, Mode, Site};

/// An rwsem writer has spun and will queue.
const SPUN: u8 = 1;

/// Takes a lock, and waits for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Acquire(pub LockId, pub Mode);

impl<S: Schedule, E> Operation<S, E> for Acquire {
    fn number(self) -> u64 {
        number(1, self.0.0, self.1 as u64)
    }

    fn call(self) -> Call {
        Call::Acquire(self.0, self.1)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, site: Site) -> Next {
        let Acquire(lock, mode) = self;
        let kind = state.locks[lock.0 as usize].kind;
        if kind.sleeps() {
            state.check_sleep(task, site);
        }
        state.annotate(task, lock, mode, false, site);
        if state.try_take(task, lock, mode) {
            return DONE;
        }
        state.touch(Object::lock(lock), true);
        if kind != Kind::RwSem || mode == Mode::Read {
            state.enqueue(task, lock, mode, site);
            return WAITS;
        }
        state.halfway(task, SPUN);
        if state.point(task) { self.spun(state, task, site) } else { Next::Later(Phase::Spun) }
    }

    fn spun(self, state: &mut State<S, E>, task: u8, site: Site) -> Next {
        let Acquire(lock, mode) = self;
        if state.try_take(task, lock, mode) {
            return DONE;
        }
        state.touch(Object::lock(lock), true);
        state.enqueue(task, lock, mode, site);
        WAITS
    }

    /// Whoever handed the lock over has recorded it.
    fn woken(self, _: &mut State<S, E>, _: u8) {}
}

/// Takes a lock if that needs no wait; tells whether.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct TryAcquire(pub LockId, pub Mode);

impl<S: Schedule, E> Operation<S, E> for TryAcquire {
    fn number(self) -> u64 {
        number(2, self.0.0, self.1 as u64)
    }

    fn call(self) -> Call {
        Call::TryAcquire(self.0, self.1)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, site: Site) -> Next {
        let TryAcquire(lock, mode) = self;
        let taken = state.try_take(task, lock, mode);
        if taken {
            state.annotate(task, lock, mode, true, site);
        } else {
            state.touch(Object::lock(lock), mode == Mode::Write);
        }
        Next::Ready(u64::from(taken))
    }
}
