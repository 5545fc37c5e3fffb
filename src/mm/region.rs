//! The operations that open regions: locks, START, what happens inside, END, what is freed.

use super::opener::{Change, Under};
use super::page::Gather;
use super::{
    Mm, MmTask, NotifierRange, Opener, Pages, Subscriber, function as f, word_mask, words_of,
};
use crate::machine::Words;

/// Places where a burst of a schedule may end; the numbers are the caller's.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Before START.
    pub start: u8,
    /// Before a split.
    pub split: u8,
    /// Before the change of the page tables.
    pub change: u8,
    /// Before END.
    pub end: u8,
    /// Before pages are freed.
    pub free: u8,
}

/// Where a task keeps nothing of what it saw but what the mark names.
mod mark {
    pub const OPENED: u8 = 1;
    pub const CLOSED: u8 = 2;
    pub const SPLIT_OPENED: u8 = 3;
    pub const SPLIT_CLOSED: u8 = 4;
}

/// An open region of a task.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    opener: Opener,
    range: NotifierRange,
}

impl<N> Mm<N> {
    /// Takes the opener's locks and calls START; none where there is nothing to invalidate, the
    /// trylock failed, or a subscriber refused.
    pub async fn open_region<T: MmTask>(&self, t: T, opener: Opener, hva: Pages) -> Option<Region>
    where
        N: Subscriber<T>,
    {
        let t = t.enter(opener.function());
        if !self.lock(t, opener.under()).await {
            return None;
        }
        if !self.is_mapped(t, opener.under(), hva).await {
            self.unlock(t, opener.under());
            return None;
        }
        if opener.under() == (Under::MmapWrite { downgrade: true }) {
            self.unmap(t, hva).await;
            t.downgrade_write(self.mmap_lock);
        }
        t.place(self.places.start).await;
        let range = NotifierRange { hva, blockable: opener.blockable(), depth: 0 };
        if self.range_start(t, &range).await.is_err() {
            self.unlock(t, opener.under());
            return None;
        }
        t.mark(mark::OPENED, &[]);
        Some(Region { opener, range })
    }

    /// Changes the page tables, calls END, frees what went and drops the opener's locks.
    pub async fn close_region<T: MmTask>(&self, t: T, region: Region)
    where
        N: Subscriber<T>,
    {
        let Region { opener, range } = region;
        let t = t.enter(opener.function());
        t.place(self.places.change).await;
        let gather = match opener.change() {
            Change::Move => self.move_page_tables(t, range.hva).await,
            change => self.change_range(t, range.hva, change).await,
        };
        t.place(self.places.end).await;
        self.range_end(t, &range).await;
        if opener.change() == Change::Move {
            self.unmap(t, range.hva).await;
        }
        t.mark(mark::CLOSED, &gather.words());
        t.place(self.places.free).await;
        self.free_gathered(t, gather);
        self.unlock(t, opener.under());
    }

    /// `__split_huge_pmd`, `levels` regions deep, inside a region or alone under mmap_lock.
    pub async fn split<T: MmTask>(&self, t: T, inside: Option<Region>, hva: Pages, levels: u8)
    where
        N: Subscriber<T>,
    {
        let caller = t.enter(f::GET_USER_PAGES);
        if inside.is_none() {
            caller.down_read(self.mmap_lock).await;
            if !self.is_mapped(caller, Under::MmapRead, hva).await {
                return caller.up_read(self.mmap_lock);
            }
        }
        let outside = u8::from(inside.is_some());
        for level in outside..outside + levels {
            t.place(self.places.split).await;
            t.place(self.places.start).await;
            let range = NotifierRange { hva, blockable: true, depth: level };
            // A blockable START cannot be refused.
            let _ = self.range_start(t.enter(f::SPLIT_HUGE_PMD), &range).await;
            t.mark(mark::SPLIT_OPENED, &[level.into()]);
        }
        for level in (outside..outside + levels).rev() {
            let range = NotifierRange { hva, blockable: true, depth: level };
            let t = t.enter(f::SPLIT_HUGE_PMD);
            t.place(self.places.change).await;
            t.spin_lock(self.ptl).await;
            t.spin_unlock(self.ptl);
            t.place(self.places.end).await;
            self.range_end(t, &range).await;
            t.mark(mark::SPLIT_CLOSED, &[level.into()]);
        }
        if inside.is_none() {
            caller.up_read(self.mmap_lock);
        }
    }

    /// mremap takes the rmap locks around the move (`take_rmap_locks`).
    async fn move_page_tables<T: MmTask>(&self, t: T, hva: Pages) -> Gather {
        let rmap = t.enter(f::TAKE_RMAP_LOCKS);
        rmap.down_write(self.i_mmap).await;
        rmap.down_write(self.anon_vma).await;
        let gather = self.change_range(t, hva, Change::Move).await;
        rmap.up_write(self.anon_vma);
        rmap.up_write(self.i_mmap);
        gather
    }

    async fn lock<T: MmTask>(&self, t: T, under: Under) -> bool {
        match under {
            Under::MmapWrite { .. } => t.down_write(self.mmap_lock).await,
            Under::MmapRead => t.down_read(self.mmap_lock).await,
            Under::MmapReadTry => return t.down_read_trylock(self.mmap_lock).await,
            Under::AnonVma => t.down_read(self.anon_vma).await,
        }
        true
    }

    fn unlock<T: MmTask>(&self, t: T, under: Under) {
        match under {
            Under::MmapWrite { downgrade: false } => t.up_write(self.mmap_lock),
            Under::AnonVma => t.up_read(self.anon_vma),
            _ => t.up_read(self.mmap_lock),
        }
    }

    /// Whether there is something to invalidate: a mapping, be it untouched, covers some of the range.
    /// An rmap walk comes from the pages instead (`page_mapped`): until its zap it still finds those
    /// that munmap has taken out of the address space.
    async fn is_mapped<T: MmTask>(&self, t: T, under: Under, hva: Pages) -> bool {
        let memory = t.remember();
        let mapped = self.any(t, self.unmapped, u64::MAX, hva).await
            || under == Under::AnonVma && self.any(t, self.present, 0, hva).await;
        t.forget(memory, mapped.into());
        mapped
    }

    /// Whether a page of the range has its bit in the bitmap; `flip` is `u64::MAX` to ask for clear bits.
    async fn any<T: MmTask>(&self, t: T, bitmap: Words, flip: u64, hva: Pages) -> bool {
        for w in words_of(hva) {
            if (t.read(bitmap.at(w)).await ^ flip) & word_mask(hva, w) != 0 {
                return true;
            }
        }
        false
    }

    /// The range belongs to no mapping any more: munmap detaches it before its region
    /// (`detach_vmas_to_be_unmapped`), mremap unmaps the old place after its own (`move_vma`).
    async fn unmap<T: MmTask>(&self, t: T, hva: Pages) {
        for w in words_of(hva) {
            let word = self.unmapped.at(w);
            let unmapped = t.read(word).await;
            t.write(word, unmapped | word_mask(hva, w)).await;
        }
    }
}
