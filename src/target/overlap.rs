//! What coverage does not see: which steps of one task fell into which phase of another's
//! operation. Each such meeting is a feature, so that the fuzzer keeps inputs that bring two
//! operations together and climbs from there to the races that need a third.

use super::Features;
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::{Record, What};
use crate::mm::Pages;
use crate::mm::trace::Event as MmEvent;

/// How far a task is with its operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing that others could disturb.
    #[default]
    Idle,
    /// Between the call of START and its return.
    Starting,
    /// In a region whose START took no mmu_lock.
    Elided,
    /// In a region whose START took mmu_lock.
    Open,
    /// In a memslot update.
    Updating,
    /// In a fault, without a page.
    Faulting,
    /// In a fault, with the page that it is about to install.
    Installing,
}

/// A memslots array was published in the phase.
const PUBLISHED: u8 = 1;
/// A fault mapped a page in the phase, in the range of the region.
const MAPPED: u8 = 2;
/// The primary MMU unmapped a page in the phase.
const CLEARED: u8 = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Task {
    phase: Phase,
    since: u8,
    locked: bool,
    range: Option<Pages>,
}

/// The phases of all tasks of a run.
#[derive(Debug, Default)]
pub struct Overlap {
    tasks: [Task; 16],
}

impl Overlap {
    /// Marks what met in a run.
    pub fn mark(&mut self, records: &[Record<Event>], features: &Features) {
        self.tasks = Default::default();
        for record in records {
            if let What::Trace(event) = record.what {
                self.step(usize::from(record.task) % self.tasks.len(), event, features);
            }
        }
    }

    fn step(&mut self, task: usize, event: Event, features: &Features) {
        let code = code(event);
        for (i, other) in self.tasks.iter_mut().enumerate() {
            if i == task || other.phase == Phase::Idle {
                continue;
            }
            let near = match event {
                Event::SpteSet { hva, .. } => other.range.is_some_and(|range| range.contains(hva)),
                _ => false,
            };
            other.since |= leaves(event, near);
            let code = usize::from(code + u8::from(near));
            features.meeting(code << 6 | (other.phase as usize) << 3 | usize::from(other.since));
        }
        self.tasks[task].advance(event);
    }
}

impl Task {
    fn enter(&mut self, phase: Phase) {
        *self = Task { phase, ..Task::default() };
    }

    fn advance(&mut self, event: Event) {
        match event {
            Event::Mm(MmEvent::RegionStart { depth: 0, hva, .. }) => {
                self.enter(Phase::Starting);
                self.range = Some(hva);
            }
            Event::Elision { side: Side::Start, locked, .. } => self.locked |= locked,
            Event::Mm(MmEvent::RegionOpen { depth: 0, .. }) => {
                self.phase = if self.locked { Phase::Open } else { Phase::Elided };
            }
            Event::SwapWait { .. } | Event::Publish { .. } => self.enter(Phase::Updating),
            Event::Attempt { .. } => self.enter(Phase::Faulting),
            Event::Gup => self.phase = Phase::Installing,
            Event::Op(_) | Event::Mm(MmEvent::RegionClosed { depth: 0 }) => *self = Task::default(),
            _ => {}
        }
    }
}

/// What an event leaves behind in the phases of others.
fn leaves(event: Event, near: bool) -> u8 {
    match event {
        Event::Publish { .. } => PUBLISHED,
        Event::SpteSet { .. } if near => MAPPED,
        Event::Mm(MmEvent::PteClear { .. }) => CLEARED,
        _ => 0,
    }
}

/// A number below 31 for each sort of event.
fn code(event: Event) -> u8 {
    match event {
        Event::Mm(event) => mm_code(event),
        Event::Op(_) => 8,
        Event::Lookup { .. } => 9,
        Event::Elision { locked, .. } => 10 + u8::from(locked),
        Event::NotifierCount { up, .. } => 12 + u8::from(up),
        Event::ActiveCount { up, .. } => 14 + u8::from(up),
        Event::Seq { .. } => 16,
        Event::SwapWait { .. } => 17,
        Event::SwapBusy { .. } => 18,
        Event::Publish { .. } => 19,
        Event::TouchFreed { .. } => 20,
        Event::Attempt { .. } => 21,
        Event::Snapshot => 22,
        Event::Gup => 23,
        Event::SpteZap { .. } => 24,
        Event::BugOnCount { .. } => 25,
        Event::SpteSet { .. } => 26,
    }
}

fn mm_code(event: MmEvent) -> u8 {
    match event {
        MmEvent::RegionStart { .. } => 0,
        MmEvent::RegionOpen { .. } => 1,
        MmEvent::RegionClosed { .. } => 2,
        MmEvent::SubscriberStart { .. } => 3,
        MmEvent::SubscriberEnd { .. } => 4,
        MmEvent::PteSet { .. } => 5,
        MmEvent::PteClear { .. } => 6,
        MmEvent::PageFree { .. } => 7,
    }
}
