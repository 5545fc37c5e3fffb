//! Sean Christopherson's rwsem, v2 of 2 April 2021: START takes mmu_notifier_slots_lock for read and
//! returns with it held, END drops it, a memslot update publishes under it. Non-blockable regions
//! may not sleep: they always take mmu_lock instead.

use crate::kvm::trace::Side;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask, Place};
use crate::mm::NotifierRange;

/// Returns with the rwsem held for read.
pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    if range.blockable {
        t.down_read(kvm.mmu_notifier_slots_lock).await;
    }
    kvm.handle_hva_range(t, range, Side::Start, must_lock(range)).await;
}

/// Drops the rwsem that START took.
pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, must_lock(range)).await;
    if range.blockable {
        t.up_read(kvm.mmu_notifier_slots_lock);
    }
}

/// Publishes once no region is open; the grace period comes after up_write, for readers inside
/// `kvm->srcu` may wait for the rwsem.
pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.down_write(kvm.mmu_notifier_slots_lock).await;
    kvm.publish(t, new, false).await;
    t.up_write(kvm.mmu_notifier_slots_lock);
    kvm.synchronize(t).await;
}

pub(in crate::kvm) fn must_lock(range: &NotifierRange) -> TakeLock {
    if range.blockable { TakeLock::OnHit } else { TakeLock::Always }
}
