//! DELETE and MOVE of the baseline zap the slot before the SRCU grace period of its INVALID copy: a
//! fault that found the slot valid maps a page after the zap, and no later region finds the slot.

use crate::kvm::memslot::{Slot, Update};
use crate::kvm::{Kvm, KvmTask, Place};

pub async fn set_memslot<T: KvmTask>(
    t: T,
    kvm: &Kvm,
    id: u8,
    old: Option<Slot>,
    update: Update,
) {
    let (Some(slot), Update::Delete | Update::Move(_)) = (old, update) else {
        return kvm.replace(t, id, update.slot()).await;
    };
    let active = t.read(kvm.memslots).await as usize;
    let invalid = kvm.copy_with(t, active, id, Some(Slot { invalid: true, ..slot }));
    kvm.publish(t, invalid, false).await;
    t.place(Place::Zap as u8).await;
    kvm.flush_shadow_memslot(t, slot).await;
    kvm.synchronize(t).await;
    kvm.free_memslots(t, active);
    kvm.replace(t, id, update.slot()).await;
}
