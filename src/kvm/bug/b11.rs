//! The swap of `counted` publishes without waiting for the regions: the elision is decided twice,
//! against memslots that may differ.

use crate::kvm::variant::counted;
use crate::kvm::{Kvm, KvmTask, Place};

pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.spin_lock(kvm.mn_invalidate_lock).await;
    counted::publish(t, kvm, new).await;
    kvm.synchronize(t).await;
}
