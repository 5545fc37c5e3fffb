//! START of the baseline reads the memslots pointer before mmu_notifier_count goes up: a memslot that
//! is published between the two is not walked, and a fault through it sees a count that is
//! still 0.

use super::walk;
use crate::kvm::trace::Side;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    t.srcu_read_lock(kvm.srcu).await;
    let memslots = kvm.lookup(t, range, Side::Start, TakeLock::Always).await;
    walk::lock(t, kvm).await;
    kvm.inc_notifier_count(t, range).await;
    walk::zap(t, kvm, memslots, range).await;
    walk::unlock(t, kvm, range);
}
