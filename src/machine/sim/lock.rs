//! The admission rules of mutexes, spinlocks, rwlocks and rwsems. Who gets a lock, and when.
//!
//! Hand-over is direct: a release gives the lock to the waiter whose turn it is. What a thief could
//! do between release and wake-up it can also do by arriving earlier.

use arrayvec::ArrayVec;

use crate::machine::{MAX_TASKS, Mode, Policy};

/// What kind of lock; decides admission and whether waiting is sleeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `struct mutex`.
    Mutex,
    /// `spinlock_t`.
    Spin,
    /// `rwlock_t`.
    RwLock,
    /// `struct rw_semaphore`.
    RwSem,
    /// A pseudo lock: annotation only.
    Map,
}

impl Kind {
    /// The kernel function that takes it.
    pub fn acquires(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Kind::Mutex, _) => "mutex_lock",
            (Kind::Spin, _) => "spin_lock",
            (Kind::RwLock, Mode::Read) => "read_lock",
            (Kind::RwLock, Mode::Write) => "write_lock",
            (Kind::RwSem, Mode::Read) => "down_read",
            (Kind::RwSem, Mode::Write) => "down_write",
            (Kind::Map, _) => "lock_map_acquire",
        }
    }

    /// The kernel function that releases it.
    pub fn releases(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Kind::Mutex, _) => "mutex_unlock",
            (Kind::Spin, _) => "spin_unlock",
            (Kind::RwLock, Mode::Read) => "read_unlock",
            (Kind::RwLock, Mode::Write) => "write_unlock",
            (Kind::RwSem, Mode::Read) => "up_read",
            (Kind::RwSem, Mode::Write) => "up_write",
            (Kind::Map, _) => "lock_map_release",
        }
    }

    /// Waiting for it sleeps.
    pub(super) fn sleeps(self) -> bool {
        matches!(self, Kind::Mutex | Kind::RwSem)
    }

    /// Holding it forbids sleep.
    pub(super) fn spins(self) -> bool {
        matches!(self, Kind::Spin | Kind::RwLock)
    }
}

/// A queued task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) task: u8,
    pub(super) mode: Mode,
}

/// State of one lock.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    pub(super) kind: Kind,
    /// Name of its class.
    pub(super) class: &'static str,
    /// Task that holds it exclusively.
    pub(super) owner: Option<u8>,
    /// Tasks that hold it shared.
    pub(super) readers: u16,
    /// Tasks that wait, in order of arrival.
    pub(super) queue: ArrayVec<Waiter, MAX_TASKS>,
    /// Touched in this run.
    pub(super) used: bool,
}

impl Lock {
    pub(super) fn new(kind: Kind, class: &'static str) -> Lock {
        Lock { kind, class, owner: None, readers: 0, queue: ArrayVec::new(), used: false }
    }

    /// No task holds it.
    pub(super) fn free(&self) -> bool {
        self.owner.is_none() && self.readers == 0
    }

    /// Whether an arrival in `mode` gets the lock now.
    ///
    /// `rwsem_read_trylock` fails on waiters, `rwbase_read_trylock` only on an owning writer,
    /// `queued_read_lock_slowpath` waits for the waiting writer.
    pub(super) fn admits(&self, mode: Mode, policy: Policy) -> bool {
        match (mode, self.kind, policy) {
            (Mode::Write, ..) => self.free(),
            (Mode::Read, Kind::RwSem, Policy::ReaderBiased) => self.owner.is_none(),
            (Mode::Read, ..) => self.owner.is_none() && self.queue.is_empty(),
        }
    }

    /// Records a hold.
    pub(super) fn take(&mut self, task: u8, mode: Mode) {
        match mode {
            Mode::Read => self.readers |= 1 << task,
            Mode::Write => self.owner = Some(task),
        }
    }

    /// Whether waiting readers go before a writer that came first, as the lock is released.
    pub(super) fn readers_first(&self, policy: Policy, by_writer: bool) -> bool {
        self.kind == Kind::RwSem
            && match policy {
                Policy::WriterFair => false,
                Policy::ReaderBiased => true,
                Policy::PhaseFair => by_writer,
            }
    }

    /// Takes the waiter whose turn it is out of the queue, if it can have the lock now; with the first
    /// of the writers that came before it and go on waiting.
    pub(super) fn next_grant(&mut self, readers_first: bool) -> Option<(Waiter, Option<u8>)> {
        if self.owner.is_some() {
            return None;
        }
        let reader = self.queue.iter().position(|w| w.mode == Mode::Read);
        let at = match (self.queue.first()?.mode, reader) {
            (Mode::Read, _) => 0,
            (Mode::Write, Some(reader)) if readers_first => reader,
            (Mode::Write, _) if self.readers == 0 => 0,
            (Mode::Write, _) => return None,
        };
        // Whoever goes before the first of the queue is a reader, and only writers stand ahead of it.
        let passed = (at > 0).then(|| self.queue[0].task);
        Some((self.queue.remove(at), passed))
    }

    /// Tasks that `waiter` waits for: conflicting holders, and who is ahead of it in the queue.
    pub(super) fn blockers(&self, waiter: u8) -> u16 {
        let Some(at) = self.queue.iter().position(|w| w.task == waiter) else { return 0 };
        let mode = self.queue[at].mode;
        let owner = self.owner.map_or(0, |t| 1u16 << t);
        let readers = if mode == Mode::Write { self.readers } else { 0 };
        let ahead = self.queue[..at]
            .iter()
            .filter(|w| w.mode == Mode::Write || mode == Mode::Write)
            .fold(0, |mask, w| mask | 1 << w.task);
        owner | readers | ahead
    }

    /// Forgets the run.
    pub(super) fn reset(&mut self) {
        self.owner = None;
        self.readers = 0;
        self.queue.clear();
        self.used = false;
    }
}
