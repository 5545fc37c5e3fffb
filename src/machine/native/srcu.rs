//! SRCU: sections nest in a task, and a grace period ends when the sections are over that were open
//! when it began.
//!
//! One mutex for each domain orders more than the kernel's per-CPU counters with their barriers do.

use parking_lot::{Condvar, Mutex};

use crate::machine::MAX_TASKS;

/// `struct srcu_struct`.
#[derive(Debug, Default)]
pub(super) struct SrcuDomain {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    depth: [u8; MAX_TASKS],
    readers: u16,
    /// For each task that waits: the readers that its grace period still waits for.
    awaited: [u16; MAX_TASKS],
}

impl SrcuDomain {
    /// Enters a section; `entered` is told while nobody can begin a grace period.
    pub(super) fn enter(&self, task: usize, entered: impl FnOnce()) {
        let state = &mut *self.state.lock();
        state.depth[task] += 1;
        state.readers |= 1 << task;
        entered();
    }

    /// Leaves the innermost section.
    pub(super) fn leave(&self, task: usize) {
        let state = &mut *self.state.lock();
        state.depth[task] = state.depth[task].saturating_sub(1);
        if state.depth[task] == 0 {
            state.readers &= !(1 << task);
            state.awaited.iter_mut().for_each(|awaited| *awaited &= !(1 << task));
            self.over.notify_all();
        }
    }

    /// Waits for the sections that are open now; `blocks` is told before it sleeps. Whether it did.
    pub(super) fn synchronize(&self, task: usize, blocks: impl FnOnce()) -> bool {
        let mut state = self.state.lock();
        if state.readers == 0 {
            return false;
        }
        state.awaited[task] = state.readers;
        blocks();
        while state.awaited[task] != 0 {
            self.over.wait(&mut state);
        }
        true
    }

    /// The readers that the task's grace period still waits for.
    pub(super) fn awaited(&self, task: usize) -> u16 {
        self.state.lock().awaited[task]
    }

    pub(super) fn reset(&self) {
        *self.state.lock() = State::default();
    }
}
