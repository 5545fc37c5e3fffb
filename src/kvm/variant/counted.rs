//! Merged for 5.15 (52ac8b358b0c, 071064f14d87): regions are counted in mn_active_invalidate_count, a
//! memslot update waits until it is 0 and publishes in the section that saw the zero.
//!
//! The order carries the proof: the count rises before the walk of START and falls after the walk of
//! END; the zero check and the publication are one section of mn_invalidate_lock; the waiter sets
//! its state before it drops that lock.

use crate::kvm::trace::{Event, Side};
use crate::kvm::walk::TakeLock;
use crate::kvm::{Kvm, KvmTask, Place};
use crate::mm::NotifierRange;
use crate::scope;

/// Mark: what the update still knows beside these two arrays stands in them.
const WAITS: u8 = 1;

/// Counts the region, then walks.
pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    inc_active(t, kvm, range).await;
    kvm.handle_hva_range(t, range, Side::Start, TakeLock::OnHit).await;
}

/// Walks, then uncounts the region; who takes the count to 0 wakes the update.
pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, TakeLock::OnHit).await;
    if dec_active(t, kvm, range).await {
        t.rcuwait_wake_up(kvm.mn_memslots_update_rcuwait).await;
    }
}

/// Waits until no region is open, publishes, drops slots_arch_lock, waits for the readers.
pub async fn install_new_memslots<T: KvmTask>(t: T, kvm: &Kvm, old: usize, new: usize) {
    t.place(Place::Swap as u8).await;
    t.spin_lock(kvm.mn_invalidate_lock).await;
    wait_for_regions(t, kvm, old, new).await;
    publish(t, kvm, new).await;
    kvm.synchronize(t).await;
}

/// Ends the section that saw no region, and with it the part of the update that slots_arch_lock
/// guards.
pub(in crate::kvm) async fn publish<T: KvmTask>(t: T, kvm: &Kvm, new: usize) {
    kvm.publish(t, new, true).await;
    t.spin_unlock(kvm.mn_invalidate_lock);
    t.mutex_unlock(kvm.slots_arch_lock);
}

/// `prepare_to_rcuwait` to `finish_rcuwait`: mn_invalidate_lock is held on entry and on return.
pub(in crate::kvm) async fn wait_for_regions<T: KvmTask>(t: T, kvm: &Kvm, old: usize, new: usize) {
    let wait = kvm.mn_memslots_update_rcuwait;
    t.trace(Event::SwapWait { vm: kvm.vm });
    t.prepare_to_rcuwait(wait).await;
    t.mark(WAITS, &[old as u64, new as u64]);
    while t.read(kvm.mn_active_invalidate_count).await != 0 {
        t.trace(Event::SwapBusy { vm: kvm.vm });
        t.set_uninterruptible().await;
        t.spin_unlock(kvm.mn_invalidate_lock);
        t.schedule(wait).await;
        t.spin_lock(kvm.mn_invalidate_lock).await;
        t.mark(WAITS, &[old as u64, new as u64]);
    }
    t.finish_rcuwait(wait).await;
}

/// Counts the region.
pub(in crate::kvm) async fn inc_active<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    scope!(t, {
        t.spin_lock(kvm.mn_invalidate_lock).await;
        let active = t.read(kvm.mn_active_invalidate_count).await.wrapping_add(1);
        t.write(kvm.mn_active_invalidate_count, active).await;
        trace_active(t, kvm, range, true, active);
        t.spin_unlock(kvm.mn_invalidate_lock);
    })
}

/// Uncounts the region; whether the count fell to 0.
pub(in crate::kvm) async fn dec_active<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) -> bool {
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
