//! Entering an SRCU section, and waiting for a grace period.

use super::{DONE, Next, Operation, WAITS, number};
use crate::machine::sim::search::Object;
use crate::machine::sim::state::State;
use crate::machine::sim::waits::Wait;
use crate::machine::sim::{Call, Schedule, What};
use crate::machine::{Site, Srcu};

/// Enters a read-side section.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct SrcuEnter(pub Srcu);

impl<S: Schedule, E> Operation<S, E> for SrcuEnter {
    fn number(self) -> u64 {
        number(5, self.0.0.into(), 0)
    }

    fn call(self) -> Call {
        Call::SrcuEnter(self.0)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, site: Site) -> Next {
        state.srcu_enter(task, self.0, site);
        DONE
    }
}

/// Waits for the sections that are open.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Synchronize(pub Srcu);

impl<S: Schedule, E> Operation<S, E> for Synchronize {
    fn number(self) -> u64 {
        number(6, self.0.0.into(), 0)
    }

    fn call(self) -> Call {
        Call::Synchronize(self.0)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, site: Site) -> Next {
        state.check_sleep(task, site);
        state.touch(Object::srcu(self.0), true);
        let readers = state.srcu[self.0.0 as usize].readers;
        if readers == 0 {
            return DONE;
        }
        let wait = Wait::Grace(self.0, readers);
        state.record(task, What::Waits(wait));
        state.block(task, wait);
        WAITS
    }
}
