//! Notes waiters that a later arrival passed: the memslot update that finds regions open though all
//! that were open when it began to wait have ended, and the rwsem writer that readers passed.
//!
//! Readers pass a writer as they arrive, or as the lock is handed over to readers that queued later.
//!
//! All is documented by its source: the commit message of 52ac8b358b0c says that updates may wait
//! long, rwbase_rt.c that it is not fair to writers, `rwsem_mark_wake` that in a reader phase all
//! readers of the queue enter irrespective of their order; and a phase-fair lock is one that lets the
//! waiting readers in after each writer.

use super::key::Regions;
use super::{Evidence, Facts, Findings, Kind, Oracle, Remembered, Severity};
use crate::kvm::MAX_VMS;
use crate::kvm::trace::Event;
use crate::machine::sim::{Alarm, Inspect, Object, Record};

/// What a memslot update waits for.
const REGIONS_OF_VM: &str = "memslot update waits for region(vm)";

#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Starvation {
    /// Counted regions.
    open: [Regions; MAX_VMS],
    /// Those that a waiting update found when it began.
    found: [Regions; MAX_VMS],
    /// Passed waiters: what they waited for, how often, where first.
    passed: Vec<(&'static str, u32, (u32, u8))>,
}

impl Oracle for Starvation {
    fn begin(&mut self) {
        self.open = Default::default();
        self.found = Default::default();
        self.passed.clear();
    }

    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, _: &mut Findings<'_>) {
        match event {
            Event::ActiveCount { vm, depth, up, .. } => {
                let vm = usize::from(vm);
                if up {
                    self.open[vm].insert(at.task, depth);
                } else {
                    self.open[vm].remove(at.task, depth);
                    self.found[vm].remove(at.task, depth);
                }
            }
            Event::SwapWait { vm } => self.found[usize::from(vm)] = self.open[usize::from(vm)],
            Event::SwapBusy { vm } if self.found[usize::from(vm)].is_empty() => {
                self.count(REGIONS_OF_VM, at);
            }
            _ => {}
        }
    }

    /// A reader passed a queued writer.
    fn hear(
        &mut self,
        seen: &Inspect<'_, Event>,
        at: &Record<Event>,
        alarm: Alarm,
        _: &mut Findings<'_>,
    ) {
        if let Alarm::Bypassed(lock) = alarm {
            self.count(seen.class(lock), at);
        }
    }

    fn end(&mut self, _: &Inspect<'_, Event>, out: &mut Findings<'_>) {
        for &(what, times, at) in &self.passed {
            let evidence = Evidence::Bypassed(what, times);
            out.add(at, Kind::Starvation, Severity::Documented, evidence);
        }
    }

    /// What it compares, the protocol orders itself: the count of regions is touched by all who change it or wait.
    fn touched(&self, _: Event, _: &mut dyn FnMut(Object, bool)) {}

    /// Who was passed is found already.
    fn remember(&self, memory: &mut Remembered<'_>) {
        let Self { open, found, passed: _ } = self;
        memory.all(open.iter().chain(found));
    }
}

impl Starvation {
    fn count(&mut self, what: &'static str, at: &Record<Event>) {
        match self.passed.iter_mut().find(|passed| passed.0 == what) {
            Some(passed) => passed.1 += 1,
            None => self.passed.push((what, 1, (at.event, at.task))),
        }
    }
}
