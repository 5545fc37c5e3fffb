//! Shared locations.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::machine::Guard;

/// A location of 64 bits.
#[derive(Debug)]
pub(super) struct Cell {
    value: AtomicU64,
    /// Rises with every write.
    version: AtomicU64,
    /// Held while an access that others can see takes its number: the numbers are in the order of
    /// the accesses.
    order: Mutex<()>,
    pub(super) guard: Guard,
}

impl Cell {
    pub(super) fn new(guard: Guard) -> Cell {
        Cell { value: AtomicU64::new(0), version: AtomicU64::new(0), order: Mutex::new(()), guard }
    }

    /// Reads under the location's guard: version and value.
    pub(super) fn read_guarded(&self) -> (u64, u64) {
        // Relaxed: plain accesses in the kernel, which the guard orders.
        (self.version.load(Ordering::Relaxed), self.value.load(Ordering::Relaxed))
    }

    /// Reads without the guard.
    pub(super) fn read(&self, number: impl FnOnce()) -> (u64, u64) {
        let _order = self.order.lock();
        number();
        // Acquire, for the value only: READ_ONCE of the memslots pointer (srcu_dereference) makes
        // what it points to visible, and smp_rmb stands behind that of the notifier counts.
        (self.version.load(Ordering::Relaxed), self.value.load(Ordering::Acquire))
    }

    /// Writes.
    pub(super) fn write(&self, value: u64, number: impl FnOnce()) {
        let _order = self.order.lock();
        number();
        // Release: rcu_assign_pointer publishes what the memslots pointer points to, and smp_wmb
        // stands between mmu_notifier_seq and mmu_notifier_count.
        self.value.store(value, Ordering::Release);
        self.bump();
    }

    /// `atomic_fetch_*`, `cmpxchg`: fully ordered, because they return a value.
    pub(super) fn update(&self, change: impl Fn(u64) -> u64, number: impl FnOnce()) -> u64 {
        let _order = self.order.lock();
        number();
        let old = self.value.update(Ordering::SeqCst, Ordering::SeqCst, change);
        self.bump();
        old
    }

    /// Reads again what the step has read, or what nobody else changes.
    pub(super) fn peek(&self) -> u64 {
        // SeqCst: GUP looks at the page-table entry again after it took its reference, and that
        // increment is a full barrier.
        self.value.load(Ordering::SeqCst)
    }

    /// Writes what nobody else can see yet.
    pub(super) fn poke(&self, value: u64) {
        // Relaxed: the pointer that makes it visible is published with Release.
        self.value.store(value, Ordering::Relaxed);
    }

    /// Writes so far.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    fn bump(&self) {
        // SeqCst: see `Watch`.
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// Back to 0. Versions only rise.
    pub(super) fn reset(&self) {
        self.value.store(0, Ordering::Relaxed);
    }
}
