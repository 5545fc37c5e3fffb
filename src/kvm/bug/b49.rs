//! The swap takes mmap_lock for write and does not wait for regions, as was proposed on 31 March 2021:
//! rmap walks open regions without mmap_lock.

use crate::kvm::{Kvm, KvmTask, Place};

pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.down_write(kvm.mmap_lock).await;
    kvm.publish(t, new, false).await;
    t.up_write(kvm.mmap_lock);
    t.mutex_unlock(kvm.slots_arch_lock);
    kvm.synchronize(t).await;
}
