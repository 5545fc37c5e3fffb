//! The common walker of the notifier callbacks, `__kvm_handle_hva_range`.

use super::trace::{Event, Side};
use super::{Kvm, KvmTask, MAX_SLOTS, Place, function as f};
use crate::mm::NotifierRange;
use crate::scope;

/// When a callback takes mmu_lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakeLock {
    /// At the first memslot that overlaps the range, or not at all.
    OnHit,
    /// Before the memslots are looked up.
    Always,
}

impl Kvm {
    /// Walks the memslots that overlap the range inside `kvm->srcu`. START counts itself under
    /// mmu_lock and zaps every hit; END only uncounts itself.
    ///
    /// Where the lock is taken unconditionally, the memslots are looked up after the count rose: a
    /// memslot published later cannot be faulted in, because its faults see the count.
    ///
    /// Gives whether the lock was taken.
    pub(super) async fn handle_hva_range<T: KvmTask>(
        &self,
        t: T,
        range: &NotifierRange,
        side: Side,
        take: TakeLock,
    ) -> bool {
        let t = t.enter(f::HANDLE_HVA_RANGE);
        scope!(t, {
            t.srcu_read_lock(self.srcu).await;
            let mut locked = take == TakeLock::Always;
            if locked {
                self.lock(t, range, side).await;
            }
            let memslots = self.lookup(t, range, side, take).await;
            for id in 0..MAX_SLOTS {
                let Some(gfn) = self.slot(t, memslots, id).and_then(|s| s.gfns_of(range.hva))
                else {
                    continue;
                };
                if !locked {
                    locked = true;
                    self.lock(t, range, side).await;
                }
                if side == Side::End {
                    break;
                }
                self.unmap_gfn_range(t, gfn).await;
            }
            if locked {
                t.write_unlock(self.mmu_lock);
            }
            self.trace_elision(t, range, side, locked);
            t.srcu_read_unlock(self.srcu);
            locked
        })
    }

    /// KVM_MMU_LOCK and `on_lock`.
    async fn lock<T: KvmTask>(&self, t: T, range: &NotifierRange, side: Side) {
        scope!(t, {
            t.place(Place::MmuLock as u8).await;
            t.write_lock(self.mmu_lock).await;
            match side {
                Side::Start => self.inc_notifier_count(t, range).await,
                Side::End => self.dec_notifier_count(t, range).await,
            }
        })
    }

    /// `__kvm_memslots` of a callback.
    pub(super) async fn lookup<T: KvmTask>(
        &self,
        t: T,
        range: &NotifierRange,
        side: Side,
        take: TakeLock,
    ) -> usize {
        let memslots = t.read(self.memslots).await as usize;
        let decides = take == TakeLock::OnHit;
        t.trace(Event::Lookup { vm: self.vm, depth: range.depth, side, decides });
        memslots
    }
}
