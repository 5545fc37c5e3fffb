//! MOVE of `counted` does not zap the slot's old guest frames: a later region looks for its pages at the
//! new ones.

use crate::kvm::memslot::{Slot, Update};
use crate::kvm::{Kvm, KvmTask};

pub async fn set_memslot<T: KvmTask>(
    t: T,
    kvm: &Kvm,
    id: u8,
    old: Option<Slot>,
    update: Update,
) {
    let (Some(slot), Update::Move(moved)) = (old, update) else {
        return kvm.set_memslot_in_order(t, id, old, update).await;
    };
    kvm.lock_arch(t).await;
    kvm.replace(t, id, Some(Slot { invalid: true, ..slot })).await;
    kvm.lock_arch(t).await;
    kvm.replace(t, id, Some(moved)).await;
}
