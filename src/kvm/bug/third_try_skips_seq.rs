//! A fault that retried twice tests mmu_notifier_count only, lest regions hold it up for ever.

use super::second_try_skips_seq::try_again;
use crate::kvm::fault::{FAULTS_AGAIN, Fault, RETRIES};
use crate::kvm::{Kvm, KvmTask, Subscription};
use crate::mm::{Mm, Subscriber};

pub async fn page_fault<T: KvmTask>(
    t: T,
    kvm: &Kvm,
    mm: &Mm<Subscription>,
    gfn: u16,
    write: bool,
)
where
    Subscription: Subscriber<T>,
{
    t.srcu_read_lock(kvm.srcu).await;
    let (mut fault, mut retries) = (kvm.direct_page_fault(t, mm, gfn, write).await, 0);
    while let Fault::Retry(retry) = fault {
        t.srcu_read_unlock(kvm.srcu);
        t.mark(RETRIES, &[retry.code(), retries]);
        kvm.wait_for_retry(t, retry).await;
        t.srcu_read_lock(kvm.srcu).await;
        retries = 2.min(retries + 1);
        t.mark(FAULTS_AGAIN, &[retries]);
        fault = match retries {
            2 => try_again(t, kvm, mm, gfn, write).await,
            _ => kvm.direct_page_fault(t, mm, gfn, write).await,
        };
    }
    t.srcu_read_unlock(kvm.srcu);
}
