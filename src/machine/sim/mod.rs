//! The deterministic machine: tasks are futures, polled one at a time as the schedule says.
//!
//! A run is a function of the layout, the programs and the schedule. Nothing is allocated in steady
//! state; a reset touches what the run touched. Memory is sequentially consistent.

#[cfg(feature = "native")]
mod adopt;
mod build;
mod call;
mod checkpoint;
mod fingerprint;
mod holds;
mod inspect;
mod lock;
mod op;
mod search;
mod state;
mod symmetry;
mod tables;
mod task;
mod waits;
mod warm;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use self::state::State;
use self::tables::TaskState;
use self::warm::Warmth;
use super::{LockId, MAX_TASKS, Mode, Policy, Site, Srcu, Word};
use crate::lockdep::{Config, Lockdep, Mode as ValidatorMode};

#[cfg(feature = "native")]
pub use adopt::Refused;
pub use call::Call;
pub use checkpoint::Checkpoint;
pub use fingerprint::Fingerprint;
pub use inspect::{Inspect, Waited};
pub use lock::Kind as LockKind;
pub use search::{Marks, Object, PAUSE};
pub use symmetry::{Alike, Ranks};
pub use task::SimTask;
pub use waits::{Cycle, Doom, Wait};

/// Where the schedule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The run begins.
    Begin,
    /// The task stands before a scheduling point.
    Point(u8),
    /// The task stands at the named place that its burst ends at.
    Place(u8),
    /// The task blocked.
    Blocked(u8),
    /// The task finished.
    Done(u8),
}

/// Decides who runs. A search also watches; the methods with a body are for it.
pub trait Schedule {
    /// The schedule is a search's: the machine keeps fingerprints of the tasks for it.
    const SEARCHES: bool = false;

    /// The task that runs next: one of the set bits of `runnable`, which has at least one.
    /// [`PAUSE`] stops the machine, which goes on where it stands.
    fn next(&mut self, at: At, runnable: u16) -> u8;

    /// Whether `task` is to stop at `place`, which is no scheduling point by itself.
    fn stops_at(&self, _task: u8, _place: u8) -> bool {
        false
    }

    /// The running step touched `object`. Steps of two tasks commute unless both touched an object
    /// that one of them `changed`.
    fn touched(&mut self, _object: Object, _changed: bool) {}

    /// The running step took `object` exclusively.
    fn took(&mut self, _object: Object) {}

    /// It gave up its exclusive hold of `object`. Where it had taken it itself, nobody else can have
    /// seen it held: all that it owes to the order of steps is that the object was free.
    fn gave(&mut self, _object: Object) {}

    /// The running step woke a task that can be woken by no other way.
    fn woke(&mut self, _task: u8) {}

    /// Whether [`stepped`](Schedule::stepped) is to be called.
    const WATCHES: bool = false;

    /// The task makes that call of the machine now, from inside the kernel functions of `site`. A lock
    /// that has to wait calls once, as it is asked for.
    fn stepped(&mut self, _task: u8, _site: Site, _call: Call) {}

    /// What a task's mark does to its fingerprint.
    fn marks(&self) -> Marks {
        Marks::Replace
    }
}

/// What the machine itself found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The validator's report of that index.
    Validator(u16),
    /// A sleep in a non-blockable section or under a spinning lock.
    SleepInAtomic {
        /// Where.
        at: Site,
        /// In a non-blockable section; otherwise under a spinning lock.
        nonblock: bool,
    },
    /// A reader that came later passed this queued writer, as it arrived or at a hand-over.
    Bypassed(LockId),
    /// Nobody can wake the task; which of [`Inspect::cycles`] says why.
    Stuck(Doom, u16),
}

/// One step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<E> {
    /// Number of lock operations and state accesses before it.
    pub event: u32,
    /// The task.
    pub task: u8,
    /// What it did.
    pub what: What<E>,
}

/// What a step was. Tracepoints and alarms are always kept, the others when recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<E> {
    /// A tracepoint of the protocol.
    Trace(E),
    /// Something wrong.
    Alarm(Alarm),
    /// Got a lock.
    Acquired(LockId, Mode),
    /// Waits for a lock.
    Blocked(LockId, Mode),
    /// Released a lock.
    Released(LockId),
    /// Entered (true) or left an SRCU section.
    Srcu(Srcu, bool),
    /// Waits for something that is no lock.
    Waits(Wait),
    /// Goes on after such a wait.
    Resumed,
    /// Wrote a location.
    Wrote(Word, u64),
}

/// A task ran with no other in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The task.
    pub task: u8,
    /// Scheduling points that it came to.
    pub points: u32,
    /// Why another one ran then.
    pub end: TurnEnd,
}

/// Why a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// The schedule chose another task at the last of its points.
    Preempted,
    /// A burst ended at the place of that number.
    Place(u8),
    /// It blocked or finished.
    Blocked,
}

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Admission rule of every rwsem.
    pub policy: Policy,
    /// Every acquire and access is a scheduling point.
    pub all_points: bool,
    /// Scheduling points after which the run is cut.
    pub max_points: u32,
    /// Keep every step, for a timeline.
    pub recording: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            policy: Policy::default(),
            all_points: false,
            max_points: u32::MAX,
            recording: false,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every task finished.
    Finished,
    /// Tasks are left that nobody can wake.
    Stuck,
    /// The bound on scheduling points cut it.
    Bound,
}

/// The machine.
#[derive(Debug)]
pub struct Sim<S, E> {
    state: RefCell<State<S, E>>,
    warmth: Warmth,
}

impl<S: Schedule, E> Sim<S, E> {
    /// An empty machine whose validator reports everything; lay out its objects through
    /// [`Build`](super::Build)
    /// before the first run.
    pub fn new(schedule: S) -> Sim<S, E> {
        Sim::with_validator(schedule, ValidatorMode::Complete)
    }

    /// The same with the validator in that mode.
    pub fn with_validator(schedule: S, mode: ValidatorMode) -> Sim<S, E> {
        let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
        let validator_tasks = (0..MAX_TASKS).map(|_| lockdep.declare_task()).collect();
        Sim {
            warmth: Warmth::default(),
            state: RefCell::new(State {
                lockdep,
                validator_tasks,
                instances: Vec::new(),
                locks: Vec::new(),
                used_locks: Vec::new(),
                words: Vec::new(),
                used_words: Vec::new(),
                srcu: Vec::new(),
                spans: Vec::new(),
                rcuwaits: Vec::new(),
                tasks: std::array::from_fn(|_| TaskState::new()),
                count: MAX_TASKS,
                runnable: 0,
                done: 0,
                logs: Default::default(),
                retold: None,
                strayed: false,
                elsewhere: 0,
                words_print: Fingerprint::ZERO,
                schedule,
                next: None,
                setting_up: false,
                policy: Policy::default(),
                all_points: false,
                recording: false,
                points: 0,
                max_points: u32::MAX,
                events: 0,
                reported: 0,
                records: Vec::new(),
                turns: Vec::new(),
                cycles: Vec::new(),
                keys: Vec::new(),
                names: Vec::new(),
                word_names: Vec::new(),
            }),
        }
    }

    /// Forgets the last run and takes the settings of the next, with the schedule set by `plan`.
    pub fn reset(&mut self, settings: Settings, plan: impl FnOnce(&mut S)) {
        let state = self.state.get_mut();
        state.lockdep.reset();
        state.reset();
        state.set(settings);
        plan(&mut state.schedule);
    }

    /// The handle of task `id`.
    pub fn task(&self, id: u8) -> SimTask<'_, S, E> {
        SimTask::new(self, id)
    }

    /// Runs one future to its end before the tasks start; it must not have to wait.
    pub fn set_up<F: Future<Output = ()>>(&self, history: Pin<&mut F>) {
        self.begin(1, true);
        let _ = history.poll(&mut Context::from_waker(Waker::noop()));
    }

    /// Runs the tasks until all have finished, none can go on, or the bound is reached.
    ///
    /// # Panics
    ///
    /// Where there are more than [`MAX_TASKS`].
    pub fn run<F: Future<Output = ()>>(&self, tasks: &mut [Pin<&mut Option<F>>]) -> Ending {
        self.begin(tasks.len(), false);
        self.drive(tasks);
        self.ending()
    }

    /// Runs until nobody can or the schedule pauses.
    fn drive<F: Future<Output = ()>>(&self, tasks: &mut [Pin<&mut Option<F>>]) {
        let mut context = Context::from_waker(Waker::noop());
        let mut at = At::Begin;
        while let Some(task) = self.pick(at) {
            let Some(future) = tasks[task as usize].as_mut().as_pin_mut() else { break };
            at = At::Blocked(task);
            if future.poll(&mut context) == Poll::Ready(()) {
                tasks[task as usize].set(None);
                self.finish(task);
                at = At::Done(task);
            }
        }
    }

    fn begin(&self, tasks: usize, setting_up: bool) {
        assert!(tasks <= MAX_TASKS, "{tasks} tasks; a machine runs {MAX_TASKS}");
        let state = &mut *self.state.borrow_mut();
        state.count = tasks;
        state.runnable = ((1u32 << tasks) - 1) as u16;
        state.next = None;
        state.setting_up = setting_up;
    }

    /// Who runs next; none when nobody can.
    fn pick(&self, at: At) -> Option<u8> {
        let state = &mut *self.state.borrow_mut();
        if state.runnable == 0 || state.points >= state.max_points {
            return None;
        }
        let runnable = state.runnable;
        let next = state.next.take().unwrap_or_else(|| {
            state.end_turn(TurnEnd::Blocked);
            state.schedule.next(at, runnable)
        });
        if next == PAUSE {
            return None;
        }
        if state.recording && state.turns.last().is_none_or(|turn| turn.task != next) {
            state.turns.push(Turn { task: next, points: 0, end: TurnEnd::Blocked });
        }
        Some(next)
    }

    fn finish(&self, task: u8) {
        let state = &mut *self.state.borrow_mut();
        let validator_task = state.validator_tasks[task as usize];
        state.lockdep.task_exit(validator_task, Site::default().token());
        state.note_reports(task);
        state.done |= 1 << task;
        state.forget_all(task);
        state.runnable &= !(1 << task);
    }

    /// Who is doomed stays so: it is enough to look once, at the end.
    fn ending(&self) -> Ending {
        let state = &mut *self.state.borrow_mut();
        state.report_doomed();
        if state.points >= state.max_points {
            Ending::Bound
        } else if state.done.count_ones() as usize == state.count {
            Ending::Finished
        } else {
            Ending::Stuck
        }
    }

    /// Tasks that have not finished.
    pub fn unfinished(&self) -> u16 {
        let state = &*self.state.borrow();
        ((1u32 << state.count) - 1) as u16 & !state.done
    }

    /// What the run left: its records and counts.
    pub fn inspect<R>(&self, look: impl FnOnce(&Inspect<'_, E>) -> R) -> R {
        let state = &*self.state.borrow();
        look(&Inspect {
            lockdep: &state.lockdep,
            records: &state.records,
            turns: &state.turns,
            cycles: &state.cycles,
            points: state.points,
            events: state.events,
            srcu: &state.srcu,
            spans: &state.spans,
            rcuwaits: &state.rcuwaits,
            locks: &state.locks,
            words: &state.words,
            instances: &state.instances,
            word_names: &state.word_names,
        })
    }

    /// Does something with the validator between runs.
    pub fn with_lockdep<R>(&mut self, with: impl FnOnce(&mut Lockdep) -> R) -> R {
        with(&mut self.state.get_mut().lockdep)
    }
}
