//! Getting a host page for a fault: the fast form without mmap_lock, the slow form with it.

use super::opener::Change;
use super::page::Pte;
use super::{Mm, MmTask, NotifierRange, Pages, Subscriber, function as f};
use crate::scope;

impl<N> Mm<N> {
    /// `get_user_pages_fast_only`, then `get_user_pages_unlocked`: a page with a reference, or none
    /// where no mapping covers the address (-EFAULT).
    pub async fn gup<T: MmTask>(&self, t: T, hva: u16, write: bool) -> Option<u16>
    where
        N: Subscriber<T>,
    {
        let t = t.enter(f::GET_USER_PAGES);
        scope!(t, { self.gup_fast_or_slow(t, hva, write).await })
    }

    async fn gup_fast_or_slow<T: MmTask>(&self, t: T, hva: u16, write: bool) -> Option<u16>
    where
        N: Subscriber<T>,
    {
        let seen = t.read(self.pte_word(hva)).await;
        if let Some(pte) = usable(seen, write)
            && self.try_grab(t, hva, seen, pte)
        {
            return Some(pte.pfn);
        }
        t.down_read(self.mmap_lock).await;
        let page = self.gup_locked(t, hva, write).await;
        t.up_read(self.mmap_lock);
        page
    }

    /// `try_grab_folio` of `gup_pte_range`: nothing stops the entry from changing, so the reference is
    /// dropped again where it has. One step of the simulator, where it always succeeds.
    fn try_grab<T: MmTask>(&self, t: T, hva: u16, seen: u64, pte: Pte) -> bool {
        if !self.try_get_page(t, pte.pfn) {
            return false;
        }
        let same = t.peek(self.pte_word(hva)) == seen;
        if !same {
            self.put_page(t, pte.pfn);
        }
        same
    }

    /// `__get_user_pages`: faults the page in until the entry allows the access.
    async fn gup_locked<T: MmTask>(&self, t: T, hva: u16, write: bool) -> Option<u16>
    where
        N: Subscriber<T>,
    {
        let unmapped = t.read(self.unmapped.at(usize::from(hva) / 64)).await;
        if unmapped & 1 << (hva % 64) != 0 {
            return None;
        }
        loop {
            t.spin_lock(self.ptl).await;
            let word = t.read(self.pte_word(hva)).await;
            if let Some(pte) = usable(word, write) {
                self.get_page(t, pte.pfn);
                t.spin_unlock(self.ptl);
                return Some(pte.pfn);
            }
            t.spin_unlock(self.ptl);
            match Pte::from_word(word) {
                None => self.anonymous_page(t, hva).await?,
                Some(_) => self.wp_page_copy(t, hva).await,
            }
        }
    }

    /// `do_anonymous_page`: none when memory is out.
    async fn anonymous_page<T: MmTask>(&self, t: T, hva: u16) -> Option<()> {
        let t = t.enter(f::HANDLE_MM_FAULT);
        let pfn = self.alloc_page(t)?;
        t.spin_lock(self.ptl).await;
        match Pte::from_word(t.read(self.pte_word(hva)).await) {
            None => self.set_pte(t, hva, Pte { pfn, write: true }).await,
            Some(_) => self.put_page(t, pfn),
        }
        t.spin_unlock(self.ptl);
        Some(())
    }

    /// `wp_page_copy`: a complete region of one page. The faulting task may be a vCPU, which then
    /// runs it inside `kvm->srcu`.
    async fn wp_page_copy<T: MmTask>(&self, t: T, hva: u16)
    where
        N: Subscriber<T>,
    {
        let t = t.enter(f::WP_PAGE_COPY);
        let range = NotifierRange { hva: Pages::new(hva, hva + 1), blockable: true, depth: 0 };
        // A blockable START cannot be refused.
        let _ = self.range_start(t, &range).await;
        let old = self.change_range(t, range.hva, Change::Replace).await;
        self.range_end(t, &range).await;
        self.free_gathered(t, old);
    }
}

/// The entry, if it is present and allows the access.
fn usable(word: u64, write: bool) -> Option<Pte> {
    Pte::from_word(word).filter(|pte| pte.write || !write)
}
