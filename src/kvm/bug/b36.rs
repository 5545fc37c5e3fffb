//! The swap of `counted` tests mn_active_invalidate_count with `if` and not with `while`: a region may
//! begin between the wake-up and the lock.

use super::wait;
use crate::kvm::variant::counted;
use crate::kvm::{Kvm, KvmTask, Place};

pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.spin_lock(kvm.mn_invalidate_lock).await;
    wait::prepare(t, kvm).await;
    if wait::is_busy(t, kvm).await {
        t.set_uninterruptible().await;
        t.spin_unlock(kvm.mn_invalidate_lock);
        t.schedule(kvm.mn_memslots_update_rcuwait).await;
        t.spin_lock(kvm.mn_invalidate_lock).await;
    }
    t.finish_rcuwait(kvm.mn_memslots_update_rcuwait).await;
    counted::publish(t, kvm, new).await;
    kvm.synchronize(t).await;
}
