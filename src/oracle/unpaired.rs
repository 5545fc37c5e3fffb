//! Forbids a subscriber with an END to see START of a region without its END, or END without START
//! (I1, I17). A START that refused counts for nothing.

use super::key::Regions;
use super::{Facts, Findings, Kind, Oracle, Remembered};
use crate::kvm::trace::Event;
use crate::machine::sim::{Object, Record};
use crate::mm::MAX_SUBSCRIBERS;
use crate::mm::trace::Event as MmEvent;

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct UnpairedRegion {
    started: [Regions; MAX_SUBSCRIBERS],
}

impl Oracle for UnpairedRegion {
    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, out: &mut Findings<'_>) {
        let Event::Mm(event) = event else { return };
        match event {
            MmEvent::SubscriberStart { subscriber, depth, ok: true, has_end: true } => {
                self.started[usize::from(subscriber)].insert(at.task, depth);
            }
            MmEvent::SubscriberEnd { subscriber, depth }
                if !self.started[usize::from(subscriber)].remove(at.task, depth) =>
            {
                out.broken(at, Kind::UnpairedRegion, "a subscriber saw END without START");
            }
            MmEvent::RegionClosed { depth } | MmEvent::RegionOpen { depth, ok: false } => {
                for started in &mut self.started {
                    if started.remove(at.task, depth) {
                        out.broken(at, Kind::UnpairedRegion, "a subscriber saw START without END");
                    }
                }
            }
            _ => {}
        }
    }

    /// What it compares, the protocol orders itself: both ends of a region are one task's.
    fn touched(&self, _: Event, _: &mut dyn FnMut(Object, bool)) {}

    fn remember(&self, memory: &mut Remembered<'_>) {
        let Self { started } = self;
        memory.all(started);
    }
}
