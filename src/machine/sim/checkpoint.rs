//! Going back in a run. The machine's tables are copied; a task, which cannot be, is told again from its
//! start what it saw, without touching anything, until it stands where it stood.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use super::fingerprint::Fingerprint;
use super::lock::Lock;
use super::op::Phase;
use super::state::State;
use super::tables::{RcuWaitState, SpanState, SrcuState, TaskState};
use super::{Schedule, Sim};
use crate::lockdep::SavedTask;

/// A paused machine: all but its tasks' futures. Only an earlier moment of the same run can be gone
/// back to, and what the validator has learnt since stays.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Value and watchers of the words in use, in order of first use.
    words: Vec<(u64, u16)>,
    /// The locks in use, in order of first use.
    locks: Vec<Lock>,
    srcu: Vec<SrcuState>,
    spans: Vec<SpanState>,
    rcuwaits: Vec<RcuWaitState>,
    tasks: Vec<TaskState>,
    /// Lengths of their logs.
    logs: Vec<usize>,
    /// What the validator knows of each task, and the stamp of when it knew that.
    held: Vec<(u64, SavedTask)>,
    runnable: u16,
    done: u16,
    points: u32,
    events: u32,
    records: usize,
    cycles: usize,
    words_print: Fingerprint,
}

/// What a task is told where its log is told to it.
pub(super) enum Told {
    /// Nothing: it really runs.
    Nothing,
    /// What it saw.
    Value(u64),
    /// The log is at its end: the operation has come that far.
    Stands(Phase),
}

impl<S: Schedule, E> State<S, E> {
    #[inline(always)]
    pub(super) fn is_retelling(&self) -> bool {
        S::SEARCHES && self.retold.is_some()
    }

    #[inline(always)]
    pub(super) fn retell(&mut self, task: u8) -> Told {
        if !S::SEARCHES {
            return Told::Nothing;
        }
        let Some(at) = self.retold else { return Told::Nothing };
        if let Some(&value) = self.logs[task as usize].get(at) {
            self.retold = Some(at + 1);
            return Told::Value(value);
        }
        self.retold = None;
        Told::Stands(self.tasks[task as usize].phase.unwrap_or(Phase::Before))
    }

    /// The task stops in the middle of an operation.
    #[inline(always)]
    pub(super) fn stands(&mut self, task: u8, phase: Phase) {
        if S::SEARCHES {
            self.tasks[task as usize].phase = Some(phase);
        }
    }

    fn save(&self, to: &mut Checkpoint) {
        to.words.clear();
        let words = self.used_words.iter().map(|word| &self.words[word.0 as usize]);
        to.words.extend(words.map(|word| (word.value, word.watchers)));
        to.locks.clear();
        to.locks.extend(self.used_locks.iter().map(|lock| self.locks[lock.0 as usize].clone()));
        to.srcu.clone_from(&self.srcu);
        to.spans.clone_from(&self.spans);
        to.rcuwaits.clone_from(&self.rcuwaits);
        to.tasks.resize_with(self.count, TaskState::new);
        to.tasks.clone_from_slice(&self.tasks[..self.count]);
        to.logs.clear();
        to.logs.extend(self.logs[..self.count].iter().map(Vec::len));
        to.held.resize_with(self.count, || (u64::MAX, SavedTask::default()));
        for (i, (stamp, saved)) in to.held.iter_mut().enumerate() {
            // Only a task's own steps tell the validator of it.
            if std::mem::replace(stamp, self.tasks[i].stamp) != *stamp {
                self.lockdep.save_task(self.validator_tasks[i], saved);
            }
        }
        (to.runnable, to.done, to.words_print) = (self.runnable, self.done, self.words_print);
        (to.points, to.events) = (self.points, self.events);
        (to.records, to.cycles) = (self.records.len(), self.cycles.len());
    }

    fn load(&mut self, from: &Checkpoint, moved: u16) {
        self.load_words(from);
        self.load_locks(from);
        self.srcu.clone_from(&from.srcu);
        self.spans.clone_from(&from.spans);
        self.rcuwaits.clone_from(&from.rcuwaits);
        for i in (0..self.count).filter(|i| moved >> i & 1 != 0) {
            self.lockdep.load_task(self.validator_tasks[i], &from.held[i].1);
        }
        self.tasks[..self.count].clone_from_slice(&from.tasks);
        for (log, &len) in self.logs.iter_mut().zip(&from.logs) {
            log.truncate(len);
        }
        (self.runnable, self.done, self.words_print) = (from.runnable, from.done, from.words_print);
        (self.points, self.events, self.next) = (from.points, from.events, None);
        self.records.truncate(from.records);
        // No search reads them, and it would never come to their end.
        self.turns.clear();
        self.cycles.truncate(from.cycles);
    }

    fn load_words(&mut self, from: &Checkpoint) {
        for word in self.used_words.drain(from.words.len()..) {
            let state = &mut self.words[word.0 as usize];
            (state.value, state.dirty, state.watchers) = (0, false, 0);
        }
        for (word, &(value, watchers)) in self.used_words.iter().zip(&from.words) {
            let state = &mut self.words[word.0 as usize];
            (state.value, state.watchers) = (value, watchers);
        }
    }

    fn load_locks(&mut self, from: &Checkpoint) {
        for lock in self.used_locks.drain(from.locks.len()..) {
            self.locks[lock.0 as usize].reset();
        }
        for (lock, saved) in self.used_locks.iter().zip(&from.locks) {
            self.locks[lock.0 as usize].clone_from(saved);
        }
    }
}

impl<S: Schedule, E> Sim<S, E> {
    /// Keeps the paused machine.
    pub fn save(&self, to: &mut Checkpoint) {
        self.state.borrow().save(to);
    }

    /// Goes back to an earlier moment of the run. Tasks that have gone on since stand there once they are
    /// recalled.
    pub fn load(&self, from: &Checkpoint) {
        let state = &mut *self.state.borrow_mut();
        let stamps = state.tasks.iter().zip(&from.tasks).enumerate();
        let moved = stamps.filter(|(_, (now, then))| now.stamp != then.stamp);
        let moved = moved.fold(0u16, |moved, (i, _)| moved | 1 << i);
        state.load(from, moved);
        state.elsewhere |= moved;
    }

    /// Has the task stand where the machine has it: begun anew with `start` and told what it saw.
    /// Whether it came to stand there: a task that does not is no function of what it sees.
    #[must_use]
    pub fn recall<F: Future<Output = ()>>(
        &self,
        i: usize,
        mut task: Pin<&mut Option<F>>,
        start: impl Fn(usize) -> F,
    ) -> bool {
        {
            let state = &mut *self.state.borrow_mut();
            if state.elsewhere >> i & 1 == 0 {
                return true;
            }
            state.elsewhere &= !(1 << i);
            state.retold = state.tasks[i].phase.map(|_| 0);
        }
        task.set(Some(start(i)));
        let begun = self.state.borrow().retold.is_some();
        let Some(future) = task.as_pin_mut().filter(|_| begun) else { return true };
        let ended = future.poll(&mut Context::from_waker(Waker::noop())).is_ready();
        // A task that ends, or asks for less than it was told, is not the one that stood here.
        let state = &mut *self.state.borrow_mut();
        let strayed = std::mem::take(&mut state.strayed) || state.retold.take().is_some();
        !ended && !strayed
    }
}
