//! What an exhaustive search needs of the machine beyond a run: to stop and go on at any scheduling
//! point, to start over without forgetting dependencies, and to know what a step touched.

use std::future::Future;
use std::pin::Pin;

use super::state::State;
use super::symmetry::{Alike, Ranks};
use super::{Ending, Fingerprint, Schedule, Settings, Sim};
use crate::lockdep::Lockdep;
use crate::machine::{LockId, MAX_TASKS, Memory, OPERATION, RcuWait, Srcu, Word};

/// What a schedule answers to stop the machine.
pub const PAUSE: u8 = u8::MAX;

/// Something that steps of several tasks can touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Object(u16);

impl Object {
    const fn new(kind: u16, id: u16) -> Object {
        Object(kind << 13 | id)
    }
    /// A location.
    pub const fn word(word: Word) -> Object {
        Object::new(0, word.0)
    }
    /// A lock: its holders and its queue.
    pub const fn lock(lock: LockId) -> Object {
        Object::new(1, lock.0)
    }
    /// An SRCU domain: its readers and grace periods.
    pub const fn srcu(srcu: Srcu) -> Object {
        Object::new(2, srcu.0 as u16)
    }
    /// A single-waiter wait: who waits.
    pub const fn rcuwait(wait: RcuWait) -> Object {
        Object::new(3, wait.0 as u16)
    }
    /// A task's state (`set_current_state`).
    pub const fn task(task: u8) -> Object {
        Object::new(4, task as u16)
    }
    /// What an observer of the run compares, `id` below 8192: its verdict may depend on an order
    /// that the protocol itself does not see.
    pub const fn observed(id: u16) -> Object {
        Object::new(5, id)
    }
    /// The task whose state it is.
    pub(super) const fn as_task(self) -> Option<u8> {
        if self.0 >> 13 == 4 { Some(self.0 as u8) } else { None }
    }
    /// The number that stands for it.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Stands for all that a task has forgotten.
const FORGOT: u64 = 0xf0_4907;

/// What marks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// They replace the history by what is live.
    Replace,
    /// Nothing: the whole history of a task tells its states apart.
    Ignore,
    /// They forget the history and what is live: wrong, for tests of the search.
    Forget,
}

impl<S: Schedule, E> Sim<S, E> {
    /// Forgets the last run except for the dependencies that the validator has seen, and takes the
    /// settings of the next, whose schedule is set by `plan`.
    pub fn restart(&self, settings: Settings, plan: impl FnOnce(&mut S)) {
        let state = &mut *self.state.borrow_mut();
        state.lockdep.forget_tasks();
        state.reset();
        state.set(settings);
        plan(&mut state.schedule);
    }

    /// The first `tasks` tasks are about to run; none remembers what the history before them saw.
    pub fn start(&self, tasks: usize) {
        self.begin(tasks, false);
        let state = &mut *self.state.borrow_mut();
        state.logs.iter_mut().for_each(Vec::clear);
        state
            .tasks
            .iter_mut()
            .for_each(|task| (task.local, task.print) = (Fingerprint::ZERO, None));
    }

    /// Goes on until the schedule pauses or nobody can run; gives the tasks that can.
    pub fn advance<F: Future<Output = ()>>(&self, tasks: &mut [Pin<&mut Option<F>>]) -> u16 {
        self.drive(tasks);
        self.state.borrow().runnable
    }

    /// The next step will be that of `task`.
    pub fn stamp(&self, task: u8, stamp: u64) {
        let task = &mut self.state.borrow_mut().tasks[task as usize];
        (task.stamp, task.print) = (stamp, None);
    }

    /// Whether the bound on scheduling points has cut the run.
    pub fn is_cut(&self) -> bool {
        let state = self.state.borrow();
        state.points >= state.max_points
    }

    /// Identity of all that the tasks of a search's run saw, and of what they left.
    pub fn history(&self) -> Fingerprint {
        let state = self.state.borrow();
        let left = state.words_print.with(state.events.into()).with(state.points.into());
        state.logs[..state.count].iter().fold(left.with(state.done.into()), |print, log| {
            log.iter().fold(print.with(log.len() as u64), |print, &value| print.with(value))
        })
    }

    /// Ends a run that nobody can go on with: who is stuck is in the records.
    pub fn settle(&self) -> Ending {
        self.ending()
    }

    /// Does something with the schedule of a paused run.
    pub fn with_schedule<R>(&self, with: impl FnOnce(&mut S) -> R) -> R {
        with(&mut self.state.borrow_mut().schedule)
    }

    /// Does something with the validator, which knows the dependencies of all runs since the last reset.
    pub fn with_validator_of_all_runs<R>(&self, with: impl FnOnce(&mut Lockdep) -> R) -> R {
        with(&mut self.state.borrow_mut().lockdep)
    }

    /// Identity of the contents of the shared locations, and of who has finished; alike tasks are
    /// not told apart.
    pub fn memory(&self, alike: &Alike) -> Fingerprint {
        let state = self.state.borrow();
        let finished = |task: usize| Fingerprint::of(u64::from(state.done >> task & 1));
        let tasks: [Fingerprint; MAX_TASKS] = std::array::from_fn(finished);
        let ranks = alike.ranks(&tasks[..state.count]);
        state.words_print.with(ranks.of_all(state.done).into())
    }

    /// What the unfinished tasks stand before, by operation and object: a search that checks itself
    /// compares it where fingerprints are equal.
    pub fn stands(&self, ranks: &Ranks) -> Fingerprint {
        let state = self.state.borrow();
        let unfinished = (0..state.count).filter(|task| state.done & 1 << task == 0);
        unfinished.fold(Fingerprint::ZERO, |print, task| {
            print.plus(Fingerprint::of(ranks.of(task) as u64).with(state.tasks[task].stands))
        })
    }

    /// Identity of the state that the run has come to: equal fingerprints go on equally, each task as
    /// the one of the same rank. `more` adds what an observer remembers of each task.
    pub fn fingerprint(
        &self,
        alike: &Alike,
        more: impl FnOnce(&mut [Fingerprint]),
    ) -> (Ranks, Fingerprint) {
        self.state.borrow_mut().fingerprint(alike, more)
    }
}

impl<S: Schedule, E> State<S, E> {
    /// Tells a search what the running step touches.
    #[inline(always)]
    pub(super) fn touch(&mut self, object: Object, changed: bool) {
        self.schedule.touched(object, changed);
    }

    /// The task saw that value, at this place of its program.
    #[inline(always)]
    pub(super) fn observe(&mut self, task: u8, value: u64) {
        if S::SEARCHES {
            let state = &mut self.tasks[task as usize];
            (state.local, state.halfway) = (state.local.with(value), 0);
            self.logs[task as usize].push(value);
        }
    }

    /// The task is in the middle of a step.
    #[inline(always)]
    pub(super) fn halfway(&mut self, task: u8, how: u8) {
        if S::SEARCHES {
            self.tasks[task as usize].halfway = how;
        }
    }

    #[inline(always)]
    pub(super) fn forget(&mut self, task: u8, memory: Memory, live: u64) {
        if S::SEARCHES {
            let known = Fingerprint(memory.0[0], memory.0[1]);
            let state = &mut self.tasks[task as usize];
            state.local = match self.schedule.marks() {
                Marks::Replace => known.with(FORGOT).with(live),
                Marks::Ignore => state.local.with(FORGOT),
                Marks::Forget => known.with(FORGOT),
            };
        }
    }

    /// The task has finished.
    #[inline(always)]
    pub(super) fn forget_all(&mut self, task: u8) {
        if S::SEARCHES && self.schedule.marks() != Marks::Ignore {
            let state = &mut self.tasks[task as usize];
            (state.local, state.operation) = (Fingerprint::ZERO, Fingerprint::ZERO);
        }
    }

    #[inline(always)]
    pub(super) fn mark(&mut self, task: u8, place: u8, live: &[u64]) {
        if S::SEARCHES {
            let marks = self.schedule.marks();
            let state = &mut self.tasks[task as usize];
            // No sequence of observed values comes to the same.
            let place_in = match place {
                OPERATION => Fingerprint::of(OPERATION.into()),
                place => state.operation.plus(Fingerprint::of(place.into())),
            };
            let marked = live.iter().fold(place_in, |print, &value| print.with(value));
            match marks {
                Marks::Replace => state.local = marked,
                Marks::Ignore => state.local = state.local.with(marked.0),
                Marks::Forget => state.local = place_in,
            }
            if place == OPERATION {
                state.operation = marked;
            }
        }
    }
}
