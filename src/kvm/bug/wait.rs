//! The steps of the wait of `counted`, for bugs that put them in another order.

use crate::kvm::trace::Event;
use crate::kvm::{Kvm, KvmTask};

/// Announces the wait and becomes the one that the last END wakes.
pub async fn prepare<T: KvmTask>(t: T, kvm: &Kvm) {
    t.trace(Event::SwapWait { vm: kvm.vm });
    t.prepare_to_rcuwait(kvm.mn_memslots_update_rcuwait).await;
}

/// Whether regions are open; mn_invalidate_lock is held.
pub async fn is_busy<T: KvmTask>(t: T, kvm: &Kvm) -> bool {
    let busy = t.read(kvm.mn_active_invalidate_count).await != 0;
    if busy {
        t.trace(Event::SwapBusy { vm: kvm.vm });
    }
    busy
}
