//! END of the baseline takes its range off mmu_notifier_range where the two share an end, although
//! another region may cover the same pages.

use crate::kvm::trace::Side;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;
use crate::scope;

pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    scope!(t, {
        t.write_lock(kvm.mmu_lock).await;
        kvm.dec_notifier_count(t, range).await;
        let ended = range.hva;
        if t.read(kvm.mmu_notifier_range_start).await == u64::from(ended.start) {
            t.write(kvm.mmu_notifier_range_start, u64::from(ended.end)).await;
        } else if t.read(kvm.mmu_notifier_range_end).await == u64::from(ended.end) {
            t.write(kvm.mmu_notifier_range_end, u64::from(ended.start)).await;
        }
        t.write_unlock(kvm.mmu_lock);
    });
    kvm.trace_elision(t, range, Side::End, true);
}
