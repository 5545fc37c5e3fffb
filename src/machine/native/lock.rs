//! The locks: which of parking_lot's stands for which of the kernel's, and guards that own them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{
    ArcMutexGuard, ArcRwLockReadGuard, ArcRwLockWriteGuard, Mutex, RawMutex, RawRwLock,
    RawRwLockRecursive, RecursiveRwLock, RwLock,
};

use crate::machine::Mode;

/// How long a reader waits before it tells that it does.
const BEAT: Duration = Duration::from_millis(5);

/// One lock.
#[derive(Debug)]
pub(super) enum Lock {
    /// `struct mutex`, `spinlock_t`: a waiter of either stops, and only that matters here.
    Mutex(Arc<Mutex<()>>),
    /// `rwlock_t` and the writer-fair rwsem: a waiting writer holds back new readers.
    Fair(Arc<RwLock<()>>),
    /// The reader-biased rwsem.
    Biased(Arc<RecursiveRwLock<()>>),
    /// A pseudo lock.
    Map,
}

/// A hold; it is released when this is dropped.
pub(super) enum Guard {
    Mutex(ArcMutexGuard<RawMutex, ()>),
    FairRead(ArcRwLockReadGuard<RawRwLock, ()>),
    FairWrite(ArcRwLockWriteGuard<RawRwLock, ()>),
    BiasedRead(ArcRwLockReadGuard<RawRwLockRecursive, ()>),
    BiasedWrite(ArcRwLockWriteGuard<RawRwLockRecursive, ()>),
    /// A pseudo lock holds nothing.
    Map,
}

impl Lock {
    /// Takes the lock, however long that takes. A reader of a lock whose waiting writers hold it
    /// back tells from time to time that it still has not got it.
    pub(super) fn take(&self, mode: Mode, still_waits: impl Fn()) -> Guard {
        match (self, mode) {
            (Lock::Mutex(lock), _) => Guard::Mutex(lock.lock_arc()),
            (Lock::Fair(lock), Mode::Read) => loop {
                match lock.try_read_arc_for(BEAT) {
                    Some(guard) => break Guard::FairRead(guard),
                    None => still_waits(),
                }
            },
            (Lock::Fair(lock), Mode::Write) => Guard::FairWrite(lock.write_arc()),
            (Lock::Biased(lock), Mode::Read) => Guard::BiasedRead(lock.read_arc()),
            (Lock::Biased(lock), Mode::Write) => Guard::BiasedWrite(lock.write_arc()),
            (Lock::Map, _) => Guard::Map,
        }
    }

    /// Takes the lock if that needs no wait.
    pub(super) fn try_take(&self, mode: Mode) -> Option<Guard> {
        Some(match (self, mode) {
            (Lock::Mutex(lock), _) => Guard::Mutex(lock.try_lock_arc()?),
            (Lock::Fair(lock), Mode::Read) => Guard::FairRead(lock.try_read_arc()?),
            (Lock::Fair(lock), Mode::Write) => Guard::FairWrite(lock.try_write_arc()?),
            (Lock::Biased(lock), Mode::Read) => Guard::BiasedRead(lock.try_read_arc()?),
            (Lock::Biased(lock), Mode::Write) => Guard::BiasedWrite(lock.try_write_arc()?),
            (Lock::Map, _) => Guard::Map,
        })
    }

    /// A writer owns the lock, or holds back readers while it waits for those inside. Looking takes
    /// the lock for a moment, which holds up a writer and changes nothing else.
    pub(super) fn refuses_readers(&self) -> bool {
        self.try_take(Mode::Read).is_none()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Guard {
    /// Turns an exclusive hold into a shared one, without a moment in between.
    pub(super) fn downgrade(self) -> Guard {
        match self {
            Guard::FairWrite(guard) => Guard::FairRead(ArcRwLockWriteGuard::downgrade(guard)),
            Guard::BiasedWrite(guard) => Guard::BiasedRead(ArcRwLockWriteGuard::downgrade(guard)),
            shared => shared,
        }
    }

    /// Releases the hold.
    pub(super) fn release(self) {
        match self {
            Guard::Mutex(guard) => drop(guard),
            Guard::FairRead(guard) => drop(guard),
            Guard::FairWrite(guard) => drop(guard),
            Guard::BiasedRead(guard) => drop(guard),
            Guard::BiasedWrite(guard) => drop(guard),
            Guard::Map => {}
        }
    }
}
