//! START of a region inside another overwrites mmu_notifier_range where it should widen it: the outer
//! region no longer blocks the faults in its range.

use super::walk;
use crate::kvm::trace::Side;
use crate::kvm::variant::always_lock;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    if range.depth == 0 {
        return always_lock::range_start(t, kvm, range).await;
    }
    t.srcu_read_lock(kvm.srcu).await;
    walk::lock(t, kvm).await;
    kvm.inc_notifier_count(t, range).await;
    t.write(kvm.mmu_notifier_range_start, range.hva.start.into()).await;
    t.write(kvm.mmu_notifier_range_end, range.hva.end.into()).await;
    let memslots = kvm.lookup(t, range, Side::Start, TakeLock::Always).await;
    walk::zap(t, kvm, memslots, range).await;
    walk::unlock(t, kvm, range);
}
