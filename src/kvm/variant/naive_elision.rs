//! START and END take mmu_lock only where a memslot overlaps, and nothing keeps the memslots from
//! changing between the two: the decision is made twice and may differ. The hazard that every real
//! scheme has to exclude (rationale of 52ac8b358b0c).

use crate::kvm::trace::Side;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

/// Counts itself at the first hit.
pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::Start, TakeLock::OnHit).await;
}

/// Uncounts itself at the first hit, whatever START did.
pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, TakeLock::OnHit).await;
}

/// Publishes at once.
pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    kvm.publish(t, new, false).await;
    kvm.synchronize(t).await;
}
