//! Forbids a subscriber with an END to see START of a region without its END, or END without START
//! (I1, I17). A START that refused counts for nothing.

use super::key::Regions;
use super::{Findings, Kind};
use crate::kvm::trace::Event;
use crate::machine::sim::Record;
use crate::mm::MAX_SUBSCRIBERS;
use crate::mm::trace::Event as MmEvent;

#[derive(Clone, Debug, Default)]
pub(super) struct UnpairedRegion {
    started: [Regions; MAX_SUBSCRIBERS],
}

impl UnpairedRegion {
    /// All that it remembers.
    pub(super) fn regions(&self) -> impl Iterator<Item = Regions> {
        self.started.into_iter()
    }

    pub(super) fn see(&mut self, at: &Record<Event>, event: Event, out: &mut Findings<'_>) {
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
}
