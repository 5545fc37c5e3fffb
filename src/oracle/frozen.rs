//! Forbids a memslots array to be published between the first lookup of a region's START callback
//! and the last lookup of its END callback, where taking mmu_lock depends on those lookups (I5).

use super::key::{REGIONS, region};
use super::{Findings, Kind};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::Record;

#[derive(Debug)]
pub(super) struct MemslotsNotFrozen {
    /// Arrays published so far.
    published: [u32; MAX_VMS],
    /// How many had been when START looked.
    at_start: [[u32; REGIONS]; MAX_VMS],
}

impl Default for MemslotsNotFrozen {
    fn default() -> Self {
        MemslotsNotFrozen { published: [0; MAX_VMS], at_start: [[0; REGIONS]; MAX_VMS] }
    }
}

impl MemslotsNotFrozen {
    /// `at_start` is written by every START before END reads it, and needs no reset.
    pub(super) fn reset(&mut self) {
        self.published = [0; MAX_VMS];
    }

    pub(super) fn see(&mut self, at: &Record<Event>, event: Event, out: &mut Findings<'_>) {
        match event {
            Event::Publish { vm, .. } => self.published[usize::from(vm)] += 1,
            Event::Lookup { vm, depth, side, decides: true } => {
                let now = self.published[usize::from(vm)];
                let then = &mut self.at_start[usize::from(vm)][region(at.task, depth)];
                if side == Side::Start {
                    *then = now;
                } else if *then != now {
                    out.broken(
                        at,
                        Kind::MemslotsNotFrozen,
                        "memslots published between the lookups of range_start and range_end",
                    );
                }
            }
            _ => {}
        }
    }
}
