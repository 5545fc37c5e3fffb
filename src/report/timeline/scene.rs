//! Who holds what, who waits where and who is inside a region, as the records tell it.

use super::names::Names;
use crate::kvm::MAX_VMS;
use crate::machine::sim::Wait;
use crate::machine::{HeldUp, LockId, MAX_TASKS, Mode, Srcu};

/// Something that a task holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Lock(LockId, Mode),
    Srcu(Srcu),
}

/// How an acquisition came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The task took the lock.
    Taken,
    /// It waited; a release gave it the lock.
    HandedOver,
    /// It held the lock exclusively, and keeps it shared.
    Downgraded,
}

/// The state of a run at one record.
#[derive(Debug, Default)]
pub(super) struct Scene {
    held: [Vec<Hold>; MAX_TASKS],
    /// Who waits for which lock, in order of arrival.
    queued: Vec<(LockId, u8, Mode)>,
    /// Regions that each task has open.
    regions: [u8; MAX_TASKS],
    /// `mn_active_invalidate_count`.
    pub(super) active: [i64; MAX_VMS],
}

impl Scene {
    pub(super) fn acquire(&mut self, task: u8, lock: LockId, mode: Mode) -> Came {
        let held = &mut self.held[usize::from(task)];
        let exclusive = held.iter_mut().find(|hold| **hold == Hold::Lock(lock, Mode::Write));
        if let (Some(hold), Mode::Read) = (exclusive, mode) {
            *hold = Hold::Lock(lock, Mode::Read);
            return Came::Downgraded;
        }
        held.push(Hold::Lock(lock, mode));
        match self.queued.iter().position(|&(l, t, _)| (l, t) == (lock, task)) {
            Some(at) => {
                self.queued.remove(at);
                Came::HandedOver
            }
            None => Came::Taken,
        }
    }

    pub(super) fn block(&mut self, task: u8, lock: LockId, mode: Mode) {
        self.queued.push((lock, task, mode));
    }

    /// The mode in which the lock was held.
    pub(super) fn release(&mut self, task: u8, lock: LockId) -> Mode {
        let held = &mut self.held[usize::from(task)];
        let at = held.iter().rposition(|hold| matches!(hold, Hold::Lock(l, _) if *l == lock));
        match at.map(|at| held.remove(at)) {
            Some(Hold::Lock(_, mode)) => mode,
            _ => Mode::Read,
        }
    }

    pub(super) fn srcu(&mut self, task: u8, srcu: Srcu, enter: bool) {
        let held = &mut self.held[usize::from(task)];
        if enter {
            held.push(Hold::Srcu(srcu));
        } else if let Some(at) = held.iter().rposition(|hold| *hold == Hold::Srcu(srcu)) {
            held.remove(at);
        }
    }

    pub(super) fn region(&mut self, task: u8, open: bool) {
        let regions = &mut self.regions[usize::from(task)];
        *regions = if open { *regions + 1 } else { regions.saturating_sub(1) };
    }

    pub(super) fn held(&self, task: u8) -> &[Hold] {
        &self.held[usize::from(task)]
    }

    /// Tasks that hold the lock.
    fn holders(&self, lock: LockId) -> Vec<u8> {
        self.tasks(|held| held.iter().any(|hold| matches!(hold, Hold::Lock(l, _) if *l == lock)))
    }

    fn readers(&self, srcu: Srcu) -> Vec<u8> {
        self.tasks(|held| held.contains(&Hold::Srcu(srcu)))
    }

    fn tasks(&self, wanted: impl Fn(&[Hold]) -> bool) -> Vec<u8> {
        (0..MAX_TASKS as u8).filter(|&task| wanted(self.held(task))).collect()
    }

    fn in_region(&self) -> Vec<u8> {
        (0..MAX_TASKS as u8).filter(|&task| self.regions[usize::from(task)] > 0).collect()
    }

    /// What `task` holds, in words; empty where it holds nothing.
    pub(super) fn holds(&self, task: u8, names: &Names<'_>) -> String {
        let words = self.held(task).iter().map(|&hold| match hold {
            Hold::Lock(lock, how) => names.held(lock, how),
            Hold::Srcu(srcu) => names.srcu(srcu),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// Whom a task waits for that has queued for a lock.
    pub(super) fn behind(&self, task: u8, lock: LockId, names: &Names<'_>) -> String {
        let mut parts = Vec::new();
        let holders: Vec<u8> = self.holders(lock).into_iter().filter(|&t| t != task).collect();
        if self.holders(lock).contains(&task) {
            parts.push("held by itself".to_owned());
        }
        if !holders.is_empty() {
            parts.push(format!("held by {}", names.several(&holders)));
        }
        let ahead = self.queued.iter().filter(|(l, ..)| *l == lock).map(|&(_, t, _)| t);
        let ahead: Vec<u8> = ahead.take_while(|&t| t != task).collect();
        if !ahead.is_empty() {
            parts.push(format!("queued behind {}", names.several(&ahead)));
        }
        parts.join(", ")
    }

    /// Whether the task has queued for the lock.
    pub(super) fn waits_for(&self, task: u8, lock: LockId) -> bool {
        self.queued.iter().any(|&(l, t, _)| (l, t) == (lock, task))
    }

    /// A wait for something that is no lock, and whom it is for.
    pub(super) fn waits(&self, wait: Wait, names: &Names<'_>) -> String {
        match wait {
            Wait::Lock { .. } => format!("waits for {}", names.awaited(wait)),
            Wait::Grace(srcu, _) => format!(
                "synchronize_srcu: waits for {}, inside: {}",
                names.srcu(srcu),
                names.several(&self.readers(srcu))
            ),
            Wait::Sleep(_) => format!(
                "schedule: waits for region(vm), open in: {}",
                names.several(&self.in_region())
            ),
            Wait::Retry(HeldUp::ByRegion(..)) => format!(
                "will retry: waits for region(vm), open in: {}",
                names.several(&self.in_region())
            ),
            Wait::Retry(HeldUp::ByUpdate(lock)) => format!(
                "will retry: waits for memslots(vm), {} held by: {}",
                names.lock(lock.0),
                names.several(&self.holders(lock.0))
            ),
        }
    }

    /// Why `task`, which waits so, waits for `other`.
    pub(super) fn because(&self, wait: Wait, other: u8) -> &'static str {
        match wait {
            Wait::Lock { lock, .. } if self.holders(lock).contains(&other) => "held by",
            Wait::Lock { .. } => "queued behind",
            Wait::Grace(..) => "inside it:",
            Wait::Sleep(_) | Wait::Retry(HeldUp::ByRegion(..)) => "open in",
            Wait::Retry(HeldUp::ByUpdate(_)) => "being replaced by",
        }
    }
}
