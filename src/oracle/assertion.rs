//! Forbids that a WARN or BUG of the modelled code fires, and that the orders break that carry the
//! proof of the protocol: count before walk and uncount after it, zero check and publication in one
//! section, sequence before count, snapshot before GUP.

use super::key::Regions;
use super::{Facts, Findings, Kind, Oracle, Remembered};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::{Object, Record};

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Assertions {
    /// Regions between their two changes of `mn_active_invalidate_count`.
    active: [Regions; MAX_VMS],
    /// Regions that have moved `mmu_notifier_seq` on.
    sequenced: [Regions; MAX_VMS],
    /// Tasks whose fault has its snapshot.
    snapshot: Regions,
}

impl Oracle for Assertions {
    fn see(&mut self, at: &Record<Event>, event: Event, facts: Facts, out: &mut Findings<'_>) {
        match event {
            Event::BugOnCount { .. } => {
                out.broken(at, Kind::Assertion, "BUG_ON(kvm->mmu_notifier_count < 0)");
            }
            Event::ActiveCount { vm, depth, up: true, .. } => {
                self.active[usize::from(vm)].insert(at.task, depth);
            }
            Event::ActiveCount { vm, depth, .. } => {
                self.active[usize::from(vm)].remove(at.task, depth);
            }
            Event::Lookup { vm, depth, side, decides: true }
                if facts.variant.info().counts_regions
                    && !self.active[usize::from(vm)].contains(at.task, depth) =>
            {
                out.broken(at, Kind::Assertion, uncounted_walk(side));
            }
            Event::Publish { counted: true, active, one_section, .. } => {
                published(at, active, one_section, out);
            }
            _ => self.see_sequence(at, event, out),
        }
    }

    /// What it compares, the protocol orders itself: a region and a fault are one task's each.
    fn touched(&self, _: Event, _: &mut dyn FnMut(Object, bool)) {}

    fn remember(&self, memory: &mut Remembered<'_>) {
        let Self { active, sequenced, snapshot } = self;
        memory.all(active.iter().chain(sequenced).chain([snapshot]));
    }
}

impl Assertions {
    fn see_sequence(&mut self, at: &Record<Event>, event: Event, out: &mut Findings<'_>) {
        match event {
            Event::Seq { vm, depth } => self.sequenced[usize::from(vm)].insert(at.task, depth),
            Event::NotifierCount { vm, depth, up: false, .. }
                if !self.sequenced[usize::from(vm)].remove(at.task, depth) =>
            {
                out.broken(at, Kind::Assertion, "mmu_notifier_count fell before the sequence rose");
            }
            Event::Attempt { .. } => {
                self.snapshot.remove(at.task, 0);
            }
            Event::Snapshot => self.snapshot.insert(at.task, 0),
            Event::Gup if !self.snapshot.contains(at.task, 0) => {
                out.broken(at, Kind::Assertion, "GUP before the mmu_notifier_seq snapshot");
            }
            _ => {}
        }
    }
}

fn uncounted_walk(side: Side) -> &'static str {
    match side {
        Side::Start => "memslots walked before mn_active_invalidate_count rose",
        Side::End => "memslots walked after mn_active_invalidate_count fell",
    }
}

fn published(at: &Record<Event>, active: u64, one_section: bool, out: &mut Findings<'_>) {
    if active != 0 {
        out.broken(at, Kind::Assertion, "memslots published with mn_active_invalidate_count != 0");
    }
    if !one_section {
        out.broken(at, Kind::Assertion, "memslots published outside the section of the zero check");
    }
}
