//! `counted` counts blockable regions only, as the first sketch of 19 April 2021 would have without
//! its must_lock: the memslots may change inside the reaper's region.

use crate::kvm::trace::Side;
use crate::kvm::variant::counted::{dec_active, inc_active};
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    if range.blockable {
        inc_active(t, kvm, range).await;
    }
    kvm.handle_hva_range(t, range, Side::Start, TakeLock::OnHit).await;
}

pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, TakeLock::OnHit).await;
    if range.blockable && dec_active(t, kvm, range).await {
        t.rcuwait_wake_up(kvm.mn_memslots_update_rcuwait).await;
    }
}
