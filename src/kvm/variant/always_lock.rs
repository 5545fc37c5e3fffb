//! Before 5.13: START and END always take mmu_lock (e930bffe95e1; range tracking since 5.12,
//! 4a42d848db95). Balanced by construction, for END looks nothing up.

use crate::kvm::trace::Side;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;
use crate::scope;

/// Counts itself and zaps, in one section of mmu_lock.
pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::Start, TakeLock::Always).await;
}

/// Moves the sequence on, then uncounts itself.
pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    scope!(t, {
        t.write_lock(kvm.mmu_lock).await;
        kvm.dec_notifier_count(t, range).await;
        t.write_unlock(kvm.mmu_lock);
    });
    kvm.trace_elision(t, range, Side::End, true);
}

/// Publishes at once: regions do not depend on what they looked up.
pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, _old: usize, new: usize) {
    kvm.publish(t, new, false).await;
    kvm.synchronize(t).await;
}
