//! Pages with references, and the page-table entries that map them.

use super::opener::Change;
use super::{Mm, MmTask, Pages, set_bits, trace::Event, word_mask, words_of};
use crate::machine::{Known, Task, Word};
use crate::scope;

/// Page frames of the model.
pub const MAX_PFNS: usize = 256;

/// A page-table entry maps its page for write.
const PTE_WRITE: u64 = 1 << 16;

/// A present page-table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pte {
    pub(super) pfn: u16,
    pub(super) write: bool,
}

impl Pte {
    pub(super) fn from_word(word: u64) -> Option<Pte> {
        let frame = (word & 0xffff) as u16;
        Some(Pte { pfn: frame.checked_sub(1)?, write: word & PTE_WRITE != 0 })
    }

    fn word(self) -> u64 {
        u64::from(self.pfn + 1) | if self.write { PTE_WRITE } else { 0 }
    }
}

/// Pages to be freed once the secondary MMUs cannot use them any more (`struct mmu_gather`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gather([u64; MAX_PFNS / 64]);

impl Gather {
    fn add(&mut self, pfn: u16) {
        self.0[usize::from(pfn) / 64] |= 1 << (pfn % 64);
    }

    /// The pages, as a bitmap.
    pub(super) fn words(self) -> [u64; MAX_PFNS / 64] {
        self.0
    }
}

impl Known for Gather {
    fn known(&self) -> u64 {
        let mix = |hash: u64, &word: &u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0.iter().fold(0, mix)
    }
}

impl<N> Mm<N> {
    pub(super) fn pte_word(&self, hva: u16) -> Word {
        self.pte.at(usize::from(hva))
    }

    /// The page that is mapped there now, for a look from outside.
    pub fn mapped<T: Task>(&self, t: T, hva: u16) -> Option<u16> {
        Pte::from_word(t.peek(self.pte_word(hva))).map(|pte| pte.pfn)
    }

    /// `alloc_page`, with the first reference; none when memory is out.
    pub(super) fn alloc_page<T: MmTask>(&self, t: T) -> Option<u16> {
        for w in 0..MAX_PFNS / 64 {
            let word = self.allocated.at(w);
            if t.peek(word) == u64::MAX {
                continue;
            }
            // The lowest clear bit is found and set in one step, so that two tasks never get the same page.
            let free = t.update(word, |bits| bits | bits.wrapping_add(1)).trailing_ones();
            if free < 64 {
                let pfn = w as u16 * 64 + free as u16;
                t.update(self.refs.at(usize::from(pfn)), |_| 1);
                return Some(pfn);
            }
        }
        None
    }

    /// `get_page`.
    pub(super) fn get_page<T: MmTask>(&self, t: T, pfn: u16) {
        t.update(self.refs.at(usize::from(pfn)), |refs| refs + 1);
    }

    /// `folio_try_get`: fails where the page has been freed.
    pub(super) fn try_get_page<T: MmTask>(&self, t: T, pfn: u16) -> bool {
        let taken = |refs| if refs == 0 { 0 } else { refs + 1 };
        t.update(self.refs.at(usize::from(pfn)), taken) != 0
    }

    /// `put_page`: the last reference frees the page.
    pub fn put_page<T: MmTask>(&self, t: T, pfn: u16) {
        let at = usize::from(pfn);
        if t.update(self.refs.at(at), |refs| refs - 1) == 1 {
            t.trace(Event::PageFree { pfn });
            t.update(self.allocated.at(at / 64), |bits| bits & !(1 << (at % 64)));
        }
    }

    /// Releases what a region gathered (`tlb_finish_mmu`).
    pub(super) fn free_gathered<T: MmTask>(&self, t: T, gather: Gather) {
        for (w, bits) in gather.0.into_iter().enumerate() {
            for bit in set_bits(bits) {
                self.put_page(t, w as u16 * 64 + bit);
            }
        }
    }

    /// Sets an entry; the page-table lock is held.
    pub(super) async fn set_pte<T: MmTask>(&self, t: T, hva: u16, pte: Pte) {
        let word = self.present.at(usize::from(hva) / 64);
        let present = t.read(word).await;
        t.write(word, present | 1 << (hva % 64)).await;
        t.write(self.pte_word(hva), pte.word()).await;
        t.trace(Event::PteSet { hva, pfn: pte.pfn });
    }

    /// Clears an entry; the page-table lock is held.
    async fn clear_pte<T: MmTask>(&self, t: T, hva: u16, pte: Pte) {
        let word = self.present.at(usize::from(hva) / 64);
        let present = t.read(word).await;
        t.write(word, present & !(1 << (hva % 64))).await;
        t.write(self.pte_word(hva), 0).await;
        t.trace(Event::PteClear { hva, pfn: pte.pfn });
    }

    /// Changes every present entry of the range under the page-table lock.
    pub(super) async fn change_range<T: MmTask>(
        &self,
        t: T,
        pages: Pages,
        change: Change,
    ) -> Gather {
        scope!(t, {
            let mut gather = Gather::default();
            t.spin_lock(self.ptl).await;
            for w in words_of(pages) {
                let present = t.read(self.present.at(w)).await & word_mask(pages, w);
                for bit in set_bits(present) {
                    let hva = w as u16 * 64 + bit;
                    self.change_pte(t, hva, change, &mut gather).await;
                }
            }
            t.spin_unlock(self.ptl);
            gather
        })
    }

    async fn change_pte<T: MmTask>(&self, t: T, hva: u16, change: Change, gather: &mut Gather) {
        let Some(pte) = Pte::from_word(t.read(self.pte_word(hva)).await) else { return };
        match change {
            Change::Protect => {}
            Change::Unmap => {
                self.clear_pte(t, hva, pte).await;
                gather.add(pte.pfn);
            }
            Change::Move => self.clear_pte(t, hva, pte).await,
            Change::Share => {
                self.get_page(t, pte.pfn);
                t.write(self.pte_word(hva), Pte { write: false, ..pte }.word()).await;
            }
            Change::Replace => {
                let Some(pfn) = self.alloc_page(t) else { return };
                self.clear_pte(t, hva, pte).await;
                self.set_pte(t, hva, Pte { pfn, write: true }).await;
                gather.add(pte.pfn);
            }
        }
    }
}
