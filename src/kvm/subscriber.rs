//! The subscribers of the notifier list: KVM's VMs and two that stand for other drivers.

use super::{Kvm, KvmTask};
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
