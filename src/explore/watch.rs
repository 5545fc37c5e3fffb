//! What tasks hold and want, step by step; and whether a cycle of waits is the predicted one.

use super::hang::{Fit, Hang};
use super::{Instances, Prediction};
use crate::kvm::trace::Event;
use crate::machine::sim::{Cycle, Inspect, LockKind, Record, Wait, What};
use crate::machine::{LockId, MAX_TASKS, Mode};

/// Locks that each task holds, oldest first, and how.
type Held = [Vec<(LockId, Mode)>; MAX_TASKS];

/// Follows runs for a prediction.
#[derive(Clone, Debug)]
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
            let is_next = self.is_of(lock, (i + 1) % n);
            if !is_next || step.wanted.is_some_and(|wanted| wanted != mode) {
                continue;
            }
            let under = self.held[task].iter().any(|&(held, how)| {
                self.is_of(held, i)
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

    /// The task of the cycle that waits for the class of step `i`, in a mode in which it was predicted
    /// to be wanted.
    fn waiter(&self, cycle: &Cycle, i: usize) -> Option<u8> {
        let before = self.before(i);
        let allowed = match (self.prediction.steps[before].wanted, self.wanted[before]) {
            (Some(mode), _) => bit(mode),
            // Nobody was seen to want it so: the mode is not known.
            (None, 0) => bit(Mode::Read) | bit(Mode::Write),
            (None, seen) => seen,
        };
        let waits = |task: u8, wait: Wait| match wait {
            Wait::Lock { lock, mode, .. } => {
                self.is_of(lock, i)
                    && allowed & bit(mode) != 0
                    && (self.prediction.instances.is_none() || self.recurs(cycle, task, lock, i))
            }
            _ => false,
        };
        cycle.waits.iter().find(|&&(task, wait)| waits(task, wait)).map(|&(task, _)| task)
    }

    /// No task of the cycle waits for the class of step `i`, since the one that waits for the next
    /// has it already, and that which comes before it too. The validator keeps a dependency for each
    /// lock on a task's way; the task hangs at one of them.
    fn is_passed(&self, cycle: &Cycle, i: usize) -> bool {
        let n = self.prediction.steps.len();
        let blocks = |i: &usize| self.maps >> i & 1 == 0;
        let after = (1..n).map(|k| (i + k) % n).filter(blocks);
        let Some(waiter) = after.map(|i| self.waiter(cycle, i)).find_map(|waiter| waiter) else {
            return false;
        };
        let earlier = (1..n).map(|k| (i + n - k) % n).filter(blocks);
        let waited_for = |i: &usize| self.waiter(cycle, *i).is_some();
        let from = earlier.into_iter().find(waited_for);
        self.has(waiter, i) && from.is_some_and(|from| self.has(waiter, from))
    }

    /// The task holds the class of step `i` as predicted.
    fn has(&self, task: u8, i: usize) -> bool {
        let how = self.prediction.steps[i].held;
        let mut held = self.held[usize::from(task)].iter();
        held.any(|&(lock, mode)| self.is_of(lock, i) && how.is_none_or(|how| how == mode))
    }

    fn is_of(&self, lock: LockId, i: usize) -> bool {
        self.classes[usize::from(lock.0)] >> i & 1 != 0
    }

    fn before(&self, i: usize) -> usize {
        let n = self.prediction.steps.len();
        (i + n - 1) % n
    }

    /// The waiting task holds what the prediction says that it holds, and somebody on the cycle waits
    /// for that too: a hang behind one instance is none of two.
    fn recurs(&self, cycle: &Cycle, task: u8, lock: LockId, i: usize) -> bool {
        let waits_for =
            |held: LockId, wait: Wait| matches!(wait, Wait::Lock { lock, .. } if lock == held);
        self.held[usize::from(task)].iter().any(|&(held, how)| {
            self.is_of(held, i)
                && cycle.waits.iter().any(|&(_, wait)| waits_for(held, wait))
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

    fn is_it(&self, seen: &Inspect<'_, Event>, cycle: u16) -> Option<Fit> {
        let cycle = seen.cycles.get(usize::from(cycle)).filter(|cycle| cycle.closed)?;
        let steps = 0..self.prediction.steps.len();
        let blocking = steps.filter(|&i| self.maps >> i & 1 == 0);
        let fit = |i: usize| match self.waiter(cycle, i) {
            Some(_) => Some(Fit::Exact),
            None => self.is_passed(cycle, i).then_some(Fit::Contracted),
        };
        blocking.map(fit).min().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::PredictedStep;
    use super::*;
    use crate::case::Case;
    use crate::machine::Site;
    use crate::oracle::Signature;
    use crate::run::{Options, Runner};

    const CLASSES: [&str; 3] =
        ["&mm->mmap_lock", "&anon_vma->rwsem", "&kvm->mmu_notifier_slots_lock"];

    /// A cycle over the classes, each held for reading.
    fn prediction() -> Prediction {
        let step = |class: &str| PredictedStep {
            class: class.to_owned(),
            held: Some(Mode::Read),
            wanted: None,
        };
        let steps = CLASSES.iter().map(|class| step(class)).collect();
        Prediction { signature: Signature(0), text: String::new(), steps, instances: None }
    }

    /// Tries something with a watch on a layout, and a lock of each class.
    fn with<R>(what: impl FnOnce(&mut Watch<'_>, [LockId; 3]) -> R) -> R {
        let case: Case = "vm vm0  task t  munmap 0x100..0x101  end".parse().expect("it is legal");
        let mut runner = Runner::new();
        runner.run(&case, &Options::of(&case));
        let prediction = prediction();
        runner.inspect(|seen| {
            let lock = |class| {
                let mut all = (0..seen.locks()).map(|at| LockId(at as u16));
                all.find(|&lock| seen.class(lock) == class).expect("the layout has it")
            };
            what(&mut Watch::new(&prediction, seen), CLASSES.map(lock))
        })
    }

    /// A lock that is held in another mode, or another lock, makes no predicted dependency.
    #[test]
    fn a_dependency_counts_where_the_class_is_held_as_predicted() {
        with(|watch, [a, b, c]| {
            for (task, lock, mode) in [(0, a, Mode::Write), (1, c, Mode::Read), (2, b, Mode::Read)]
            {
                watch.got(task, lock, mode);
                watch.wants(task, b, Mode::Write);
            }
            assert_eq!((watch.wanted[0], watch.tasks), (0, 0));
            watch.got(3, a, Mode::Read);
            watch.wants(3, b, Mode::Write);
            assert_eq!((watch.wanted[0], watch.tasks), (bit(Mode::Write), 1 << 3));
        });
    }

    /// One class of the cycle is passed where the task that waits for the next has it, and has the one
    /// before too: with either alone the cycle is another one.
    #[test]
    fn a_class_is_passed_by_a_task_that_holds_it_and_the_one_before() {
        let passed = |held: &[usize], mode| {
            with(|watch, locks| {
                held.iter().for_each(|&i| watch.got(0, locks[i], mode));
                watch.got(1, locks[2], Mode::Read);
                let waits = [(0, locks[2]), (1, locks[0])].map(|(task, lock)| {
                    (task, Wait::Lock { lock, mode: Mode::Write, at: Site::default() })
                });
                let cycle = Cycle { waits: waits.into_iter().collect(), closed: true };
                watch.is_passed(&cycle, 1)
            })
        };
        assert!(passed(&[0, 1], Mode::Read));
        assert!(!passed(&[0], Mode::Read) && !passed(&[1], Mode::Read));
        assert!(!passed(&[0, 1], Mode::Write), "not as predicted");
    }
}
