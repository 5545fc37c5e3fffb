//! END of `rwsem` calls up_read for every region, although a non-blockable START takes nothing.

use crate::kvm::trace::Side;
use crate::kvm::variant::rwsem::must_lock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, must_lock(range)).await;
    t.up_read(kvm.mmu_notifier_slots_lock);
}
