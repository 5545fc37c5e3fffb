//! Waits for a location to be written: what a fault does before it retries.
//!
//! The waiter remembers the version of each location from before it read it, so a write that comes
//! between the read and the wait is never lost.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Condvar, Mutex};

/// All waits for writes.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Tasks that wait, or are about to.
    waiters: AtomicU32,
    lock: Mutex<()>,
    written: Condvar,
}

impl Watch {
    /// Waits until `changed`.
    pub(super) fn until(&self, changed: impl Fn() -> bool) {
        // SeqCst, with the load in `wrote` and the versions: either the writer sees the waiter, or
        // the waiter sees the new version.
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let mut guard = self.lock.lock();
        while !changed() {
            self.written.wait(&mut guard);
        }
        drop(guard);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// A location has a new version.
    pub(super) fn wrote(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // A waiter that has tested already holds the lock until it sleeps.
            drop(self.lock.lock());
            self.written.notify_all();
        }
    }
}
