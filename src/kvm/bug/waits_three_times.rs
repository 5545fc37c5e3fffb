//! The swap of `counted` gives up after it slept three times, lest regions starve it: a fourth region
//! may be open by then.

use super::wait;
use crate::kvm::variant::counted;
use crate::kvm::{Kvm, KvmTask, Place};

pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.spin_lock(kvm.mn_invalidate_lock).await;
    wait::prepare(t, kvm).await;
    for _ in 0..3 {
        if !wait::is_busy(t, kvm).await {
            break;
        }
        wait::sleep(t, kvm).await;
    }
    t.finish_rcuwait(kvm.mn_memslots_update_rcuwait).await;
    counted::publish(t, kvm, new).await;
    kvm.synchronize(t).await;
}
