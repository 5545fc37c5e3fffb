//! The test of a fault is over where a region is open and the page lies outside mmu_notifier_range: the
//! sequence is not compared, and a region over the page that ended before goes unseen.

use crate::kvm::fault::Fault;
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
    let (mmu_seq, memslots, page) = match kvm.snapshot_and_page(t, mm, gfn, write).await {
        Ok(prepared) => prepared,
        Err(fault) => return fault,
    };
    kvm.lock_to_install(t, memslots).await;
    let retry = match t.read(kvm.mmu_notifier_count).await {
        0 => kvm.retry_hva(t, mmu_seq, page.hva).await,
        _ => kvm.in_open_region(t, page.hva).await,
    };
    kvm.finish_install(t, mm, page, retry).await
}
