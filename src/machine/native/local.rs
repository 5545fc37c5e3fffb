//! What a task keeps on its own thread.

use std::cell::{Cell, RefCell};

use super::Jitter;
use super::lock::Guard;
use crate::machine::{LockId, Mode};

/// A task's own part of the machine: what it holds and has seen, where it stands.
#[derive(Debug)]
pub struct Local {
    pub(super) id: u8,
    /// Enters what it does into the log; the history before a run does not.
    pub(super) logged: bool,
    pub(super) held: RefCell<Vec<(LockId, Mode, Guard)>>,
    /// Version of each location from before it was last read.
    pub(super) seen: RefCell<Vec<u64>>,
    /// Number of the last access.
    pub(super) stamp: Cell<u64>,
    pub(super) points: Cell<u32>,
    pub(super) jitter: Cell<Jitter>,
}

impl Local {
    /// The task of that number, with its jitter.
    pub fn new(id: u8, jitter: Jitter) -> Local {
        Local {
            id,
            logged: true,
            held: RefCell::default(),
            seen: RefCell::default(),
            stamp: Cell::new(0),
            points: Cell::new(0),
            jitter: Cell::new(jitter),
        }
    }

    /// The task that does what happened before the tasks start.
    pub fn history() -> Local {
        Local { logged: false, ..Local::new(0, Jitter::none()) }
    }

    /// Ready for another round: what the last one left held is released.
    pub fn begin(&self, jitter: Jitter) {
        self.held.borrow_mut().drain(..).for_each(|(_, _, guard)| guard.release());
        self.stamp.set(0);
        self.points.set(0);
        self.jitter.set(jitter);
    }

    /// It holds locks.
    pub fn holds_locks(&self) -> bool {
        !self.held.borrow().is_empty()
    }

    pub(super) fn index(&self) -> usize {
        usize::from(self.id)
    }

    pub(super) fn stamp(&self) -> u64 {
        self.stamp.get()
    }

    pub(super) fn points(&self) -> u32 {
        self.points.get()
    }
}
