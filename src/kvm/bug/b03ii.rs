//! END of the baseline empties mmu_notifier_range although other regions are open: a fault in one of
//! those finds its page outside.

use crate::kvm::trace::Side;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;
use crate::scope;

pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    scope!(t, {
        t.write_lock(kvm.mmu_lock).await;
        kvm.dec_notifier_count(t, range).await;
        t.write(kvm.mmu_notifier_range_start, 0).await;
        t.write(kvm.mmu_notifier_range_end, 0).await;
        t.write_unlock(kvm.mmu_lock);
    });
    kvm.trace_elision(t, range, Side::End, true);
}
