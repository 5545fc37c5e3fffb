//! A fault that has to retry stays in its `kvm->srcu` section while it waits.

use crate::kvm::fault::{FAULTS_AGAIN, Fault, RETRIES};
use crate::kvm::{Kvm, KvmTask, Subscription};
use crate::mm::{Mm, Subscriber};

pub async fn page_fault<T: KvmTask>(t: T, kvm: &Kvm, mm: &Mm<Subscription>, gfn: u16, write: bool)
where
    Subscription: Subscriber<T>,
{
    t.srcu_read_lock(kvm.srcu).await;
    while let Fault::Retry(retry) = kvm.direct_page_fault(t, mm, gfn, write).await {
        t.mark(RETRIES, &[retry.code()]);
        kvm.wait_for_retry(t, retry).await;
        t.mark(FAULTS_AGAIN, &[]);
    }
    t.srcu_read_unlock(kvm.srcu);
}
