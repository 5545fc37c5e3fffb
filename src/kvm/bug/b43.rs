//! START of the baseline raises the count in a section of mmu_lock of its own, after the zap: a fault
//! between the two sections maps the page again.

use super::walk;
use crate::kvm::trace::Side;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    t.srcu_read_lock(kvm.srcu).await;
    let memslots = kvm.lookup(t, range, Side::Start, TakeLock::Always).await;
    walk::lock(t, kvm).await;
    walk::zap(t, kvm, memslots, range).await;
    t.write_unlock(kvm.mmu_lock);
    t.write_lock(kvm.mmu_lock).await;
    kvm.inc_notifier_count(t, range).await;
    walk::unlock(t, kvm, range);
}
