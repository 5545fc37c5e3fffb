//! Shadow page tables, the notifier counts and the test that a fault makes against them.

use super::trace::{Event, Side};
use super::{Bug, Kvm, KvmTask};
use crate::machine::Word;
use crate::mm::{NotifierRange, Pages, set_bits, word_mask, words_of};
use crate::scope;

impl Kvm {
    /// `kvm_inc_notifier_count`: mmu_lock is held. The range widens while other regions are open.
    pub(super) async fn inc_notifier_count<T: KvmTask>(&self, t: T, range: &NotifierRange) {
        let count = t.read(self.mmu_notifier_count).await.wrapping_add(1);
        t.write(self.mmu_notifier_count, count).await;
        self.trace_count(t, range, true, count);
        let (mut start, mut end) = (u64::from(range.hva.start), u64::from(range.hva.end));
        if count != 1 && !self.has(Bug::B03i) {
            start = start.min(t.read(self.mmu_notifier_range_start).await);
            end = end.max(t.read(self.mmu_notifier_range_end).await);
        }
        t.write(self.mmu_notifier_range_start, start).await;
        t.write(self.mmu_notifier_range_end, end).await;
    }

    /// `kvm_dec_notifier_count`: the sequence rises before the count falls, so that a fault that
    /// sees the count fallen also sees the new sequence.
    pub(super) async fn dec_notifier_count<T: KvmTask>(&self, t: T, range: &NotifierRange) {
        let seq = t.read(self.mmu_notifier_seq).await;
        t.write(self.mmu_notifier_seq, seq + 1).await;
        t.trace(Event::Seq { vm: self.vm, depth: range.depth });
        let count = t.read(self.mmu_notifier_count).await.wrapping_sub(1);
        t.write(self.mmu_notifier_count, count).await;
        self.trace_count(t, range, false, count);
    }

    fn trace_count<T: KvmTask>(&self, t: T, range: &NotifierRange, up: bool, count: u64) {
        t.trace(Event::NotifierCount {
            vm: self.vm,
            depth: range.depth,
            up,
            value: count as i64,
            locked: t.holds(self.mmu_lock.0),
        });
    }

    /// `BUG_ON(kvm->mmu_notifier_count < 0)` at the end of range_end, outside the lock.
    pub(super) async fn bug_on_negative_count<T: KvmTask>(&self, t: T) {
        scope!(t, {
            if (t.read(self.mmu_notifier_count).await as i64) < 0 {
                t.trace(Event::BugOnCount { vm: self.vm });
            }
        })
    }

    /// A callback is done with mmu_lock, or went without.
    pub(super) fn trace_elision<T: KvmTask>(
        &self,
        t: T,
        range: &NotifierRange,
        side: Side,
        locked: bool,
    ) {
        t.trace(Event::Elision { vm: self.vm, depth: range.depth, side, locked });
    }

    /// `mmu_notifier_retry_hva`: mmu_lock is held.
    pub(super) async fn retry_hva<T: KvmTask>(
        &self,
        t: T,
        mmu_seq: u64,
        hva: u16,
    ) -> Option<Retry> {
        if let Some(retry) = self.in_open_region(t, hva).await {
            return Some(retry);
        }
        (t.read(self.mmu_notifier_seq).await != mmu_seq).then_some(Retry::AtOnce)
    }

    /// The first half of that test: a region is open, and its page lies in mmu_notifier_range.
    pub(super) async fn in_open_region<T: KvmTask>(&self, t: T, hva: u16) -> Option<Retry> {
        let hva = u64::from(hva);
        let open = t.read(self.mmu_notifier_count).await != 0
            && t.read(self.mmu_notifier_range_start).await <= hva
            && hva < t.read(self.mmu_notifier_range_end).await;
        open.then_some(Retry::AfterRegion([
            self.mmu_notifier_count,
            self.mmu_notifier_range_start,
            self.mmu_notifier_range_end,
            self.memslots,
        ]))
    }

    /// `kvm_unmap_gfn_range` for one slot's part of the range: mmu_lock is held for write.
    pub(super) async fn unmap_gfn_range<T: KvmTask>(&self, t: T, gfn: Pages) {
        scope!(t, {
            for w in words_of(gfn) {
                let word = self.spte_present.at(w);
                let present = t.read(word).await;
                let zapped = present & word_mask(gfn, w);
                for bit in set_bits(zapped) {
                    let gfn = w as u16 * 64 + bit;
                    t.write(self.spte.at(usize::from(gfn)), 0).await;
                    t.trace(Event::SpteZap { vm: self.vm, gfn });
                }
                if zapped != 0 {
                    t.write(word, present & !zapped).await;
                }
            }
        })
    }

    /// `kvm_tdp_mmu_map`: sets the entry; mmu_lock is held for read, the entry changes by cmpxchg.
    pub(super) async fn map<T: KvmTask>(&self, t: T, gfn: u16, hva: u16, pfn: u16) {
        let (vm, at) = (self.vm, usize::from(gfn));
        // Looked at under mmu_lock held for write only: not before the entry is set.
        t.update(self.spte_present.at(at / 64), |present| present | 1 << (at % 64));
        t.write(self.spte.at(at), u64::from(pfn + 1) | u64::from(hva) << 16).await;
        t.trace(Event::SpteSet { vm, gfn, hva, pfn });
    }
}

/// Why a fault is not installed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Retry {
    /// The sequence has moved on: worth another try at once.
    AtOnce,
    /// A region is open over the page: worth another try once one of these is written.
    AfterRegion([Word; 4]),
    /// The slot is being deleted or moved: worth another try once the pointer is written.
    AfterUpdate(Word),
}

impl Retry {
    /// A number for each.
    pub(super) fn code(self) -> u64 {
        match self {
            Retry::AtOnce => 0,
            Retry::AfterRegion(_) => 1,
            Retry::AfterUpdate(_) => 2,
        }
    }
}
