//! END of `rwsem` returns without up_read.

use crate::kvm::trace::Side;
use crate::kvm::variant::rwsem::must_lock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_end<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    kvm.handle_hva_range(t, range, Side::End, must_lock(range)).await;
}
