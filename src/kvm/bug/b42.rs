//! The fault tests before it takes mmu_lock, and not again inside: a region may begin in between.

use crate::kvm::fault::{Fault};
use crate::kvm::mmu::Retry;
use crate::kvm::{Kvm, KvmTask, Subscription};
use crate::mm::{Mm, Subscriber};

pub async fn direct_page_fault<T: KvmTask>(
    t: T,
    kvm: &Kvm,
    mm: &Mm<Subscription>,
    gfn: u16,
    write: bool,
) -> Fault
where
    Subscription: Subscriber<T>,
{
    kvm.begin_attempt(t);
    let mmu_seq = kvm.snapshot(t).await;
    let memslots = t.read(kvm.memslots).await as usize;
    let page = match kvm.get_page(t, mm, memslots, gfn, write).await {
        Ok(page) => page,
        Err(fault) => return fault,
    };
    let retry = match t.read(kvm.mmu_notifier_count).await {
        0 => (t.read(kvm.mmu_notifier_seq).await != mmu_seq).then_some(Retry::AtOnce),
        _ => Some(kvm.after_region()),
    };
    kvm.lock_to_install(t, memslots).await;
    kvm.finish_install(t, mm, page, retry).await
}
