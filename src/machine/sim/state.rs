//! The tables of the deterministic machine and the step that every shared operation takes.

use arrayvec::ArrayVec;

use super::fingerprint::Fingerprint;
use super::lock::{Kind, Lock, Waiter};
use super::search::Object;
use super::step::{Phase, WOKEN};
use super::waits::{Cycle, Wait};
use super::{Alarm, At, Record, Schedule, Settings, Turn, TurnEnd, What};
use crate::lockdep::{Acquire, InstanceId, KeyId, Lockdep, Read, TaskId};
use crate::machine::{LockId, MAX_TASKS, Mode, Policy, Site, Word};

/// A location, its guard and who waits for a write to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordState {
    pub(super) value: u64,
    pub(super) guard: Option<LockId>,
    pub(super) lockless: bool,
    pub(super) dirty: bool,
    pub(super) watchers: u16,
}

/// What the machine knows of a task.
#[derive(Debug)]
pub(super) struct TaskState {
    /// Why it does not run; none while it can.
    pub(super) wait: Option<Wait>,
    /// TASK_UNINTERRUPTIBLE, as opposed to TASK_RUNNING.
    pub(super) uninterruptible: bool,
    /// Depth of non-blockable sections.
    pub(super) nonblock: u8,
    /// Spinning locks held.
    pub(super) spinning: u8,
    /// Locks held, oldest first; a lock held twice stands twice.
    pub(super) held: Vec<LockId>,
    /// The event at which it last blocked.
    pub(super) blocked_at: u32,
    /// A write to one of these ends its wait to retry.
    pub(super) watching: ArrayVec<Word, MAX_WATCHED>,
    /// How far it is with its present operation; none before it first ran (searches only).
    pub(super) phase: Option<Phase>,
    /// Which of all advances of tasks was its last (searches only).
    pub(super) stamp: u64,
    /// How far it is with a step that takes several (searches only).
    pub(super) halfway: u8,
    /// The operation that it is in (searches only).
    pub(super) operation: Fingerprint,
    /// What it has observed since its last mark (searches only).
    pub(super) local: Fingerprint,
    /// The shared operation that it is in or before, as a number (searches only).
    pub(super) stands: u64,
    /// Identity of the above, if nothing has changed since it was asked for (searches only).
    pub(super) print: Option<Fingerprint>,
}

/// Locations that a fault may wait for at once.
pub(super) const MAX_WATCHED: usize = 4;

/// An SRCU domain: who reads, and how deep.
#[derive(Clone, Debug)]
pub(super) struct SrcuState {
    pub(super) name: &'static str,
    pub(super) instance: InstanceId,
    pub(super) depth: [u8; MAX_TASKS],
    pub(super) readers: u16,
}

/// A span: who is inside.
#[derive(Clone, Debug)]
pub(super) struct SpanState {
    pub(super) name: &'static str,
    pub(super) depth: [u8; MAX_TASKS],
    pub(super) inside: u16,
}

impl SpanState {
    /// The task enters or leaves.
    pub(super) fn mark(&mut self, task: u8, enters: bool) {
        let depth = &mut self.depth[task as usize];
        *depth = if enters { *depth + 1 } else { depth.saturating_sub(1) };
        match *depth {
            0 => self.inside &= !(1 << task),
            _ => self.inside |= 1 << task,
        }
    }
}

/// A single-waiter wait.
#[derive(Clone, Debug)]
pub(super) struct RcuWaitState {
    pub(super) task: Option<u8>,
    pub(super) span: u8,
    pub(super) until_zero: Word,
}

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

    /// Tells the validator of an acquisition, before any waiting, as the kernel does.
    pub(super) fn annotate(&mut self, task: u8, lock: LockId, mode: Mode, trylock: bool, at: Site) {
        self.events += 1;
        let read = if mode == Mode::Read { Read::Shared } else { Read::Exclusive };
        self.lockdep.acquire(
            self.validator_tasks[task as usize],
            &Acquire {
                instance: self.instances[lock.0 as usize],
                subclass: 0,
                read,
                trylock,
                check: true,
                nest: None,
                site: at.token(),
            },
        );
        self.note_reports(task);
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

    /// Takes the lock if the rules admit it now. A reader that passes a queued writer is noted.
    pub(super) fn try_take(&mut self, task: u8, id: LockId, mode: Mode) -> bool {
        let lock = &self.locks[id.0 as usize];
        if !lock.admits(mode, self.policy) {
            return false;
        }
        match mode {
            Mode::Write => self.schedule.took(Object::lock(id)),
            // Readers that are let in commute.
            Mode::Read => self.schedule.touched(Object::lock(id), false),
        }
        if let Some(writer) = lock.queue.iter().find(|w| w.mode == Mode::Write).map(|w| w.task) {
            self.alarm(writer, Alarm::Bypassed(id));
        }
        self.hold(task, id, mode);
        self.record(task, What::Acquired(id, mode));
        true
    }

    fn hold(&mut self, task: u8, id: LockId, mode: Mode) {
        let lock = &mut self.locks[id.0 as usize];
        lock.take(task, mode);
        if !lock.used {
            lock.used = true;
            self.used_locks.push(id);
        }
        let state = &mut self.tasks[task as usize];
        state.spinning += u8::from(lock.kind.spins());
        state.held.push(id);
        state.print = None;
    }

    /// Queues for the lock.
    pub(super) fn enqueue(&mut self, task: u8, id: LockId, mode: Mode, at: Site) {
        self.locks[id.0 as usize].queue.push(Waiter { task, mode });
        self.record(task, What::Blocked(id, mode));
        self.block(task, Wait::Lock { lock: id, mode, at });
    }

    /// Releases one hold and hands the lock over.
    pub(super) fn drop_lock(&mut self, task: u8, id: LockId, at: Site) {
        self.events += 1;
        self.record(task, What::Released(id));
        self.lockdep.release(
            self.validator_tasks[task as usize],
            self.instances[id.0 as usize],
            at.token(),
        );
        self.note_reports(task);
        let state = &mut self.tasks[task as usize];
        let Some(slot) = state.held.iter().rposition(|&l| l == id) else { return };
        state.held.remove(slot);
        let again = state.held.contains(&id);
        let lock = &mut self.locks[id.0 as usize];
        state.spinning -= u8::from(lock.kind.spins());
        let was_writer = lock.owner == Some(task);
        match was_writer {
            true => self.schedule.gave(Object::lock(id)),
            // Readers that leave commute where nobody waits for them.
            false => self.schedule.touched(Object::lock(id), !lock.queue.is_empty()),
        }
        if was_writer {
            lock.owner = None;
        } else if !again {
            lock.readers &= !(1 << task);
        }
        self.hand_over(id, was_writer);
    }

    /// Grants the lock to whose turn it is; readers of an rwsem enter together
    /// (`rwsem_mark_wake`).
    pub(super) fn hand_over(&mut self, id: LockId, by_writer: bool) {
        let lock = &mut self.locks[id.0 as usize];
        if lock.queue.is_empty() {
            return;
        }
        let mut readers_first = lock.readers_first(self.policy, by_writer);
        while let Some(waiter) = self.locks[id.0 as usize].next_grant(readers_first) {
            self.hold(waiter.task, id, waiter.mode);
            self.record(waiter.task, What::Acquired(id, waiter.mode));
            self.wake(waiter.task);
            if waiter.mode == Mode::Write {
                return;
            }
            readers_first = self.locks[id.0 as usize].kind == Kind::RwSem;
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
        self.logs.iter_mut().for_each(Vec::clear);
        self.records.clear();
        self.turns.clear();
        self.cycles.clear();
    }
}

impl Clone for TaskState {
    fn clone(&self) -> Self {
        let held = self.held.clone();
        TaskState { held, watching: self.watching.clone(), ..*self }
    }

    /// Keeps the memory of the held locks.
    fn clone_from(&mut self, other: &Self) {
        let mut held = std::mem::take(&mut self.held);
        held.clone_from(&other.held);
        *self = TaskState { held, watching: other.watching.clone(), ..*other };
    }
}

impl TaskState {
    pub(super) fn new() -> TaskState {
        TaskState {
            wait: None,
            uninterruptible: false,
            nonblock: 0,
            spinning: 0,
            held: Vec::new(),
            blocked_at: 0,
            watching: ArrayVec::new(),
            phase: None,
            stamp: 0,
            halfway: 0,
            operation: Fingerprint::ZERO,
            local: Fingerprint::ZERO,
            stands: 0,
            print: None,
        }
    }

    fn reset(&mut self) {
        (self.wait, self.uninterruptible) = (None, false);
        (self.nonblock, self.spinning) = (0, 0);
        self.held.clear();
        self.watching.clear();
        (self.phase, self.stamp) = (None, 0);
        (self.halfway, self.operation, self.local) = (0, Fingerprint::ZERO, Fingerprint::ZERO);
        (self.stands, self.print) = (0, None);
    }
}

/// The set bits of a task mask, lowest first.
pub(super) fn bits(mut mask: u16) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros() as u8;
        mask &= mask.wrapping_sub(1);
        (bit < 16).then_some(bit)
    })
}
