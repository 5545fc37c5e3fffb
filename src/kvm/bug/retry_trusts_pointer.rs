//! A fault that retries keeps its slot where it finds the same memslots array active. Arrays are used
//! again: after DELETE, which swaps twice, the same one is active without the slot.

use crate::kvm::fault::{FAULTS_AGAIN, Fault, RETRIES};
use crate::kvm::memslot::Slot;
use crate::kvm::{Kvm, KvmTask, Subscription};
use crate::mm::{Mm, Subscriber};

/// The slot that an attempt used, and the array that it is of.
type Kept = Option<(usize, Slot)>;

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
    let mut kept = None;
    t.srcu_read_lock(kvm.srcu).await;
    while let Fault::Retry(retry) = attempt(t, kvm, mm, &mut kept, (gfn, write)).await {
        t.srcu_read_unlock(kvm.srcu);
        let (array, slot) = kept.map_or((0, 0), |(array, slot)| (array as u64, slot.word()));
        t.mark(RETRIES, &[retry.code(), array, slot]);
        kvm.wait_for_retry(t, retry).await;
        t.srcu_read_lock(kvm.srcu).await;
        t.mark(FAULTS_AGAIN, &[array, slot]);
    }
    t.srcu_read_unlock(kvm.srcu);
}

async fn attempt<T: KvmTask>(
    t: T,
    kvm: &Kvm,
    mm: &Mm<Subscription>,
    kept: &mut Kept,
    (gfn, write): (u16, bool),
) -> Fault
where
    Subscription: Subscriber<T>,
{
    kvm.begin_attempt(t);
    let mmu_seq = kvm.snapshot(t).await;
    let memslots = t.read(kvm.memslots).await as usize;
    *kept = kept
        .filter(|&(array, _)| array == memslots)
        .or_else(|| kvm.gfn_to_memslot(t, memslots, gfn).map(|slot| (memslots, slot)));
    let Some((_, slot)) = *kept else { return Fault::Done };
    match kvm.get_page_of(t, mm, slot, gfn, write).await {
        Ok(page) => kvm.install(t, mm, memslots, page, mmu_seq).await,
        Err(fault) => fault,
    }
}
