//! How a lock is taken, waited for and handed over.

use super::lock::{Kind, Waiter};
use super::search::Object;
use super::state::State;
use super::waits::Wait;
use super::{Alarm, Schedule, What};
use crate::lockdep::{Acquire, Read};
use crate::machine::{LockId, Mode, Site};

impl<S: Schedule, E> State<S, E> {
    /// Tells the validator of an acquisition, before any waiting, as the kernel does.
    pub(super) fn annotate(&mut self, task: u8, lock: LockId, mode: Mode, trylock: bool, at: Site) {
        self.events += 1;
        let read = if mode == Mode::Read { Read::Shared } else { Read::Exclusive };
        self.lockdep.acquire(
            self.validator_tasks[task as usize],
            &Acquire {
                instance: self.instances[lock.0 as usize],
                subclass: 0,
                read,
                trylock,
                check: true,
                nest: None,
                site: at.token(),
            },
        );
        self.note_reports(task);
    }

    /// Takes the lock if the rules admit it now. A reader that passes a queued writer is noted.
    pub(super) fn try_take(&mut self, task: u8, id: LockId, mode: Mode) -> bool {
        let lock = &self.locks[id.0 as usize];
        if !lock.admits(mode, self.policy) {
            return false;
        }
        match mode {
            Mode::Write => self.schedule.took(Object::lock(id)),
            // Readers that are let in commute.
            Mode::Read => self.schedule.touched(Object::lock(id), false),
        }
        if let Some(writer) = lock.queue.iter().find(|w| w.mode == Mode::Write).map(|w| w.task) {
            self.alarm(writer, Alarm::Bypassed(id));
        }
        self.hold(task, id, mode);
        self.record(task, What::Acquired(id, mode));
        true
    }

    fn hold(&mut self, task: u8, id: LockId, mode: Mode) {
        let lock = &mut self.locks[id.0 as usize];
        lock.take(task, mode);
        if !lock.used {
            lock.used = true;
            self.used_locks.push(id);
        }
        let state = &mut self.tasks[task as usize];
        state.spinning += u8::from(lock.kind.spins());
        state.held.push(id);
        state.print = None;
    }

    /// Queues for the lock.
    pub(super) fn enqueue(&mut self, task: u8, id: LockId, mode: Mode, at: Site) {
        self.locks[id.0 as usize].queue.push(Waiter { task, mode });
        self.record(task, What::Blocked(id, mode));
        self.block(task, Wait::Lock { lock: id, mode, at });
    }

    /// Releases one hold and hands the lock over.
    pub(super) fn drop_lock(&mut self, task: u8, id: LockId, at: Site) {
        self.events += 1;
        self.record(task, What::Released(id));
        self.lockdep.release(
            self.validator_tasks[task as usize],
            self.instances[id.0 as usize],
            at.token(),
        );
        self.note_reports(task);
        let state = &mut self.tasks[task as usize];
        let Some(slot) = state.held.iter().rposition(|&l| l == id) else { return };
        state.held.remove(slot);
        let again = state.held.contains(&id);
        let lock = &mut self.locks[id.0 as usize];
        state.spinning -= u8::from(lock.kind.spins());
        let was_writer = lock.owner == Some(task);
        match was_writer {
            true => self.schedule.gave(Object::lock(id)),
            // Readers that leave commute where nobody waits for them.
            false => self.schedule.touched(Object::lock(id), !lock.queue.is_empty()),
        }
        if was_writer {
            lock.owner = None;
        } else if !again {
            lock.readers &= !(1 << task);
        }
        self.hand_over(id, was_writer);
    }

    /// Grants the lock to whose turn it is; readers of an rwsem enter together, those too that queued
    /// behind a writer (`rwsem_mark_wake`), which is noted.
    pub(super) fn hand_over(&mut self, id: LockId, by_writer: bool) {
        let lock = &mut self.locks[id.0 as usize];
        if lock.queue.is_empty() {
            return;
        }
        let mut readers_first = lock.readers_first(self.policy, by_writer);
        while let Some((waiter, passed)) = self.locks[id.0 as usize].next_grant(readers_first) {
            if let Some(writer) = passed {
                self.alarm(writer, Alarm::Bypassed(id));
            }
            self.hold(waiter.task, id, waiter.mode);
            self.record(waiter.task, What::Acquired(id, waiter.mode));
            self.wake(waiter.task);
            if waiter.mode == Mode::Write {
                return;
            }
            readers_first = self.locks[id.0 as usize].kind == Kind::RwSem;
        }
    }
}
