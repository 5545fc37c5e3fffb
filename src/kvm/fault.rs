//! A vCPU's page fault: snapshot, host page, test under mmu_lock, install or retry.

use super::mmu::Retry;
use super::trace::Event;
use super::{Bug, Kvm, KvmTask, Place, Subscription, function as f};
use crate::machine::{HeldUp, Word};
use crate::mm::{Mm, Subscriber};

/// Marks: an attempt leaves nothing behind but why it failed, a retry not even that.
const RETRIES: u8 = 1;
const FAULTS_AGAIN: u8 = 2;

/// Result of an attempt (`RET_PF_*`).
enum Fault {
    /// Installed, or nothing to install: no memslot, or no host mapping behind it.
    Done,
    /// Drop everything and fault again.
    Retry(Retry),
}

impl Kvm {
    /// The vCPU faults until the fault is handled. A retry leaves `kvm->srcu` before the guest is
    /// entered again.
    ///
    /// One that failed against an open region or an INVALID slot waits until something that it read
    /// is written: another attempt before that would end the same way.
    pub async fn page_fault<T: KvmTask>(&self, t: T, mm: &Mm<Subscription>, gfn: u16, write: bool)
    where
        Subscription: Subscriber<T>,
    {
        let t = t.enter(f::VCPU_RUN);
        t.srcu_read_lock(self.srcu).await;
        while let Fault::Retry(retry) = self.direct_page_fault(t, mm, gfn, write).await {
            if !self.has(Bug::RetryKeepsSrcu) {
                t.srcu_read_unlock(self.srcu);
            }
            t.mark(RETRIES, &[retry.code()]);
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
            if !self.has(Bug::RetryKeepsSrcu) {
                t.srcu_read_lock(self.srcu).await;
            }
            t.mark(FAULTS_AGAIN, &[]);
        }
        t.srcu_read_unlock(self.srcu);
    }

    /// `direct_page_fault`.
    async fn direct_page_fault<T: KvmTask>(
        &self,
        t: T,
        mm: &Mm<Subscription>,
        gfn: u16,
        write: bool,
    ) -> Fault
    where
        Subscription: Subscriber<T>,
    {
        let t = t.enter(f::DIRECT_PAGE_FAULT);
        t.trace(Event::Attempt { vm: self.vm });
        // Before every read of what a region can change.
        let mut mmu_seq = 0;
        if !self.has(Bug::B41) {
            mmu_seq = self.snapshot(t).await;
        }
        let memslots = t.read(self.memslots).await as usize;
        let Some(slot) = self.gfn_to_memslot(t, memslots, gfn) else { return Fault::Done };
        if slot.invalid {
            return Fault::Retry(Retry::AfterUpdate(self.memslots));
        }
        let hva = slot.hva_of(gfn);
        t.place(Place::Gup as u8).await;
        t.trace(Event::Gup);
        let Some(pfn) = mm.gup(t, hva, write).await else { return Fault::Done };
        if self.has(Bug::B41) {
            mmu_seq = self.snapshot(t).await;
        }
        t.place(Place::Install as u8).await;
        t.read_lock(self.mmu_lock).await;
        self.touch(t, memslots);
        let retry = self.retry_hva(t, mmu_seq, hva).await;
        if retry.is_none() {
            self.map(t, gfn, hva, pfn).await;
        }
        t.read_unlock(self.mmu_lock);
        mm.put_page(t, pfn);
        retry.map_or(Fault::Done, Fault::Retry)
    }

    async fn snapshot<T: KvmTask>(&self, t: T) -> u64 {
        t.place(Place::Snapshot as u8).await;
        let seq: Word = self.mmu_notifier_seq;
        let mmu_seq = t.read(seq).await;
        t.trace(Event::Snapshot);
        mmu_seq
    }
}
