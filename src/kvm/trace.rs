//! Tracepoints of the secondary MMU: what oracles see of it.

use crate::mm;

/// Which callback of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `invalidate_range_start`.
    Start,
    /// `invalidate_range_end`.
    End,
}

/// Something that KVM did, or the primary MMU below it. `vm` counts VMs, `depth` tells a task's
/// nested regions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The primary MMU.
    Mm(mm::trace::Event),
    /// The program reached its operation of that number.
    Op(u16),
    /// A callback looked up the active memslots.
    Lookup {
        /// VM.
        vm: u8,
        /// Region.
        depth: u8,
        /// Which callback.
        side: Side,
        /// Whether mmu_lock is taken depends on what it finds.
        decides: bool,
    },
    /// A callback is done with mmu_lock.
    Elision {
        /// VM.
        vm: u8,
        /// Region.
        depth: u8,
        /// Which callback.
        side: Side,
        /// It took mmu_lock.
        locked: bool,
    },
    /// `mmu_notifier_count` changed.
    NotifierCount {
        /// VM.
        vm: u8,
        /// Region.
        depth: u8,
        /// It rose.
        up: bool,
        /// Its new value.
        value: i64,
        /// mmu_lock is held.
        locked: bool,
    },
    /// `mn_active_invalidate_count` changed.
    ActiveCount {
        /// VM.
        vm: u8,
        /// Region.
        depth: u8,
        /// It rose.
        up: bool,
        /// Its new value.
        value: i64,
        /// mn_invalidate_lock is held.
        locked: bool,
    },
    /// `mmu_notifier_seq` rose.
    Seq {
        /// VM.
        vm: u8,
        /// Region.
        depth: u8,
    },
    /// A memslot update begins to wait for the regions.
    SwapWait {
        /// VM.
        vm: u8,
    },
    /// It tested the count again and goes on sleeping.
    SwapBusy {
        /// VM.
        vm: u8,
    },
    /// A new memslots array became active.
    Publish {
        /// VM.
        vm: u8,
        /// The variant counts regions and waits for them.
        counted: bool,
        /// `mn_active_invalidate_count` at that instant.
        active: u64,
        /// mn_invalidate_lock has been held since the zero check.
        one_section: bool,
    },
    /// Something read a memslots array after it was freed.
    TouchFreed {
        /// VM.
        vm: u8,
    },
    /// A fault begins an attempt.
    Attempt {
        /// VM.
        vm: u8,
    },
    /// It took its `mmu_notifier_seq` snapshot.
    Snapshot,
    /// It is about to get its host page.
    Gup,
    /// A shadow page-table entry maps a page.
    SpteSet {
        /// VM.
        vm: u8,
        /// Guest frame.
        gfn: u16,
        /// Host virtual page of its slot.
        hva: u16,
        /// Page frame.
        pfn: u16,
    },
    /// A shadow page-table entry went.
    SpteZap {
        /// VM.
        vm: u8,
        /// Guest frame.
        gfn: u16,
    },
    /// `BUG_ON(kvm->mmu_notifier_count < 0)` fired.
    BugOnCount {
        /// VM.
        vm: u8,
    },
}

impl From<mm::trace::Event> for Event {
    fn from(event: mm::trace::Event) -> Event {
        Event::Mm(event)
    }
}
