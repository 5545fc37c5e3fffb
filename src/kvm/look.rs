//! What a VM has come to: for a look from outside, when nobody runs.

use super::memslot::Slot;
use super::{GFN_PAGES, Kvm, MAX_SLOTS};
use crate::machine::Task;
use crate::mm::Mm;

/// A VM at the end of a run, without what depends on the order in which pages were allocated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VmEnd {
    /// The active memslots, by id.
    pub memslots: Vec<(u8, Slot)>,
    /// `mmu_notifier_count`.
    pub mmu_notifier_count: i64,
    /// `mn_active_invalidate_count`.
    pub mn_active_invalidate_count: i64,
    /// What is mapped.
    pub sptes: Vec<Spte>,
}

/// A shadow page-table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spte {
    /// Guest frame.
    pub gfn: u16,
    /// Host virtual page of its slot.
    pub hva: u16,
    /// It maps the page that the primary MMU maps there.
    pub current: bool,
}

impl Kvm {
    /// How the VM stands.
    pub fn end<T: Task, N>(&self, t: T, mm: &Mm<N>) -> VmEnd {
        let memslots = t.peek(self.memslots) as usize;
        let slot = |id| Some((id, self.slot_in(t, memslots, id)?));
        VmEnd {
            memslots: (0..MAX_SLOTS).filter_map(slot).collect(),
            mmu_notifier_count: t.peek(self.mmu_notifier_count) as i64,
            mn_active_invalidate_count: t.peek(self.mn_active_invalidate_count) as i64,
            sptes: (0..GFN_PAGES).filter_map(|gfn| self.spte_at(t, mm, gfn)).collect(),
        }
    }

    fn spte_at<T: Task, N>(&self, t: T, mm: &Mm<N>, gfn: u16) -> Option<Spte> {
        let word = t.peek(self.spte.at(usize::from(gfn)));
        let pfn = (word as u16).checked_sub(1)?;
        let hva = (word >> 16) as u16;
        Some(Spte { gfn, hva, current: mm.mapped(t, hva) == Some(pfn) })
    }
}
