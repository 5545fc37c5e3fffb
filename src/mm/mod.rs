//! The primary MMU: address space, pages, rmap locks, notifier core.
//!
//! One mm. Every page of `0..HVA_PAGES` belongs to a mapping until munmap or mremap takes it away;
//! page-table entries fill in on demand. There is one page-table lock for the whole mm.

pub mod function;
mod gup;
mod notifier;
mod opener;
mod page;
mod pages;
mod region;
pub mod trace;

use arrayvec::ArrayVec;

use crate::lockdep::{LockType, WaitType};
use crate::machine::{Build, Class, Guard, LockMap, RwSem, SpinLock, Srcu, Task, Words};
use trace::Event;

pub use notifier::{NotifierRange, Refused, Subscriber};
pub use opener::Opener;
pub use page::MAX_PFNS;
pub use pages::{HVA_PAGES, Pages};
pub use region::{Places, Region};

/// Words of a bitmap over the host virtual pages.
const HVA_WORDS: usize = HVA_PAGES as usize / 64;
/// Subscribers of the notifier list.
pub const MAX_SUBSCRIBERS: usize = 4;

/// `struct mm_struct`, with the notifier core's global map and SRCU domain.
#[derive(Debug)]
pub struct Mm<N> {
    /// `mmap_lock`.
    pub mmap_lock: RwSem,
    /// The mmap_lock of an mm initialised at another site.
    earlier_mmap_lock: RwSem,
    /// `anon_vma->rwsem`.
    anon_vma: RwSem,
    /// `mapping->i_mmap_rwsem`.
    i_mmap: RwSem,
    /// Page-table lock.
    ptl: SpinLock,
    /// `__mmu_notifier_invalidate_range_start_map`, shared by all mms.
    map: LockMap,
    /// `srcu` of mm/mmu_notifier.c, shared by all mms.
    srcu: Srcu,
    /// Which pages a VMA covers no more (bitmap).
    unmapped: Words,
    /// Page-table entries.
    pte: Words,
    /// Which of them are present (bitmap).
    present: Words,
    /// Reference counts of pages.
    refs: Words,
    /// Which pages are allocated (bitmap).
    allocated: Words,
    /// The notifier list, in order of registration; the kernel walks it newest first.
    pub subscriptions: ArrayVec<N, MAX_SUBSCRIBERS>,
    /// A refused START replays END to the other subscribers, as it should (c2655835fd8c).
    pub replays_end: bool,
    /// Numbers of the places that the operations pass.
    places: Places,
}

/// A task that can report what the primary MMU does.
pub trait MmTask: Task<Event: From<Event>> {}

impl<T: Task<Event: From<Event>>> MmTask for T {}

/// A lock class that sleeps.
pub const fn sleeping(name: &'static str) -> Class {
    Class { name, wait: WaitType::Sleep, kind: LockType::Normal }
}

/// A lock class that spins (and sleeps on PREEMPT_RT).
pub const fn spinning(name: &'static str) -> Class {
    Class { name, wait: WaitType::Config, kind: LockType::Normal }
}

/// A lock class without a wait type.
pub const fn unchecked(name: &'static str) -> Class {
    Class { name, wait: WaitType::Invalid, kind: LockType::Normal }
}

impl<N> Mm<N> {
    /// Lays out the address space.
    pub fn build(b: &mut impl Build, places: Places) -> Mm<N> {
        let earlier = b.class(sleeping("&mm->mmap_lock"));
        let mmap_lock = b.class(sleeping("&mm->mmap_lock"));
        let anon_vma = b.class(sleeping("&anon_vma->rwsem"));
        let i_mmap = b.class(sleeping("&mapping->i_mmap_rwsem"));
        let ptl = b.class(spinning("ptlock_ptr(page)"));
        let map = b.class(unchecked("mmu_notifier_invalidate_range_start"));
        let srcu = b.class(unchecked("srcu"));
        let (mmap_lock, ptl) = (b.rwsem(mmap_lock), b.spinlock(ptl));
        // A point at the change, because the reaper's trylock may meet mmap_lock held there.
        let by_mmap_lock = Guard { lock: Some(mmap_lock.0), lockless: true };
        let by_ptl = Guard { lock: Some(ptl.0), lockless: false };
        let atomic = Guard { lock: None, lockless: true };
        let mm = Mm {
            mmap_lock,
            earlier_mmap_lock: b.rwsem(earlier),
            anon_vma: b.rwsem(anon_vma),
            i_mmap: b.rwsem(i_mmap),
            ptl,
            map: b.lock_map(map),
            srcu: b.srcu(srcu, "srcu(mm)"),
            unmapped: b.words(HVA_WORDS, by_mmap_lock),
            pte: b.words(HVA_PAGES as usize, by_ptl),
            present: b.words(HVA_WORDS, by_ptl),
            refs: b.words(MAX_PFNS, atomic),
            allocated: b.words(MAX_PFNS / 64, atomic),
            subscriptions: ArrayVec::new(),
            replays_end: true,
            places,
        };
        b.name_words(mm.unmapped.at(0), "vma(unmapped)");
        b.name_words(mm.pte.at(0), "pte");
        b.name_words(mm.present.at(0), "pte(present)");
        b.name_words(mm.refs.at(0), "page->_refcount");
        b.name_words(mm.allocated.at(0), "page(allocated)");
        mm
    }

    /// An mm is created at another site, its mmap_lock taken once: lockdep numbers ours `#2`.
    pub async fn earlier_mm<T: Task>(&self, t: T) {
        let t = t.enter(function::MMAP_INIT);
        t.down_write(self.earlier_mmap_lock).await;
        t.up_write(self.earlier_mmap_lock);
    }

    /// `mmu_notifier_register`: takes mmap_lock for write, so that no region that holds it can be
    /// open. The list itself is the caller's to fill.
    pub async fn register<T: Task>(&self, t: T) {
        let t = t.enter(function::REGISTER);
        t.down_write(self.mmap_lock).await;
        t.up_write(self.mmap_lock);
    }
}

/// The part of `pages` in bitmap word `w`.
pub(crate) fn word_mask(pages: Pages, w: usize) -> u64 {
    let base = w as u32 * 64;
    let from = u32::from(pages.start).max(base) - base;
    let to = u32::from(pages.end).min(base + 64).saturating_sub(base);
    if from >= to {
        return 0;
    }
    (u64::MAX >> (64 - (to - from))) << from
}

/// The bitmap words that `pages` touches.
pub(crate) fn words_of(pages: Pages) -> std::ops::RangeInclusive<usize> {
    usize::from(pages.start) / 64..=usize::from(pages.end - 1) / 64
}

/// The set bits of a bitmap word, lowest first.
pub(crate) fn set_bits(mut word: u64) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as u16;
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}
