//! The small protocol that the peers are measured on, written once over the machine's traits.
//!
//! Invalidators hold the rwsem for read around two sections of mmu_lock, with the host page changing
//! between them; a writer swaps under mutex and rwsem; a fault takes a snapshot, reads the page and
//! installs it if nothing moved. With 2 invalidators, 1 writer and 1 fault: 22 protocol events.

use kvm_lock_fuzz::machine::{Build, Guard, Mutex, RwSem, SpinLock, Task, Word};
use kvm_lock_fuzz::mm::{sleeping, spinning};
use kvm_lock_fuzz::scope;

/// Handles of the protocol's objects.
#[derive(Clone, Copy, Debug)]
pub struct Small {
    slots_lock: Mutex,
    slots_rwsem: RwSem,
    mmu_lock: SpinLock,
    count: Word,
    seq: Word,
    spte: Word,
    host: Word,
    slots: Word,
    pub planted: Planted,
}

/// A planted bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(dead_code, reason = "each benchmark plants some of them")]
pub enum Planted {
    #[default]
    Nothing,
    /// An invalidator takes the rwsem for read once more: it hangs behind a writer that queued.
    NestedRead,
    /// count-- and seq++ in sections of their own, in this order: a fault slips between them.
    SplitEnd,
    /// The fault does not test seq.
    NoSeq,
}

/// What a task of the protocol does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Invalidator,
    Writer,
    Fault,
}

impl Small {
    pub fn build(b: &mut impl Build) -> Small {
        let slots = b.class(sleeping("slots_lock"));
        let rwsem = b.class(sleeping("slots_rwsem"));
        let mmu = b.class(spinning("mmu_lock"));
        let (slots_lock, slots_rwsem, mmu_lock) = (b.mutex(slots), b.rwsem(rwsem), b.spinlock(mmu));
        let by = |lock| Guard { lock: Some(lock), lockless: false };
        let bare = Guard { lock: None, lockless: true };
        Small {
            slots_lock,
            slots_rwsem,
            mmu_lock,
            count: b.words(1, by(mmu_lock.0)).at(0),
            seq: b.words(1, Guard { lock: Some(mmu_lock.0), lockless: true }).at(0),
            spte: b.words(1, by(mmu_lock.0)).at(0),
            host: b.words(1, bare).at(0),
            slots: b.words(1, by(slots_rwsem.0)).at(0),
            planted: Planted::Nothing,
        }
    }

    async fn invalidator<T: Task>(self, t: T) {
        t.down_read(self.slots_rwsem).await;
        scope!(t, {
            t.spin_lock(self.mmu_lock).await;
            t.write(self.count, t.read(self.count).await + 1).await;
            t.write(self.spte, 0).await;
            t.spin_unlock(self.mmu_lock);
        });
        if self.planted == Planted::NestedRead {
            t.down_read(self.slots_rwsem).await;
        }
        scope!(t, { t.write(self.host, t.peek(self.host) + 1).await });
        if self.planted == Planted::NestedRead {
            t.up_read(self.slots_rwsem);
        }
        self.end(t).await;
        t.up_read(self.slots_rwsem);
    }

    async fn end<T: Task>(self, t: T) {
        scope!(t, {
            t.spin_lock(self.mmu_lock).await;
            if self.planted == Planted::SplitEnd {
                t.write(self.count, t.read(self.count).await - 1).await;
                t.spin_unlock(self.mmu_lock);
                t.spin_lock(self.mmu_lock).await;
                t.write(self.seq, t.read(self.seq).await + 1).await;
            } else {
                t.write(self.seq, t.read(self.seq).await + 1).await;
                t.write(self.count, t.read(self.count).await - 1).await;
            }
            t.spin_unlock(self.mmu_lock);
        });
    }

    async fn writer<T: Task>(self, t: T) {
        t.mutex_lock(self.slots_lock).await;
        t.down_write(self.slots_rwsem).await;
        scope!(t, { t.write(self.slots, t.read(self.slots).await + 1).await });
        t.up_write(self.slots_rwsem);
        t.mutex_unlock(self.slots_lock);
    }

    async fn fault<T: Task>(self, t: T) {
        let seq = t.read(self.seq).await;
        let pfn = t.read(self.host).await + 1;
        t.spin_lock(self.mmu_lock).await;
        let moved = t.read(self.seq).await != seq && self.planted != Planted::NoSeq;
        if t.read(self.count).await == 0 && !moved {
            t.write(self.spte, pfn).await;
        }
        t.spin_unlock(self.mmu_lock);
    }

    /// Whether what is mapped in the end is what the host has.
    pub fn sound<T: Task>(self, t: T) -> bool {
        let spte = t.peek(self.spte);
        t.peek(self.count) == 0 && (spte == 0 || spte == t.peek(self.host) + 1)
    }

    pub async fn role<T: Task>(self, t: T, role: Role) {
        match role {
            Role::Invalidator => self.invalidator(t).await,
            Role::Writer => self.writer(t).await,
            Role::Fault => self.fault(t).await,
        }
    }
}
