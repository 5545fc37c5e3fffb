//! Forbids notifier counts that underflow, leak past the end of their region, or change outside the
//! lock that guards them (I2, I3).

use super::key::Regions;
use super::{Findings, Kind};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::Event;
use crate::machine::sim::Record;
use crate::mm::trace::Event as MmEvent;

#[derive(Clone, Debug, Default)]
pub(super) struct UnbalancedCount {
    /// Regions that raised `mmu_notifier_count` and have not lowered it.
    counted: [Regions; MAX_VMS],
    /// The same for `mn_active_invalidate_count`.
    active: [Regions; MAX_VMS],
}

/// What is said of one of the two counts.
struct Words {
    outside: &'static str,
    underflow: &'static str,
    leak: &'static str,
}

const COUNT: Words = Words {
    outside: "mmu_notifier_count changed outside mmu_lock",
    underflow: "mmu_notifier_count lowered by a region that had not raised it",
    leak: "mmu_notifier_count left raised by a region that is over",
};

const ACTIVE: Words = Words {
    outside: "mn_active_invalidate_count changed outside mn_invalidate_lock",
    underflow: "mn_active_invalidate_count lowered by a region that had not raised it",
    leak: "mn_active_invalidate_count left raised by a region that is over",
};

impl UnbalancedCount {
    /// All that it remembers.
    pub(super) fn regions(&self) -> impl Iterator<Item = Regions> {
        self.counted.into_iter().chain(self.active)
    }

    pub(super) fn see(&mut self, at: &Record<Event>, event: Event, out: &mut Findings<'_>) {
        match event {
            Event::NotifierCount { vm, depth, up, locked, .. } => {
                change(&mut self.counted[usize::from(vm)], at, (depth, up, locked), &COUNT, out);
            }
            Event::ActiveCount { vm, depth, up, locked, .. } => {
                change(&mut self.active[usize::from(vm)], at, (depth, up, locked), &ACTIVE, out);
            }
            Event::Mm(
                MmEvent::RegionClosed { depth } | MmEvent::RegionOpen { depth, ok: false },
            ) => self.over(at, depth, out),
            _ => {}
        }
    }

    fn over(&mut self, at: &Record<Event>, depth: u8, out: &mut Findings<'_>) {
        for (sets, words) in [(&mut self.counted, &COUNT), (&mut self.active, &ACTIVE)] {
            for set in sets {
                if set.remove(at.task, depth) {
                    out.broken(at, Kind::UnbalancedCount, words.leak);
                }
            }
        }
    }
}

fn change(
    raised: &mut Regions,
    at: &Record<Event>,
    (depth, up, locked): (u8, bool, bool),
    words: &Words,
    out: &mut Findings<'_>,
) {
    if !locked {
        out.broken(at, Kind::UnbalancedCount, words.outside);
    }
    if up {
        raised.insert(at.task, depth);
    } else if !raised.remove(at.task, depth) {
        out.broken(at, Kind::UnbalancedCount, words.underflow);
    }
}
