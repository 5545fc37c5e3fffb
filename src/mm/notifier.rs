//! The notifier core, `mm/mmu_notifier.c`: list subscribers only.

use std::future::Future;

use super::{Mm, MmTask, Pages, function as f, trace::Event};
use crate::machine::Span;

/// `struct mmu_notifier_range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifierRange {
    /// Host virtual pages.
    pub hva: Pages,
    /// MMU_NOTIFIER_RANGE_BLOCKABLE: the callbacks may sleep.
    pub blockable: bool,
    /// Regions of this task that are open outside it.
    pub depth: u8,
}

/// A subscriber answered -EAGAIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// `struct mmu_notifier_ops` with its subscription.
pub trait Subscriber<T: MmTask> {
    /// `invalidate_range_start`; may refuse only when the range is not blockable.
    fn range_start(&self, t: T, range: &NotifierRange)
    -> impl Future<Output = Result<(), Refused>>;
    /// `invalidate_range_end`.
    fn range_end(&self, t: T, range: &NotifierRange) -> impl Future<Output = ()>;
    /// Whether it has an `invalidate_range_end`.
    fn has_end(&self) -> bool;
    /// What others wait for while a task is between START and END of it.
    fn span(&self) -> Option<Span>;
}

impl<N> Mm<N> {
    /// `mmu_notifier_invalidate_range_start` and `_start_nonblock`.
    ///
    /// The map is held around the callbacks only, and taken even without a subscriber.
    pub(super) async fn range_start<T: MmTask>(
        &self,
        t: T,
        range: &NotifierRange,
    ) -> Result<(), Refused>
    where
        N: Subscriber<T>,
    {
        let NotifierRange { hva, blockable, depth } = *range;
        let t = t.enter(f::RANGE_START);
        t.trace(Event::RegionStart { depth, hva, blockable });
        if blockable {
            t.might_sleep();
        }
        self.spans::<T>().for_each(|span| t.span_begin(span));
        t.lock_map_acquire(self.map);
        let ret = match self.subscriptions.is_empty() {
            true => Ok(()),
            false => self.list_start(t, range).await,
        };
        t.lock_map_release(self.map);
        if ret.is_err() {
            self.spans::<T>().for_each(|span| t.span_end(span));
        }
        t.trace(Event::RegionOpen { depth, ok: ret.is_ok() });
        ret
    }

    /// What others wait for while a region is open.
    fn spans<T: MmTask>(&self) -> impl Iterator<Item = Span>
    where
        N: Subscriber<T>,
    {
        self.subscriptions.iter().filter_map(|subscription| subscription.span())
    }

    /// `mn_hlist_invalidate_range_start`: every START is called, even after one failed; then all
    /// that have an END get it here, because the caller will not call END.
    async fn list_start<T: MmTask>(&self, t: T, range: &NotifierRange) -> Result<(), Refused>
    where
        N: Subscriber<T>,
    {
        let mut ret = Ok(());
        t.srcu_read_lock(self.srcu).await;
        for (i, subscription) in self.subscriptions.iter().enumerate().rev() {
            if !range.blockable {
                t.non_block_start();
            }
            let answer = subscription.range_start(t, range).await;
            if !range.blockable {
                t.non_block_end();
            }
            t.trace(Event::SubscriberStart {
                subscriber: i as u8,
                depth: range.depth,
                ok: answer.is_ok(),
                has_end: subscription.has_end(),
            });
            ret = ret.and(answer);
        }
        if ret.is_err() && self.replays_end {
            // Not in a section that may not sleep: the kernel makes none around the replay.
            self.list_end(t, range, false).await;
        }
        t.srcu_read_unlock(self.srcu);
        ret
    }

    /// `mmu_notifier_invalidate_range_end`.
    pub(super) async fn range_end<T: MmTask>(&self, t: T, range: &NotifierRange)
    where
        N: Subscriber<T>,
    {
        let t = t.enter(f::RANGE_END);
        if range.blockable {
            t.might_sleep();
        }
        if !self.subscriptions.is_empty() {
            t.lock_map_acquire(self.map);
            t.srcu_read_lock(self.srcu).await;
            self.list_end(t, range, !range.blockable).await;
            t.srcu_read_unlock(self.srcu);
            t.lock_map_release(self.map);
        }
        self.spans::<T>().for_each(|span| t.span_end(span));
        t.trace(Event::RegionClosed { depth: range.depth });
    }

    /// `mn_hlist_invalidate_end`: every END, each in a section that may not sleep where `nonblock`.
    async fn list_end<T: MmTask>(&self, t: T, range: &NotifierRange, nonblock: bool)
    where
        N: Subscriber<T>,
    {
        for (i, subscription) in self.subscriptions.iter().enumerate().rev() {
            if subscription.has_end() {
                t.trace(Event::SubscriberEnd { subscriber: i as u8, depth: range.depth });
                if nonblock {
                    t.non_block_start();
                }
                subscription.range_end(t, range).await;
                if nonblock {
                    t.non_block_end();
                }
            }
        }
    }
}
