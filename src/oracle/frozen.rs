//! Forbids a memslots array to be published between the first lookup of a region's START callback
//! and the last lookup of its END callback, where taking mmu_lock depends on those lookups (I5).

use super::key::Regions;
use super::{Facts, Findings, Kind, Oracle, Remembered};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::{Object, Record};

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct MemslotsNotFrozen {
    /// Regions whose START has looked, and whose END has not yet.
    open: [Regions; MAX_VMS],
    /// Those that a publication met.
    overtaken: [Regions; MAX_VMS],
}

impl Oracle for MemslotsNotFrozen {
    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, out: &mut Findings<'_>) {
        match event {
            Event::Publish { vm, .. } => {
                self.overtaken[usize::from(vm)] = self.open[usize::from(vm)];
            }
            Event::Lookup { vm, depth, side: Side::Start, decides: true } => {
                self.open[usize::from(vm)].insert(at.task, depth);
                self.overtaken[usize::from(vm)].remove(at.task, depth);
            }
            Event::Lookup { vm, depth, side: Side::End, decides: true } => {
                self.open[usize::from(vm)].remove(at.task, depth);
                if self.overtaken[usize::from(vm)].remove(at.task, depth) {
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

    /// What it compares, the protocol orders itself: publications and lookups touch the pointer to the memslots.
    fn touched(&self, _: Event, _: &mut dyn FnMut(Object, bool)) {}

    fn remember(&self, memory: &mut Remembered<'_>) {
        let Self { open, overtaken } = self;
        memory.all(open.iter().chain(overtaken));
    }
}
