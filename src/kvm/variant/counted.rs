//! Merged for 5.15 (52ac8b358b0c, 071064f14d87): regions are counted in mn_active_invalidate_count, a
//! memslot update waits until it is 0 and publishes in the section that saw the zero.
//!
//! The order carries the proof: the count rises before the walk of START and falls after the walk of
//! END; the zero check and the publication are one section of mn_invalidate_lock; the waiter sets
//! its state before it drops that lock.

use crate::kvm::trace::{Event, Side};
use crate::kvm::walk::TakeLock;
use crate::kvm::{Bug, Kvm, KvmTask, Place};
use crate::mm::NotifierRange;
use crate::scope;

/// Mark: what the update still knows beside these two arrays stands in them.
const WAITS: u8 = 1;

/// Counts the region, then walks.
pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    if counts(kvm, range) && !kvm.has(Bug::B29) {
        inc_active(t, kvm, range).await;
    }
    let zapped = kvm.handle_hva_range(t, range, Side::Start, TakeLock::OnHit).await;
    if zapped && kvm.has(Bug::B46) {
        // The zap may yield mmu_lock (cond_resched_rwlock_write) where `may_block` says so.
        t.might_sleep();
    }
    if counts(kvm, range) && kvm.has(Bug::B29) {
        inc_active(t, kvm, range).await;
    }
}

/// Walks, then uncounts the region; who takes the count to 0 wakes the update.
pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, TakeLock::OnHit).await;
    if counts(kvm, range) && dec_active(t, kvm, range).await {
        t.rcuwait_wake_up(kvm.mn_memslots_update_rcuwait).await;
    }
}

/// Waits until no region is open, publishes, drops slots_arch_lock, waits for the readers.
pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    if kvm.has(Bug::B49) {
        t.down_write(kvm.mmap_lock).await;
        kvm.publish(t, new, false).await;
        t.up_write(kvm.mmap_lock);
    } else {
        t.spin_lock(kvm.mn_invalidate_lock).await;
        if !kvm.has(Bug::B11) {
            wait_for_regions(t, kvm, old, new).await;
        }
        if kvm.has(Bug::B31) {
            t.spin_unlock(kvm.mn_invalidate_lock);
            kvm.publish(t, new, false).await;
        } else {
            kvm.publish(t, new, true).await;
            t.spin_unlock(kvm.mn_invalidate_lock);
        }
    }
    t.mutex_unlock(kvm.slots_arch_lock);
    if kvm.has(Bug::B50) {
        kvm.free_memslots(t, old);
    }
    kvm.synchronize(t).await;
}

/// `prepare_to_rcuwait` to `finish_rcuwait`: mn_invalidate_lock is held on entry and on return.
async fn wait_for_regions<T: KvmTask>(t: T, kvm: &Kvm, old: usize, new: usize) {
    let wait = kvm.mn_memslots_update_rcuwait;
    t.trace(Event::SwapWait { vm: kvm.vm });
    t.prepare_to_rcuwait(wait).await;
    t.mark(WAITS, &[old as u64, new as u64]);
    while t.read(kvm.mn_active_invalidate_count).await != 0 {
        t.trace(Event::SwapBusy { vm: kvm.vm });
        if !kvm.has(Bug::B34) {
            t.set_uninterruptible().await;
        }
        t.spin_unlock(kvm.mn_invalidate_lock);
        if kvm.has(Bug::B34) {
            t.set_uninterruptible().await;
        }
        t.schedule(wait).await;
        t.spin_lock(kvm.mn_invalidate_lock).await;
        if kvm.has(Bug::B36) {
            break;
        }
        t.mark(WAITS, &[old as u64, new as u64]);
    }
    t.finish_rcuwait(wait).await;
}

async fn inc_active<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    scope!(t, {
        t.spin_lock(kvm.mn_invalidate_lock).await;
        let active = t.read(kvm.mn_active_invalidate_count).await.wrapping_add(1);
        t.write(kvm.mn_active_invalidate_count, active).await;
        trace_active(t, kvm, range, true, active);
        t.spin_unlock(kvm.mn_invalidate_lock);
    })
}

/// Whether the count fell to 0.
async fn dec_active<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) -> bool {
    scope!(t, {
        t.spin_lock(kvm.mn_invalidate_lock).await;
        let active = t.read(kvm.mn_active_invalidate_count).await.wrapping_sub(1);
        t.write(kvm.mn_active_invalidate_count, active).await;
        trace_active(t, kvm, range, false, active);
        t.spin_unlock(kvm.mn_invalidate_lock);
        active == 0
    })
}

fn trace_active<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange, up: bool, active: u64) {
    t.trace(Event::ActiveCount {
        vm: kvm.vm,
        depth: range.depth,
        up,
        value: active as i64,
        locked: t.holds(kvm.mn_invalidate_lock.0),
    });
}

/// Every region counts, blockable or not; the first sketch of 19 April 2021 did not (B33).
fn counts(kvm: &Kvm, range: &NotifierRange) -> bool {
    range.blockable || !kvm.has(Bug::B33)
}
