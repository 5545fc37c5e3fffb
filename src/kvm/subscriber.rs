//! The subscribers of the notifier list: KVM's VMs and two that stand for other drivers.

use super::{Kvm, KvmTask, Variant, function as f, variant};
use crate::machine::{Mutex, Span, Task};
use crate::mm::{self, NotifierRange, Refused, Subscriber};

/// A subscription of the mm's notifier list.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// A virtual machine.
    Kvm(Kvm),
    /// Takes a mutex in its callbacks, as RDMA on-demand paging does; sleeps when it may.
    Sleeper(Mutex),
    /// Refuses non-blockable STARTs and has no END, as drivers do that must wait for their device.
    Refuser,
}

impl<T: KvmTask> Subscriber<T> for Subscription {
    async fn range_start(&self, t: T, range: &NotifierRange) -> Result<(), Refused> {
        match self {
            Subscription::Kvm(kvm) => kvm.range_start(t, range).await,
            Subscription::Sleeper(lock) => {
                sleep(t.enter(mm::function::SUBSCRIBER_START), *lock, range).await;
            }
            Subscription::Refuser if !range.blockable => return Err(Refused),
            Subscription::Refuser => {}
        }
        Ok(())
    }

    async fn range_end(&self, t: T, range: &NotifierRange) {
        match self {
            Subscription::Kvm(kvm) => kvm.range_end(t, range).await,
            Subscription::Sleeper(lock) => {
                sleep(t.enter(mm::function::SUBSCRIBER_END), *lock, range).await;
            }
            Subscription::Refuser => {}
        }
    }

    fn has_end(&self) -> bool {
        !matches!(self, Subscription::Refuser)
    }

    fn span(&self) -> Option<Span> {
        match self {
            Subscription::Kvm(kvm) => Some(kvm.region),
            _ => None,
        }
    }
}

async fn sleep<T: Task>(t: T, lock: Mutex, range: &NotifierRange) {
    if range.blockable {
        t.mutex_lock(lock).await;
        t.mutex_unlock(lock);
    }
}

/// The seams: where the versions of the protocol differ.
impl Kvm {
    /// `kvm_mmu_notifier_invalidate_range_start`.
    async fn range_start<T: KvmTask>(&self, t: T, range: &NotifierRange) {
        let t = t.enter(f::RANGE_START);
        match self.variant {
            Variant::AlwaysLock => variant::always_lock::range_start(t, self, range).await,
            Variant::NaiveElision => variant::naive_elision::range_start(t, self, range).await,
            Variant::Rwsem => variant::rwsem::range_start(t, self, range).await,
            Variant::Counted => variant::counted::range_start(t, self, range).await,
        }
    }

    /// `kvm_mmu_notifier_invalidate_range_end`.
    async fn range_end<T: KvmTask>(&self, t: T, range: &NotifierRange) {
        let t = t.enter(f::RANGE_END);
        match self.variant {
            Variant::AlwaysLock => variant::always_lock::range_end(t, self, range).await,
            Variant::NaiveElision => variant::naive_elision::range_end(t, self, range).await,
            Variant::Rwsem => variant::rwsem::range_end(t, self, range).await,
            Variant::Counted => variant::counted::range_end(t, self, range).await,
        }
        self.bug_on_negative_count(t).await;
    }

    /// `install_new_memslots`: makes `new` the active array; on return nobody reads `old`.
    pub(super) async fn install_new_memslots<T: KvmTask>(&self, t: T, old: usize, new: usize) {
        match self.variant {
            Variant::AlwaysLock => variant::always_lock::install_new_memslots(t, self, new).await,
            Variant::NaiveElision => {
                variant::naive_elision::install_new_memslots(t, self, new).await;
            }
            Variant::Rwsem => variant::rwsem::install_new_memslots(t, self, new).await,
            Variant::Counted => variant::counted::install_new_memslots(t, self, old, new).await,
        }
    }
}
