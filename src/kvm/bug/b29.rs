//! START of `counted` raises mn_active_invalidate_count after it walked the memslots: an update may
//! see 0 and publish in between.

use crate::kvm::trace::Side;
use crate::kvm::variant::counted::inc_active;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::Start, TakeLock::OnHit).await;
    inc_active(t, kvm, range).await;
}
