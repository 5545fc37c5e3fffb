//! A fault that retried tests mmu_notifier_count only, as if the region that it waited for were the
//! last one: a whole region between its snapshot and its test goes unseen.

use crate::kvm::fault::{FAULTS_AGAIN, Fault, RETRIES};
use crate::kvm::{Kvm, KvmTask, Subscription};
use crate::mm::{Mm, Subscriber};

pub async fn page_fault<T: KvmTask>(t: T, kvm: &Kvm, mm: &Mm<Subscription>, gfn: u16, write: bool)
where
    Subscription: Subscriber<T>,
{
    t.srcu_read_lock(kvm.srcu).await;
    let mut fault = kvm.direct_page_fault(t, mm, gfn, write).await;
    while let Fault::Retry(retry) = fault {
        t.srcu_read_unlock(kvm.srcu);
        t.mark(RETRIES, &[retry.code()]);
        kvm.wait_for_retry(t, retry).await;
        t.srcu_read_lock(kvm.srcu).await;
        t.mark(FAULTS_AGAIN, &[]);
        fault = try_again(t, kvm, mm, gfn, write).await;
    }
    t.srcu_read_unlock(kvm.srcu);
}

/// An attempt that does not compare the sequence.
async fn try_again<T: KvmTask>(
    t: T,
    kvm: &Kvm,
    mm: &Mm<Subscription>,
    gfn: u16,
    write: bool,
) -> Fault
where
    Subscription: Subscriber<T>,
{
    let (_, memslots, page) = match kvm.snapshot_and_page(t, mm, gfn, write).await {
        Ok(prepared) => prepared,
        Err(fault) => return fault,
    };
    kvm.lock_to_install(t, memslots).await;
    let retry = kvm.in_open_region(t, page.hva).await;
    kvm.finish_install(t, mm, page, retry).await
}
