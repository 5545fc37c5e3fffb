//! The handle of a task on the machine of OS threads.

use super::lock::Guard;
use super::table::Waiting;
use super::{Local, Native};
use crate::machine::log::{Entry, Step};
use crate::machine::{LockId, Mode, Site, Task, Word};

/// A task of [`Native`]: which one, and inside which kernel function. It stays on its thread.
#[derive(Debug)]
pub struct NativeTask<'a, E> {
    pub(super) machine: &'a Native<E>,
    pub(super) local: &'a Local,
    pub(super) site: Site,
}

impl<E> Clone for NativeTask<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for NativeTask<'_, E> {}

impl<'a, E> NativeTask<'a, E> {
    pub(super) fn new(machine: &'a Native<E>, local: &'a Local) -> Self {
        NativeTask { machine, local, site: Site::default() }
    }

    /// A scheduling point: others may pass.
    pub(super) fn point(self) {
        self.local.points.set(self.local.points.get() + 1);
        let mut jitter = self.local.jitter.get();
        jitter.at_point();
        self.local.jitter.set(jitter);
    }

    /// What follows stands here in the order of the run.
    pub(super) fn tick(self) {
        self.local.stamp.set(self.machine.tick());
    }

    pub(super) fn log(self, step: Step<E>) {
        if self.local.logged {
            let entry = Entry { stamp: self.local.stamp(), task: self.local.id, step };
            self.machine.tasks[self.id()].log.lock().push(entry);
        }
    }

    /// Before a block.
    pub(super) fn blocks(self, wait: Waiting) {
        self.machine.tasks[self.id()].log.lock().set_wait(Some(wait));
    }

    /// After a block.
    pub(super) fn runs(self) {
        self.machine.tasks[self.id()].log.lock().set_wait(None);
    }

    pub(super) fn hold(self, lock: LockId, mode: Mode, guard: Guard, step: Step<E>) {
        self.tick();
        self.log(step);
        self.local.held.borrow_mut().push((lock, mode, guard));
    }

    /// How the task holds the lock.
    pub(super) fn hold_of(self, lock: LockId) -> Option<Mode> {
        let held = self.local.held.borrow();
        let modes = held.iter().filter(|(held, ..)| *held == lock).map(|&(_, mode, _)| mode);
        modes.max_by_key(|&mode| mode == Mode::Write)
    }

    pub(super) fn cell(self, word: Word) -> &'a super::word::Cell {
        &self.machine.words[usize::from(word.0)]
    }

    /// No other task can touch the location in that way now.
    pub(super) fn is_guarded(self, word: Word, write: bool) -> bool {
        let guard = self.cell(word).guard;
        match guard.lock.and_then(|lock| self.hold_of(lock)) {
            Some(Mode::Write) => !(write && guard.lockless),
            Some(Mode::Read) => !write,
            None => false,
        }
    }

    pub(super) fn saw(self, word: Word, version: u64) {
        let mut seen = self.local.seen.borrow_mut();
        if seen.is_empty() {
            seen.resize(self.machine.words.len(), 0);
        }
        seen[usize::from(word.0)] = version;
    }
}
