//! What tasks hold and want, step by step; and whether a cycle of waits is the predicted one.

use super::hang::Hang;
use super::{Instances, Prediction};
use crate::kvm::trace::Event;
use crate::machine::sim::{Cycle, Inspect, LockKind, Record, Wait, What};
use crate::machine::{LockId, MAX_TASKS, Mode};

/// Follows runs for a prediction.
#[derive(Debug)]
pub(super) struct Watch<'p> {
    prediction: &'p Prediction,
    held: Held,
    /// Steps of the prediction that a lock's class stands for, as bits.
    classes: Vec<u32>,
    /// Steps whose class is a lock map.
    pub(super) maps: u32,
    /// Modes in which the next class was wanted under a step's class: bit 0 for read, bit 1 for write.
    pub(super) wanted: Vec<u8>,
    /// Tasks that were seen to want the next class under a step's.
    pub(super) tasks: u16,
}

/// What each task holds.
type Held = [Vec<(LockId, Mode)>; MAX_TASKS];

fn bit(mode: Mode) -> u8 {
    1 << mode as u8
}

impl<'p> Watch<'p> {
    /// Follows runs on a layout like that of `seen`.
    pub(super) fn new(prediction: &'p Prediction, seen: &Inspect<'_, Event>) -> Watch<'p> {
        let mut watch = Watch {
            prediction,
            held: Default::default(),
            classes: vec![0; seen.locks()],
            maps: 0,
            wanted: vec![0; prediction.steps.len()],
            tasks: 0,
        };
        for (at, classes) in watch.classes.iter_mut().enumerate() {
            let lock = LockId(at as u16);
            for (i, step) in prediction.steps.iter().enumerate() {
                let is = step.class == seen.class(lock);
                *classes |= u32::from(is) << i;
                watch.maps |= u32::from(is && seen.kind(lock) == LockKind::Map) << i;
            }
        }
        watch
    }

    /// Steps whose class the layout has.
    pub(super) fn known(&self) -> u32 {
        self.classes.iter().fold(0, |all, classes| all | classes)
    }

    /// The task wants the lock: does that make a predicted dependency?
    fn wants(&mut self, task: usize, lock: LockId, mode: Mode) {
        let steps = &self.prediction.steps;
        let (mut tasks, n) = (0, steps.len());
        for (i, step) in steps.iter().enumerate() {
            let is_next = self.classes[usize::from(lock.0)] >> ((i + 1) % n) & 1 != 0;
            if !is_next || step.wanted.is_some_and(|wanted| wanted != mode) {
                continue;
            }
            let under = self.held[task].iter().any(|&(held, how)| {
                self.classes[usize::from(held.0)] >> i & 1 != 0
                    && step.held.is_none_or(|held| held == how)
                    && self.instances_fit(held, lock)
            });
            if under {
                self.wanted[i] |= bit(mode);
                tasks |= 1 << task;
            }
        }
        self.tasks |= tasks;
    }

    fn instances_fit(&self, held: LockId, wanted: LockId) -> bool {
        match self.prediction.instances {
            None => true,
            Some(Instances::Same) => held == wanted,
            Some(Instances::Other) => held != wanted,
        }
    }

    fn got(&mut self, task: usize, lock: LockId, mode: Mode) {
        let downgraded = self.held[task]
            .iter_mut()
            .find(|held| **held == (lock, Mode::Write) && mode == Mode::Read);
        match downgraded {
            Some(held) => held.1 = Mode::Read,
            None => {
                self.wants(task, lock, mode);
                self.held[task].push((lock, mode));
            }
        }
    }

    fn released(&mut self, task: usize, lock: LockId) {
        if let Some(at) = self.held[task].iter().rposition(|held| held.0 == lock) {
            self.held[task].remove(at);
        }
    }

    /// The cycle waits for the class of step `i`, in a mode in which it was predicted to be wanted.
    fn waits_for(&self, cycle: &Cycle, i: usize) -> bool {
        let n = self.prediction.steps.len();
        let before = (i + n - 1) % n;
        let allowed = match (self.prediction.steps[before].wanted, self.wanted[before]) {
            (Some(mode), _) => bit(mode),
            // Nobody was seen to want it so: the mode is not known.
            (None, 0) => bit(Mode::Read) | bit(Mode::Write),
            (None, seen) => seen,
        };
        cycle.waits.iter().any(|&(task, wait)| match wait {
            Wait::Lock { lock, mode, .. } => {
                self.classes[usize::from(lock.0)] >> i & 1 != 0
                    && allowed & bit(mode) != 0
                    && (self.prediction.instances.is_none() || self.recurs(task, lock, i))
            }
            _ => false,
        })
    }

    /// The waiting task holds what the prediction says that it holds.
    fn recurs(&self, task: u8, lock: LockId, i: usize) -> bool {
        self.held[usize::from(task)].iter().any(|&(held, how)| {
            self.classes[usize::from(held.0)] >> i & 1 != 0
                && self.prediction.steps[i].held.is_none_or(|held| held == how)
                && self.instances_fit(held, lock)
        })
    }
}

impl Hang for Watch<'_> {
    type Memory = Held;

    fn save(&self, to: &mut Held) {
        to.clone_from(&self.held);
    }

    fn load(&mut self, from: &Held) {
        self.held.clone_from(from);
    }

    fn begin(&mut self) {
        self.held.iter_mut().for_each(Vec::clear);
    }

    fn follow(&mut self, _: &Inspect<'_, Event>, record: &Record<Event>) {
        let task = usize::from(record.task);
        match record.what {
            What::Acquired(lock, mode) => self.got(task, lock, mode),
            What::Blocked(lock, mode) => self.wants(task, lock, mode),
            What::Released(lock) => self.released(task, lock),
            _ => {}
        }
    }

    fn is_it(&self, seen: &Inspect<'_, Event>, cycle: u16) -> bool {
        let Some(cycle) = seen.cycles.get(usize::from(cycle)) else { return false };
        let mut blocking =
            (0..self.prediction.steps.len()).filter(|&i| self.maps >> i & 1 == 0).peekable();
        cycle.closed && blocking.peek().is_some() && blocking.all(|i| self.waits_for(cycle, i))
    }
}
