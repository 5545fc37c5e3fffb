//! The steps of a START that always takes mmu_lock, for bugs that put them in another order.

use crate::kvm::trace::Side;
use crate::kvm::{Kvm, KvmTask, MAX_SLOTS, Place};
use crate::mm::NotifierRange;

/// Takes mmu_lock.
pub async fn lock<T: KvmTask>(t: T, kvm: &Kvm) {
    t.place(Place::MmuLock as u8).await;
    t.write_lock(kvm.mmu_lock).await;
}

/// Zaps what the range hits of that array.
pub async fn zap<T: KvmTask>(t: T, kvm: &Kvm, memslots: usize, range: &NotifierRange) {
    for id in 0..MAX_SLOTS {
        if let Some(gfn) = kvm.slot(t, memslots, id).and_then(|slot| slot.gfns_of(range.hva)) {
            kvm.unmap_gfn_range(t, gfn).await;
        }
    }
}

/// Drops mmu_lock and leaves `kvm->srcu`.
pub fn unlock<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    t.write_unlock(kvm.mmu_lock);
    kvm.trace_elision(t, range, Side::Start, true);
    t.srcu_read_unlock(kvm.srcu);
}
