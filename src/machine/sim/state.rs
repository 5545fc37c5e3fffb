//! The deterministic machine's state, and what every operation on it does: pass a point, store, block,
//! wake, record.

use arrayvec::ArrayVec;

use super::fingerprint::Fingerprint;
use super::lock::Lock;
use super::op::WOKEN;
use super::search::Object;
use super::tables::{RcuWaitState, SpanState, SrcuState, TaskState, WordState};
use super::waits::{Cycle, Wait};
use super::{Alarm, At, Record, Schedule, Settings, Turn, TurnEnd, What};
use crate::lockdep::{InstanceId, KeyId, Lockdep, TaskId};
use crate::machine::{LockId, MAX_TASKS, Policy, Site, Word};

/// Everything shared of the machine.
#[derive(Debug)]
pub(super) struct State<S, E> {
    pub(super) lockdep: Lockdep,
    pub(super) validator_tasks: ArrayVec<TaskId, MAX_TASKS>,
    pub(super) instances: Vec<InstanceId>,
    pub(super) locks: Vec<Lock>,
    pub(super) used_locks: Vec<LockId>,
    pub(super) words: Vec<WordState>,
    pub(super) used_words: Vec<Word>,
    pub(super) srcu: Vec<SrcuState>,
    pub(super) spans: Vec<SpanState>,
    pub(super) rcuwaits: Vec<RcuWaitState>,
    pub(super) tasks: [TaskState; MAX_TASKS],
    pub(super) count: usize,
    pub(super) runnable: u16,
    /// Tasks that have finished.
    pub(super) done: u16,
    /// All that each task saw, in order (searches only).
    pub(super) logs: [Vec<u64>; MAX_TASKS],
    /// How much of its log the running task has been told again; none while it really runs.
    pub(super) retold: Option<usize>,
    /// A task that was told its log came to stand before another operation (searches only).
    pub(super) strayed: bool,
    /// Tasks whose futures have gone on beyond where they stand (searches only).
    pub(super) elsewhere: u16,
    /// The contents of all words (searches only).
    pub(super) words_print: Fingerprint,
    pub(super) schedule: S,
    /// Chosen by the schedule, not yet running.
    pub(super) next: Option<u8>,
    /// History before the tasks start: nobody else runs.
    pub(super) setting_up: bool,
    pub(super) policy: Policy,
    pub(super) all_points: bool,
    pub(super) recording: bool,
    pub(super) points: u32,
    pub(super) max_points: u32,
    pub(super) events: u32,
    pub(super) reported: usize,
    pub(super) records: Vec<Record<E>>,
    pub(super) turns: Vec<Turn>,
    pub(super) cycles: Vec<Cycle>,
    pub(super) keys: Vec<KeyId>,
    pub(super) names: Vec<&'static str>,
    /// Where the words of a name begin.
    pub(super) word_names: Vec<(Word, &'static str)>,
}

impl<S: Schedule, E> State<S, E> {
    /// Passes a scheduling point; whether the task goes on at once.
    pub(super) fn point(&mut self, task: u8) -> bool {
        if self.setting_up {
            return true;
        }
        self.points += 1;
        if self.recording
            && let Some(turn) = self.turns.last_mut()
        {
            turn.points += 1;
        }
        if self.points >= self.max_points {
            return false;
        }
        self.goes_on(At::Point(task), task)
    }

    /// Asks the schedule who runs next; whether that is still `task`.
    pub(super) fn goes_on(&mut self, at: At, task: u8) -> bool {
        let next = self.schedule.next(at, self.runnable);
        if next != task {
            self.next = Some(next);
            self.end_turn(TurnEnd::Preempted);
        }
        next == task
    }

    /// Notes why another task runs next.
    pub(super) fn end_turn(&mut self, end: TurnEnd) {
        if let Some(turn) = self.turns.last_mut() {
            turn.end = end;
        }
    }

    /// Whether touching the word needs a point before it.
    pub(super) fn exposed(&self, task: u8, word: Word, write: bool) -> bool {
        let state = &self.words[word.0 as usize];
        let Some(guard) = state.guard else { return true };
        let lock = &self.locks[guard.0 as usize];
        let guarded = if lock.owner == Some(task) {
            !(write && state.lockless)
        } else {
            !write && lock.readers & 1 << task != 0
        };
        self.all_points || !guarded
    }

    /// Stores a value and wakes the faults that wait for a change.
    pub(super) fn store(&mut self, word: Word, value: u64) {
        self.touch(Object::word(word), true);
        self.dirty(word);
        let state = &mut self.words[word.0 as usize];
        let old = std::mem::replace(&mut state.value, value);
        let watchers = state.watchers;
        self.wake_watchers(watchers);
        if S::SEARCHES {
            self.words_print = self.words_print.exchange(word.0.into(), old, value);
        }
    }

    /// Marks the step at which the validator reported something.
    pub(super) fn note_reports(&mut self, task: u8) {
        let reported = self.lockdep.reports().len();
        while self.reported < reported {
            let index = self.reported as u16;
            self.reported += 1;
            self.alarm(task, Alarm::Validator(index));
        }
    }

    /// The task can run again.
    pub(super) fn wake(&mut self, task: u8) {
        let state = &mut self.tasks[task as usize];
        let wait = state.wait.take();
        state.print = None;
        self.runnable |= 1 << task;
        self.halfway(task, WOKEN);
        // A retrying fault has several who could wake it.
        if !matches!(wait, Some(Wait::Retry(_))) {
            self.schedule.woke(task);
        }
    }

    /// The task cannot go on.
    pub(super) fn block(&mut self, task: u8, wait: Wait) {
        let state = &mut self.tasks[task as usize];
        (state.wait, state.blocked_at) = (Some(wait), self.events);
        self.runnable &= !(1 << task);
    }

    /// Sleeping is wrong in a non-blockable section or under a spinning lock.
    pub(super) fn check_sleep(&mut self, task: u8, at: Site) {
        let state = &self.tasks[task as usize];
        if state.nonblock > 0 || state.spinning > 0 {
            let nonblock = state.nonblock > 0;
            self.alarm(task, Alarm::SleepInAtomic { at, nonblock });
        }
    }

    /// An alarm is always kept; oracles turn it into a finding.
    pub(super) fn alarm(&mut self, task: u8, alarm: Alarm) {
        self.records.push(Record { event: self.events, task, what: What::Alarm(alarm) });
    }

    /// Keeps a step for the timeline.
    pub(super) fn record(&mut self, task: u8, what: What<E>) {
        if self.recording {
            self.records.push(Record { event: self.events, task, what });
        }
    }

    /// Takes the settings of the next run.
    pub(super) fn set(&mut self, settings: Settings) {
        self.policy = settings.policy;
        self.all_points = settings.all_points;
        self.max_points = settings.max_points;
        self.recording = settings.recording;
    }

    /// Back to the layout, touching only what the run touched. The validator is the caller's.
    pub(super) fn reset(&mut self) {
        for lock in self.used_locks.drain(..) {
            self.locks[lock.0 as usize].reset();
        }
        for word in self.used_words.drain(..) {
            let state = &mut self.words[word.0 as usize];
            (state.value, state.dirty, state.watchers) = (0, false, 0);
        }
        for srcu in &mut self.srcu {
            (srcu.depth, srcu.readers) = ([0; MAX_TASKS], 0);
        }
        for span in &mut self.spans {
            (span.depth, span.inside) = ([0; MAX_TASKS], 0);
        }
        for wait in &mut self.rcuwaits {
            wait.task = None;
        }
        for task in &mut self.tasks[..self.count] {
            task.reset();
        }
        (self.points, self.events, self.runnable) = (0, 0, 0);
        self.reported = self.lockdep.reports().len();
        (self.done, self.next, self.words_print) = (0, None, Fingerprint::ZERO);
        self.elsewhere = 0;
        if S::SEARCHES {
            self.logs.iter_mut().for_each(Vec::clear);
        }
        self.records.clear();
        self.turns.clear();
        self.cycles.clear();
    }
}
