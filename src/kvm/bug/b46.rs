//! START of `counted` zaps as if it may block, whatever the region says: the zap yields mmu_lock
//! (`cond_resched_rwlock_write`) and sleeps under the reaper.

use crate::kvm::trace::Side;
use crate::kvm::variant::counted::inc_active;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    inc_active(t, kvm, range).await;
    if kvm.handle_hva_range(t, range, Side::Start, TakeLock::OnHit).await {
        t.might_sleep();
    }
}
