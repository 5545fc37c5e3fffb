//! Forbids START and END of one region to decide differently about taking mmu_lock: the count would
//! rise without falling, or fall without having risen (I4).

use super::key::Regions;
use super::{Facts, Findings, Kind, Oracle, Remembered};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::{Object, Record};

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct ElisionDisagreement {
    locked_at_start: [Regions; MAX_VMS],
}

impl Oracle for ElisionDisagreement {
    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, out: &mut Findings<'_>) {
        let Event::Elision { vm, depth, side, locked } = event else { return };
        let started = &mut self.locked_at_start[usize::from(vm)];
        if side == Side::Start {
            started.remove(at.task, depth);
            if locked {
                started.insert(at.task, depth);
            }
            return;
        }
        match (started.remove(at.task, depth), locked) {
            (false, true) => out.broken(
                at,
                Kind::ElisionDisagreement,
                "range_start went without mmu_lock, range_end took it",
            ),
            (true, false) => out.broken(
                at,
                Kind::ElisionDisagreement,
                "range_start took mmu_lock, range_end went without",
            ),
            _ => {}
        }
    }

    /// What it compares, the protocol orders itself: both ends of a region are one task's.
    fn touched(&self, _: Event, _: &mut dyn FnMut(Object, bool)) {}

    fn remember(&self, memory: &mut Remembered<'_>) {
        let Self { locked_at_start } = self;
        memory.all(locked_at_start);
    }
}
