//! The secondary MMU: memslots, SPTEs, faults.

pub mod bug;
mod fault;
pub mod function;
mod look;
mod memslot;
mod mmu;
pub mod place;
mod subscriber;
pub mod trace;
pub mod variant;
mod walk;

use crate::machine::{
    Build, Guard, Mutex, RcuWait, RwLock, RwSem, Span, SpinLock, Srcu, Task, Word, Words,
};
use crate::mm::{MmTask, sleeping, spinning, unchecked};

pub use bug::Bug;
pub use look::{Spte, VmEnd};
pub use memslot::{Change, Slot};
pub use place::Place;
pub use subscriber::Subscription;
pub use variant::Variant;

/// Guest frames that a case can name: `0..GFN_PAGES`.
pub const GFN_PAGES: u16 = 0x100;
/// Memslot ids of a VM: `0..MAX_SLOTS`.
pub const MAX_SLOTS: u8 = 8;
/// Virtual machines in a case.
pub const MAX_VMS: usize = 2;
/// Memslots arrays of a VM: the active one, its successor, and one that a late reader may hold.
const ARRAYS: usize = 3;

/// A task that can report what KVM does.
pub trait KvmTask: MmTask + Task<Event: From<trace::Event>> {}

impl<T: MmTask + Task<Event: From<trace::Event>>> KvmTask for T {}

/// `struct kvm`: handles of its locks and counts, and which version of the protocol it runs.
#[derive(Clone, Debug)]
pub struct Kvm {
    /// Which VM.
    pub vm: u8,
    /// The protocol version.
    pub variant: Variant,
    /// The planted bug.
    pub bug: Option<Bug>,
    slots_lock: Mutex,
    slots_arch_lock: Mutex,
    mmu_lock: RwLock,
    srcu: Srcu,
    /// rwsem variant only.
    mmu_notifier_slots_lock: RwSem,
    mn_invalidate_lock: SpinLock,
    mn_memslots_update_rcuwait: RcuWait,
    mn_active_invalidate_count: Word,
    mmu_notifier_count: Word,
    mmu_notifier_seq: Word,
    mmu_notifier_range_start: Word,
    mmu_notifier_range_end: Word,
    /// The active memslots array, by number.
    memslots: Word,
    /// Which memslots arrays are allocated.
    alive: Words,
    /// `MAX_SLOTS` words for each array.
    arrays: Words,
    spte: Words,
    /// Which of them are present (bitmap).
    spte_present: Words,
    /// The region count in the wait-for graph.
    region: Span,
    /// `kvm->mm->mmap_lock`.
    mmap_lock: RwSem,
}

/// The lock classes that all VMs share.
#[derive(Clone, Copy, Debug)]
pub struct Classes([u16; 6]);

impl Classes {
    /// Declares them.
    pub fn build(b: &mut impl Build) -> Classes {
        Classes([
            b.class(sleeping("&kvm->slots_lock")),
            b.class(sleeping("&kvm->slots_arch_lock")),
            b.class(spinning("&(kvm)->mmu_lock")),
            b.class(unchecked("&kvm->srcu")),
            b.class(sleeping("&kvm->mmu_notifier_slots_lock")),
            b.class(spinning("&kvm->mn_invalidate_lock")),
        ])
    }
}

impl Kvm {
    /// Lays out one VM on the mm with that mmap_lock.
    pub fn build(b: &mut impl Build, vm: u8, classes: Classes, mmap_lock: RwSem) -> Kvm {
        let Classes([slots, arch, mmu, srcu, notifier_slots, invalidate]) = classes;
        let slots_lock = b.mutex(slots);
        let mmu_lock = b.rwlock(mmu);
        let mn_invalidate_lock = b.spinlock(invalidate);
        let by_mmu_lock = Guard { lock: Some(mmu_lock.0), lockless: false };
        let lockless = Guard { lock: Some(mmu_lock.0), lockless: true };
        let by_slots_lock = Guard { lock: Some(slots_lock.0), lockless: true };
        let by_invalidate_lock = Guard { lock: Some(mn_invalidate_lock.0), lockless: false };
        let private = Guard { lock: None, lockless: true };
        let (counts, range) = (b.words(2, lockless), b.words(2, by_mmu_lock));
        let mn_active_invalidate_count = b.words(1, by_invalidate_lock).at(0);
        let region = b.span("region(vm)");
        let kvm = Kvm {
            vm,
            variant: Variant::default(),
            bug: None,
            slots_lock,
            slots_arch_lock: b.mutex(arch),
            mmu_lock,
            srcu: b.srcu(srcu, "srcu(kvm)"),
            mmu_notifier_slots_lock: b.rwsem(notifier_slots),
            mn_invalidate_lock,
            mn_memslots_update_rcuwait: b.rcuwait(region, mn_active_invalidate_count),
            mn_active_invalidate_count,
            mmu_notifier_count: counts.at(0),
            mmu_notifier_seq: counts.at(1),
            mmu_notifier_range_start: range.at(0),
            mmu_notifier_range_end: range.at(1),
            memslots: b.words(1, by_slots_lock).at(0),
            alive: b.words(ARRAYS, private),
            arrays: b.words(ARRAYS * MAX_SLOTS as usize, private),
            spte: b.words(GFN_PAGES as usize, by_mmu_lock),
            spte_present: b.words(GFN_PAGES as usize / 64, by_mmu_lock),
            region,
            mmap_lock,
        };
        kvm.name_words(b);
        kvm
    }

    /// Names the words: as the kernel does, where it has them.
    fn name_words(&self, b: &mut impl Build) {
        b.name_words(self.mmu_notifier_count, "mmu_notifier_count");
        b.name_words(self.mmu_notifier_seq, "mmu_notifier_seq");
        b.name_words(self.mmu_notifier_range_start, "mmu_notifier_range_start");
        b.name_words(self.mmu_notifier_range_end, "mmu_notifier_range_end");
        b.name_words(self.mn_active_invalidate_count, "mn_active_invalidate_count");
        b.name_words(self.memslots, "memslots");
        b.name_words(self.alive.at(0), "memslots(allocated)");
        b.name_words(self.arrays.at(0), "memslots[]");
        b.name_words(self.spte.at(0), "spte");
        b.name_words(self.spte_present.at(0), "spte(present)");
    }

    /// Whether the bug is planted in this VM's code.
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}
