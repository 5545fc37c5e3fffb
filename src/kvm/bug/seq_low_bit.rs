//! The fault compares the lowest bit of mmu_notifier_seq only: two whole regions between its snapshot
//! and its test look like none. B06 cut the sequence to 32 bits and erred to the other side.

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
    kvm.lock_to_install(t, memslots).await;
    let mut retry = kvm.in_open_region(t, page.hva).await;
    if retry.is_none() && (t.read(kvm.mmu_notifier_seq).await ^ mmu_seq) & 1 != 0 {
        retry = Some(Retry::AtOnce);
    }
    kvm.finish_install(t, mm, page, retry).await
}
