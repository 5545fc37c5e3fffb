//! The machine on OS threads: parking_lot's locks, atomics, and each task on a thread of its own.
//!
//! The protocol is the same source as on the simulator; its futures are ready at once here, because
//! what blocks is the lock itself. A bug in this module would be a lock that admits whom the
//! simulator refuses, a wake-up that gets lost, or a log that tells of an order in which the run did
//! not go. Phase-fair rwsems exist on the simulator only: parking_lot has none.
//!
//! # What parking_lot 0.13 does
//!
//! Read in its source (`raw_mutex.rs`, `raw_rwlock.rs`), pinned by `tests/native`:
//!
//! - No lock is handed over. A release makes it free, and whoever comes first has it (0.13 removed
//!   the timer that forced a hand-over now and then; only `unlock_fair` is left, and is not used
//!   here). The simulator hands over; what a thief can do between release and wake-up it can also
//!   do by arriving earlier, so native runs are among the simulator's.
//! - `RwLock::read` waits as soon as a writer has set its bit, and a writer sets it *before* it
//!   waits for the readers inside: one that waits for readers holds back new ones, as a queued rwsem
//!   or rwlock writer does. A reader that already holds the lock is no exception: nested regions
//!   hang. Writers parked behind another writer do not hold back readers until one has the bit.
//! - `RecursiveRwLock::read` waits only while a writer has the bit and no reader is inside, that is
//!   while one owns the lock: reader-biased, and writers may starve.
//! - `try_read` fails exactly while the bit is set (as `down_read_trylock` fails on waiters), so that
//!   it tells from outside whether a writer waits in front of a reader.
//! - A release of the writer wakes all parked readers and one writer, who then race; `downgrade`
//!   wakes them too.
//! - Guards are not `Send`. Each task's table of held guards stays on its thread, and a task that is
//!   stuck keeps its guards for ever.
//! - Its deadlock detector (feature `deadlock_detection`) knows nothing of SRCU, region counts and
//!   rcuwait, and calls nothing by name; the table of waits here serves instead.
//!
//! # The order of a run
//!
//! Every lock that was got and every access that others can see takes a number from one clock while
//! the lock, or the location's own order, is held. The numbers are a total order in which each
//! access sees the last write before it and each lock is free when it is taken; tracepoints stand
//! where the access before them stands. So a native run is a run of the simulator that went in that
//! order, and the simulator's validator, wait-for graph and oracles judge it exactly
//! ([`Sim::adopt`](super::sim::Sim::adopt) checks every lock on the way).
//!
//! The price: the clock orders more than the kernel's own barriers do. Nothing weaker than
//! sequential consistency can be seen in a run, so a missing barrier is not found here either.

mod build;
mod calls;
mod jitter;
mod local;
mod lock;
mod srcu;
mod table;
mod task;
mod watch;
mod word;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, Thread};

use parking_lot::Mutex;

use self::lock::Lock;
use self::srcu::SrcuDomain;
use self::table::TaskLog;
use self::watch::Watch;
use self::word::Cell;
use super::{MAX_TASKS, Policy};

pub use jitter::Jitter;
pub use local::Local;
pub use task::NativeTask;

/// No task.
const NOBODY: u8 = u8::MAX;

/// The policy exists on the simulator only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatorOnly(pub Policy);

impl fmt::Display for SimulatorOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exists on the simulator only", self.0.name())
    }
}

impl std::error::Error for SimulatorOnly {}

/// What is known of a task from outside its thread.
#[derive(Debug)]
struct TaskState<E> {
    log: Mutex<TaskLog<E>>,
    /// TASK_UNINTERRUPTIBLE, as opposed to TASK_RUNNING.
    uninterruptible: AtomicBool,
    /// Whom a wake-up unparks.
    thread: Mutex<Option<Thread>>,
}

/// The machine. Lay out its objects through [`Build`](super::Build) before the first run.
#[derive(Debug)]
pub struct Native<E> {
    policy: Policy,
    locks: Vec<Lock>,
    words: Vec<Cell>,
    srcu: Vec<SrcuDomain>,
    /// The waiter of each `struct rcuwait`.
    rcuwaits: Vec<AtomicU8>,
    spans: u8,
    classes: u16,
    tasks: [TaskState<E>; MAX_TASKS],
    /// Source of the numbers that order a run.
    clock: AtomicU64,
    /// Scheduling points that the tasks of the run have passed.
    points: AtomicU32,
    watch: Watch,
}

impl<E> Native<E> {
    /// An empty machine with that admission rule of every rwsem.
    pub fn new(policy: Policy) -> Result<Native<E>, SimulatorOnly> {
        if policy == Policy::PhaseFair {
            return Err(SimulatorOnly(policy));
        }
        Ok(Native {
            policy,
            locks: Vec::new(),
            words: Vec::new(),
            srcu: Vec::new(),
            rcuwaits: Vec::new(),
            spans: 0,
            classes: 0,
            tasks: std::array::from_fn(|_| TaskState {
                log: Mutex::default(),
                uninterruptible: AtomicBool::new(false),
                thread: Mutex::new(None),
            }),
            clock: AtomicU64::new(0),
            points: AtomicU32::new(0),
            watch: Watch::default(),
        })
    }

    /// Forgets the last run. No task may be running, and none may hold a lock.
    pub fn reset(&self) {
        self.words.iter().for_each(Cell::reset);
        self.srcu.iter().for_each(SrcuDomain::reset);
        // Relaxed: the threads of the next run are started through a lock.
        self.rcuwaits.iter().for_each(|waiter| waiter.store(NOBODY, Ordering::Relaxed));
        self.points.store(0, Ordering::Relaxed);
        for task in &self.tasks {
            task.log.lock().clear();
            task.uninterruptible.store(false, Ordering::Relaxed);
        }
    }

    /// The handle of the task that `local` stands for, to be used on the calling thread.
    pub fn task<'a>(&'a self, local: &'a Local) -> NativeTask<'a, E> {
        *self.tasks[local.index()].thread.lock() = Some(thread::current());
        NativeTask::new(self, local)
    }

    /// A handle to look at what the run left with.
    pub fn look<'a>(&'a self, local: &'a Local) -> NativeTask<'a, E> {
        NativeTask::new(self, local)
    }

    /// The task has come to the end of its program; the locks that it holds stay held.
    pub fn finish(&self, local: &Local) {
        self.points.fetch_add(local.points(), Ordering::Relaxed);
        self.tasks[local.index()].log.lock().finish(local.index(), local.stamp());
    }

    /// The next number of the order of the run. AcqRel would do for an order of the numbers alone;
    /// the proof of a location's order needs the number to be drawn inside its critical section,
    /// and nobody gains from less than SeqCst on a read-modify-write.
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst) + 1
    }
}
