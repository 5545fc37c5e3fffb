//! The steps of a single-waiter wait, and of who wakes it.

use super::{DONE, Next, Operation, WAITS, number};
use crate::machine::sim::search::Object;
use crate::machine::sim::state::State;
use crate::machine::sim::waits::Wait;
use crate::machine::sim::{Call, Schedule, What};
use crate::machine::{RcuWait, Site};

/// `prepare_to_rcuwait`: the task is the waiter.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Prepare(pub RcuWait);

impl<S: Schedule, E> Operation<S, E> for Prepare {
    fn number(self) -> u64 {
        number(7, self.0.0.into(), 0)
    }

    fn call(self) -> Call {
        Call::Prepare(self.0)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, _: Site) -> Next {
        state.touch(Object::rcuwait(self.0), true);
        state.rcuwaits[self.0.0 as usize].task = Some(task);
        DONE
    }
}

/// `set_current_state(TASK_UNINTERRUPTIBLE)`.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Uninterruptible;

impl<S: Schedule, E> Operation<S, E> for Uninterruptible {
    fn number(self) -> u64 {
        number(8, 0, 0)
    }

    fn call(self) -> Call {
        Call::SetUninterruptible
    }

    fn effect(self, state: &mut State<S, E>, task: u8, _: Site) -> Next {
        state.touch(Object::task(task), true);
        state.tasks[task as usize].uninterruptible = true;
        DONE
    }
}

/// `schedule`: sleeps unless a wake came since the state was set.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Sleep(pub RcuWait);

impl<S: Schedule, E> Operation<S, E> for Sleep {
    fn number(self) -> u64 {
        number(9, self.0.0.into(), 0)
    }

    fn call(self) -> Call {
        Call::Schedule(self.0)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, site: Site) -> Next {
        state.check_sleep(task, site);
        state.touch(Object::rcuwait(self.0), true);
        state.touch(Object::task(task), true);
        if !state.tasks[task as usize].uninterruptible {
            return DONE;
        }
        let wait = Wait::Sleep(self.0);
        state.record(task, What::Waits(wait));
        state.block(task, wait);
        WAITS
    }
}

/// `finish_rcuwait`: the wait is over, the task runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Finish(pub RcuWait);

impl<S: Schedule, E> Operation<S, E> for Finish {
    fn number(self) -> u64 {
        number(10, self.0.0.into(), 0)
    }

    fn call(self) -> Call {
        Call::Finish(self.0)
    }

    fn effect(self, state: &mut State<S, E>, task: u8, _: Site) -> Next {
        state.touch(Object::rcuwait(self.0), true);
        state.touch(Object::task(task), true);
        state.rcuwaits[self.0.0 as usize].task = None;
        state.tasks[task as usize].uninterruptible = false;
        DONE
    }
}

/// `rcuwait_wake_up`: wakes the waiter, if any.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine::sim) struct Wake(pub RcuWait);

impl<S: Schedule, E> Operation<S, E> for Wake {
    fn number(self) -> u64 {
        number(11, self.0.0.into(), 0)
    }

    fn call(self) -> Call {
        Call::Wake(self.0)
    }

    fn effect(self, state: &mut State<S, E>, _: u8, _: Site) -> Next {
        state.touch(Object::rcuwait(self.0), true);
        let Some(waiter) = state.rcuwaits[self.0.0 as usize].task else { return DONE };
        state.touch(Object::task(waiter), true);
        let task = &mut state.tasks[waiter as usize];
        (task.uninterruptible, task.print) = (false, None);
        if matches!(task.wait, Some(Wait::Sleep(_))) {
            state.wake(waiter);
        }
        DONE
    }
}
