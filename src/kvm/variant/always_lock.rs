//! Before 5.13: START and END always take mmu_lock (e930bffe95e1; range tracking since 5.12,
//! 4a42d848db95). Balanced by construction, for END looks nothing up.

use crate::kvm::trace::Side;
use crate::kvm::walk::TakeLock;
use crate::kvm::{Bug, Kvm, KvmTask, MAX_SLOTS, Place};
use crate::mm::NotifierRange;
use crate::scope;

/// Counts itself and zaps, in one section of mmu_lock.
pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    if kvm.has(Bug::EarlyMemslots) || kvm.has(Bug::B43) {
        return range_start_mutant(t, kvm, range).await;
    }
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

/// START with a planted bug: the memslots looked up before the count rose (`EarlyMemslots`), or the
/// count raised in a section of its own after the zap (B43).
async fn range_start_mutant<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    t.srcu_read_lock(kvm.srcu).await;
    let memslots = kvm.lookup(t, range, Side::Start, TakeLock::Always).await;
    t.place(Place::MmuLock as u8).await;
    t.write_lock(kvm.mmu_lock).await;
    if !kvm.has(Bug::B43) {
        kvm.inc_notifier_count(t, range).await;
    }
    for id in 0..MAX_SLOTS {
        if let Some(gfn) = kvm.slot(t, memslots, id).and_then(|slot| slot.gfns_of(range.hva)) {
            kvm.unmap_gfn_range(t, gfn).await;
        }
    }
    t.write_unlock(kvm.mmu_lock);
    if kvm.has(Bug::B43) {
        t.write_lock(kvm.mmu_lock).await;
        kvm.inc_notifier_count(t, range).await;
        t.write_unlock(kvm.mmu_lock);
    }
    kvm.trace_elision(t, range, Side::Start, true);
    t.srcu_read_unlock(kvm.srcu);
}
