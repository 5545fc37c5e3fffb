//! What a task runs on: locks, counters, waits, SRCU, scheduling points.
//!
//! The protocol is written once, over [`Task`] and [`Build`]. On [`sim`] a task is a future that a
//! schedule polls, one at a time; on `native` (feature `native`) it is an OS thread, and each of its
//! futures is ready at once, because the lock itself blocks.
//!
//! A *scheduling point* stands before every acquire, wait, SRCU entry and access to unguarded
//! state. Releases, lock maps and accesses under the guard are none, because they commute with what
//! other tasks can do meanwhile; a write to a location that is also read locklessly is one.

mod function;
#[cfg(feature = "native")]
pub mod log;
#[cfg(feature = "native")]
pub mod native;
mod policy;
pub mod sim;

use std::future::Future;

use crate::lockdep::{LockType, WaitType};

pub(crate) use function::functions;
pub use function::{Function, Site};
pub use policy::Policy;

/// The place of marks that begin an operation.
pub const OPERATION: u8 = 0;
/// Tasks that a machine can run.
pub const MAX_TASKS: usize = 16;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident($int:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $int);
    )*};
}

handles! {
    /// Any lock of the machine.
    LockId(u16);
    /// `struct mutex`.
    Mutex(LockId);
    /// `spinlock_t`.
    SpinLock(LockId);
    /// `rwlock_t`, queued: a waiting writer holds back new readers.
    RwLock(LockId);
    /// `struct rw_semaphore`.
    RwSem(LockId);
    /// `struct lockdep_map` used as a pseudo lock: annotation only, blocks nobody.
    LockMap(LockId);
    /// `struct srcu_struct`.
    Srcu(u8);
    /// `struct rcuwait`: one waiter.
    RcuWait(u8);
    /// A span that a task is in and others may wait for the end of. Known to the wait-for graph
    /// and to nobody else: the lock validator has no class for it.
    Span(u8);
    /// A shared location of 64 bits.
    Word(u16);
}

/// Consecutive words.
#[derive(Clone, Copy, Debug)]
pub struct Words(pub Word);

impl Words {
    /// Word `i`.
    pub fn at(self, i: usize) -> Word {
        Word(self.0.0 + i as u16)
    }
}

/// What a task knew at some place of its program. Good for one [`Task::forget`], so that no two
/// places are taken for one.
#[derive(Debug, Default)]
pub struct Memory(pub(crate) [u64; 2]);

/// The value of a [`scope!`](crate::scope).
pub trait Known {
    /// A number that stands for it: different values that a task can go on with differently have
    /// different numbers.
    fn known(&self) -> u64;
}

impl Known for () {
    fn known(&self) -> u64 {
        0
    }
}

impl Known for bool {
    fn known(&self) -> u64 {
        (*self).into()
    }
}

impl Known for Option<u16> {
    fn known(&self) -> u64 {
        self.map_or(0, |value| 1 + u64::from(value))
    }
}

/// Runs a block, after which the task knows its value and nothing else of what it saw there. A search
/// takes states for one that differ only in what no task knows any more.
///
/// That the block changes nothing outside of itself, and is left at its end alone, makes its value all
/// that it can tell. The compiler checks that of a closure around the same block, which is never made:
/// as a future of its own the block would be moved, with room for all that it may come to hold.
#[macro_export]
macro_rules! scope {
    ($task:expr, $body:block) => {{
        use $crate::machine::{Known, Task, tells_its_value};
        if false {
            tells_its_value(async || $body);
        }
        let memory = Task::remember($task);
        let value = $body;
        Task::forget($task, memory, Known::known(&value));
        value
    }};
}

/// For [`scope!`](crate::scope): what it accepts changes nothing outside of itself.
#[doc(hidden)]
pub fn tells_its_value<V: Known>(_: impl AsyncFn() -> V) {}

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Shared.
    Read,
    /// Exclusive.
    Write,
}

/// What holds up a fault that waits to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldUp {
    /// Regions of the VM: the span that they are in, and the word that counts them.
    ByRegion(Span, Word),
    /// The memslot update whose INVALID slot it met, under that lock.
    ByUpdate(Mutex),
}

/// A lock class: the arguments of `lockdep_init_map`.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Printed name.
    pub name: &'static str,
    /// Inner wait type.
    pub wait: WaitType,
    /// Lock type.
    pub kind: LockType,
}

/// Who may touch a word without a scheduling point.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// The lock that guards it; none: every access is a point.
    pub lock: Option<LockId>,
    /// It is also read without that lock, so that writes are points even under it.
    pub lockless: bool,
}

/// Lays out the objects of a world. Called once; a run resets values, never the layout.
pub trait Build {
    /// Declares a key: one initialisation site.
    fn class(&mut self, class: Class) -> u16;
    /// A mutex of that class; so for the other locks.
    fn mutex(&mut self, class: u16) -> Mutex;
    /// A spinlock.
    fn spinlock(&mut self, class: u16) -> SpinLock;
    /// A rwlock.
    fn rwlock(&mut self, class: u16) -> RwLock;
    /// An rwsem.
    fn rwsem(&mut self, class: u16) -> RwSem;
    /// A pseudo lock.
    fn lock_map(&mut self, class: u16) -> LockMap;
    /// An SRCU domain; `name` is what waits for its grace period are called.
    fn srcu(&mut self, class: u16, name: &'static str) -> Srcu;
    /// A span; `name` is what waits for it are called.
    fn span(&mut self, name: &'static str) -> Span;
    /// A single-waiter wait whose waiter waits for `span` to end, that is for `until_zero` to be 0.
    fn rcuwait(&mut self, span: Span, until_zero: Word) -> RcuWait;
    /// `n` words, all 0 at the start of a run.
    fn words(&mut self, n: usize, guard: Guard) -> Words;
    /// What reports call the words from `first` to the next that is named, or to the last. A machine
    /// that reports nothing of words needs no names.
    fn name_words(&mut self, _first: Word, _name: &'static str) {}
}

/// A running task: the handle through which protocol code touches anything shared.
///
/// The methods carry the kernel's names. Those that are or contain a scheduling point are futures.
pub trait Task: Copy {
    /// Tracepoints of the protocol.
    type Event;

    /// This task's number, below [`MAX_TASKS`].
    fn id(self) -> usize;
    /// The same task inside kernel function `f`.
    fn enter(self, f: Function) -> Self;

    /// Takes a lock; the wrappers below give this its kernel names.
    fn acquire(self, lock: LockId, mode: Mode) -> impl Future<Output = ()>;
    /// Takes a lock if that needs no wait.
    fn try_acquire(self, lock: LockId, mode: Mode) -> impl Future<Output = bool>;
    /// Releases a lock.
    fn release(self, lock: LockId);
    /// Turns an exclusive hold into a shared one.
    fn downgrade_write(self, sem: RwSem);
    /// Whether this task holds the lock, in any mode.
    fn holds(self, lock: LockId) -> bool;

    /// Annotation only: acquires a pseudo lock exclusively.
    fn lock_map_acquire(self, map: LockMap);
    /// Annotation only: releases a pseudo lock.
    fn lock_map_release(self, map: LockMap);

    /// Enters a read-side section; sections nest.
    fn srcu_read_lock(self, srcu: Srcu) -> impl Future<Output = ()>;
    /// Leaves the innermost read-side section.
    fn srcu_read_unlock(self, srcu: Srcu);
    /// Waits for the sections that were open when it began.
    fn synchronize_srcu(self, srcu: Srcu) -> impl Future<Output = ()>;

    /// Reads a shared location (READ_ONCE).
    fn read(self, word: Word) -> impl Future<Output = u64>;
    /// Writes a shared location (WRITE_ONCE).
    fn write(self, word: Word, value: u64) -> impl Future<Output = ()>;
    /// Reads what no other task can see change, private or immutable state, and again what the last
    /// scheduling point's step has read.
    fn peek(self, word: Word) -> u64;
    /// Writes what no other task can see yet.
    fn poke(self, word: Word, value: u64);

    /// Changes a location in one atomic step (`atomic_fetch_*`, `cmpxchg`), which commutes or is part
    /// of the step that the last scheduling point began. Returns the old value.
    fn update(self, word: Word, change: impl Fn(u64) -> u64) -> u64;

    /// `prepare_to_rcuwait`: this task is the waiter.
    fn prepare_to_rcuwait(self, wait: RcuWait) -> impl Future<Output = ()>;
    /// `set_current_state(TASK_UNINTERRUPTIBLE)`; a waker reads it without any lock.
    fn set_uninterruptible(self) -> impl Future<Output = ()>;
    /// `schedule`: sleeps unless a wake came since the state was set.
    fn schedule(self, wait: RcuWait) -> impl Future<Output = ()>;
    /// `finish_rcuwait`: the wait is over, the task runs.
    fn finish_rcuwait(self, wait: RcuWait) -> impl Future<Output = ()>;
    /// `rcuwait_wake_up`: wakes the waiter, if any.
    fn rcuwait_wake_up(self, wait: RcuWait) -> impl Future<Output = ()>;

    /// Begins a section in which nothing may sleep.
    fn non_block_start(self);
    /// Ends it.
    fn non_block_end(self);
    /// Asserts that sleeping is allowed here.
    fn might_sleep(self);

    /// The task is now inside the span; spans nest.
    fn span_begin(self, span: Span);
    /// The task has left the span.
    fn span_end(self, span: Span);
    /// Waits until one of `words` is written: what a fault does before it retries.
    fn wait_for_write(self, by: HeldUp, words: &[Word]) -> impl Future<Output = ()>;

    /// All that this task still knows is `live`, what its operation says, and what shared state
    /// holds: a search may drop the history behind it. `place` tells the marks of an operation apart;
    /// at [`OPERATION`] a new one begins, and `live` says which.
    fn mark(self, _place: u8, _live: &[u64]) {}

    /// What the task knows now: for [`scope!`](crate::scope), which forgets down to it.
    #[doc(hidden)]
    fn remember(self) -> Memory {
        Memory::default()
    }
    /// Of all that it saw since `memory`, the task still knows `live`: for [`scope!`](crate::scope).
    #[doc(hidden)]
    fn forget(self, _memory: Memory, _live: u64) {}

    /// A named place of the protocol: a burst may end here.
    fn place(self, place: u8) -> impl Future<Output = ()>;
    /// A tracepoint.
    fn trace(self, event: impl Into<Self::Event>);
    /// Returns to user space: no lock may be held.
    fn user_exit(self);

    /// `mutex_lock`.
    fn mutex_lock(self, lock: Mutex) -> impl Future<Output = ()> {
        self.acquire(lock.0, Mode::Write)
    }
    /// `mutex_unlock`.
    fn mutex_unlock(self, lock: Mutex) {
        self.release(lock.0)
    }
    /// `spin_lock`.
    fn spin_lock(self, lock: SpinLock) -> impl Future<Output = ()> {
        self.acquire(lock.0, Mode::Write)
    }
    /// `spin_unlock`.
    fn spin_unlock(self, lock: SpinLock) {
        self.release(lock.0)
    }
    /// `read_lock`.
    fn read_lock(self, lock: RwLock) -> impl Future<Output = ()> {
        self.acquire(lock.0, Mode::Read)
    }
    /// `read_unlock`.
    fn read_unlock(self, lock: RwLock) {
        self.release(lock.0)
    }
    /// `write_lock`.
    fn write_lock(self, lock: RwLock) -> impl Future<Output = ()> {
        self.acquire(lock.0, Mode::Write)
    }
    /// `write_unlock`.
    fn write_unlock(self, lock: RwLock) {
        self.release(lock.0)
    }
    /// `down_read`.
    fn down_read(self, sem: RwSem) -> impl Future<Output = ()> {
        self.acquire(sem.0, Mode::Read)
    }
    /// `down_read_trylock`.
    fn down_read_trylock(self, sem: RwSem) -> impl Future<Output = bool> {
        self.try_acquire(sem.0, Mode::Read)
    }
    /// `up_read`.
    fn up_read(self, sem: RwSem) {
        self.release(sem.0)
    }
    /// `down_write`.
    fn down_write(self, sem: RwSem) -> impl Future<Output = ()> {
        self.acquire(sem.0, Mode::Write)
    }
    /// `up_write`.
    fn up_write(self, sem: RwSem) {
        self.release(sem.0)
    }
}
