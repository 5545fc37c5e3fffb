//! START of the baseline reads the memslots pointer before mmu_notifier_count goes up where the region
//! may not block, as if the reaper's victim could not get new memslots.

use super::early_memslots;
use crate::kvm::variant::always_lock;
use crate::kvm::{Kvm, KvmTask};
use crate::mm::NotifierRange;

pub async fn range_start<T: KvmTask>(t: T, kvm: &Kvm, range: &NotifierRange) {
    match range.blockable {
        true => always_lock::range_start(t, kvm, range).await,
        false => early_memslots::range_start(t, kvm, range).await,
    }
}
