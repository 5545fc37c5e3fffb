//! The swap of `counted` publishes after it dropped mn_invalidate_lock: a region may begin between the
//! zero check and the publication.

use crate::kvm::variant::counted;
use crate::kvm::{Kvm, KvmTask, Place};

pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.spin_lock(kvm.mn_invalidate_lock).await;
    counted::wait_for_regions(t, kvm, old, new).await;
    t.spin_unlock(kvm.mn_invalidate_lock);
    kvm.publish(t, new, false).await;
    t.mutex_unlock(kvm.slots_arch_lock);
    kvm.synchronize(t).await;
}
