//! Forbids notifier counts that underflow, leak past the end of their region, or change outside the
//! lock that guards them (I2, I3).

use super::key::Regions;
use super::{Facts, Findings, Kind, Oracle, Remembered};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::Event;
use crate::machine::sim::{Object, Record};
use crate::mm::trace::Event as MmEvent;

#[derive(Clone, Debug, Default, Hash)]
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

impl Oracle for UnbalancedCount {
    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, out: &mut Findings<'_>) {
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

    /// What it compares, the protocol orders itself: a region's counts are changed by its own task.
    fn touched(&self, _: Event, _: &mut dyn FnMut(Object, bool)) {}

    fn remember(&self, memory: &mut Remembered<'_>) {
        let Self { counted, active } = self;
        memory.all(counted.iter().chain(active));
    }
}

impl UnbalancedCount {
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
