//! The swap of `counted` frees the old array before the SRCU grace period: readers may still walk it.

use crate::kvm::variant::counted;
use crate::kvm::{Kvm, KvmTask, Place};

pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.spin_lock(kvm.mn_invalidate_lock).await;
    counted::wait_for_regions(t, kvm, old, new).await;
    counted::publish(t, kvm, new).await;
    kvm.free_memslots(t, old);
    kvm.synchronize(t).await;
}
