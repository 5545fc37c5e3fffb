//! Forbids START and END of one region to decide differently about taking mmu_lock: the count would
//! rise without falling, or fall without having risen (I4).

use super::key::Regions;
use super::{Findings, Kind};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::Record;

#[derive(Clone, Debug, Default)]
pub(super) struct ElisionDisagreement {
    locked_at_start: [Regions; MAX_VMS],
}

impl ElisionDisagreement {
    /// All that it remembers.
    pub(super) fn regions(&self) -> impl Iterator<Item = Regions> {
        self.locked_at_start.into_iter()
    }

    pub(super) fn see(&mut self, at: &Record<Event>, event: Event, out: &mut Findings<'_>) {
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
}
