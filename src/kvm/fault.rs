//! A vCPU's page fault: snapshot, host page, test under mmu_lock, install or retry.

use super::mmu::Retry;
use super::trace::Event;
use super::{Kvm, KvmTask, Place, Subscription};
use crate::machine::{HeldUp, Word};
use crate::mm::{Mm, Subscriber};

/// Marks: an attempt leaves nothing behind but why it failed, a retry not even that. A planted bug that
/// keeps more names it there.
pub(super) const RETRIES: u8 = 1;
pub(super) const FAULTS_AGAIN: u8 = 2;

/// Result of an attempt (`RET_PF_*`).
pub(super) enum Fault {
    /// Installed, or nothing to install: no memslot, or no host mapping behind it.
    Done,
    /// Drop everything and fault again.
    Retry(Retry),
}

/// A host page with a reference, and where it is to be mapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) gfn: u16,
    pub(super) hva: u16,
    pub(super) pfn: u16,
}

/// The seams' code, where no planted bug takes their place.
impl Kvm {
    /// The vCPU faults until the fault is handled. A retry leaves `kvm->srcu` before the guest is
    /// entered again.
    pub(super) async fn vcpu_run<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        gfn: u16,
        write: bool,
    ) where
        Subscription: Subscriber<T>,
    {
        t.srcu_read_lock(self.srcu).await;
        while let Fault::Retry(retry) = self.direct_page_fault(t, mm, gfn, write).await {
            t.srcu_read_unlock(self.srcu);
            t.mark(RETRIES, &[retry.code()]);
            self.wait_for_retry(t, retry).await;
            t.srcu_read_lock(self.srcu).await;
            t.mark(FAULTS_AGAIN, &[]);
        }
        t.srcu_read_unlock(self.srcu);
    }

    /// `direct_page_fault`: the snapshot comes before every read of what a region can change.
    pub(super) async fn fault_in_order<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        gfn: u16,
        write: bool,
    ) -> Fault
    where
        Subscription: Subscriber<T>,
    {
        match self.snapshot_and_page(t, mm, gfn, write).await {
            Ok((mmu_seq, memslots, page)) => self.install(t, mm, memslots, page, mmu_seq).await,
            Err(fault) => fault,
        }
    }
}

/// The steps of a fault.
impl Kvm {
    /// A fault that failed against an open region or an INVALID slot waits until something that it
    /// read is written: another attempt before that would end the same way.
    pub(super) async fn wait_for_retry<T: KvmTask>(&self, t: T, retry: Retry) {
        match retry {
            Retry::AtOnce => {}
            Retry::AfterRegion(words) => {
                let held_up = HeldUp::ByRegion(self.region, self.mmu_notifier_count);
                t.wait_for_write(held_up, &words).await;
            }
            Retry::AfterUpdate(pointer) => {
                t.wait_for_write(HeldUp::ByUpdate(self.slots_lock), &[pointer]).await;
            }
        }
    }

    /// The first half of an attempt: the snapshot, the active memslots and the page, in that order.
    pub(super) async fn snapshot_and_page<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        gfn: u16,
        write: bool,
    ) -> Result<(u64, usize, Page), Fault>
    where
        Subscription: Subscriber<T>,
    {
        self.begin_attempt(t);
        let mmu_seq = self.snapshot(t).await;
        let memslots = t.read(self.memslots).await as usize;
        let page = self.get_page(t, mm, memslots, gfn, write).await?;
        Ok((mmu_seq, memslots, page))
    }

    pub(super) fn begin_attempt<T: KvmTask>(&self, t: T) {
        t.trace(Event::Attempt { vm: self.vm });
    }

    /// Reads `mmu_notifier_seq`.
    pub(super) async fn snapshot<T: KvmTask>(&self, t: T) -> u64 {
        t.place(Place::Snapshot as u8).await;
        let seq: Word = self.mmu_notifier_seq;
        let mmu_seq = t.read(seq).await;
        t.trace(Event::Snapshot);
        mmu_seq
    }

    /// `try_async_pf`: the slot of the frame and the page behind it, or how the attempt ends here.
    pub(super) async fn get_page<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        memslots: usize,
        gfn: u16,
        write: bool,
    ) -> Result<Page, Fault>
    where
        Subscription: Subscriber<T>,
    {
        let slot = self.gfn_to_memslot(t, memslots, gfn).ok_or(Fault::Done)?;
        if slot.invalid {
            return Err(Fault::Retry(Retry::AfterUpdate(self.memslots)));
        }
        let hva = slot.hva_of(gfn);
        t.place(Place::Gup as u8).await;
        t.trace(Event::Gup);
        let pfn = mm.gup(t, hva, write).await.ok_or(Fault::Done)?;
        Ok(Page { gfn, hva, pfn })
    }

    /// Takes mmu_lock, tests against the snapshot, maps the page where nothing happened since.
    pub(super) async fn install<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        memslots: usize,
        page: Page,
        mmu_seq: u64,
    ) -> Fault {
        self.lock_to_install(t, memslots).await;
        let retry = self.retry_hva(t, mmu_seq, page.hva).await;
        self.finish_install(t, mm, page, retry).await
    }

    /// Takes mmu_lock for read and looks at the slot again.
    pub(super) async fn lock_to_install<T: KvmTask>(&self, t: T, memslots: usize) {
        t.place(Place::Install as u8).await;
        t.read_lock(self.mmu_lock).await;
        self.touch(t, memslots);
    }

    /// Maps the page where nothing asks for a retry; drops mmu_lock and the reference.
    pub(super) async fn finish_install<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        page: Page,
        retry: Option<Retry>,
    ) -> Fault {
        if retry.is_none() {
            self.map(t, page.gfn, page.hva, page.pfn).await;
        }
        t.read_unlock(self.mmu_lock);
        mm.put_page(t, page.pfn);
        retry.map_or(Fault::Done, Fault::Retry)
    }
}
