//! The fault takes its mmu_notifier_seq snapshot after GUP: a region between the two goes unseen.

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
    kvm.begin_attempt(t);
    let memslots = t.read(kvm.memslots).await as usize;
    match kvm.get_page(t, mm, memslots, gfn, write).await {
        Ok(page) => {
            let mmu_seq = kvm.snapshot(t).await;
            kvm.install(t, mm, memslots, page, mmu_seq).await
        }
        Err(fault) => fault,
    }
}
