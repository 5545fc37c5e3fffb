//! Event scripts: the validator's input as text.
//!
//! A script declares classes, locks and tasks and then lists what the tasks do, one event a line:
//!
//! ```text
//! class map name=mmu_notifier_invalidate_range_start
//! lock map map
//! task Q comm=qemu-system-x86 pid=3069
//!
//! Q acq map w
//! Q rel map
//! ```
//!
//! A script is checked completely before anything runs: one that parses runs without surprises.

mod decode;
mod encode;
mod parse;
mod print;
mod run;

pub use decode::{MAX_DECODED_EVENTS, decode};
pub use encode::encode;
pub use parse::{MAX_DECLARATIONS, MAX_EVENTS, MAX_NAME, ScriptError, Where, parse};
pub use run::{Outcome, ScriptSymbols, declare, run, step};

use super::types::{LockType, Read, WaitType};

/// `class ID [name=TEXT] [inner=W] [outer=W] [type=T]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassDecl {
    /// How the script calls it.
    pub id: String,
    /// What reports print.
    pub name: String,
    /// Inner wait type.
    pub inner: WaitType,
    /// Outer wait type.
    pub outer: WaitType,
    /// Kind of lock.
    pub lock_type: LockType,
}

/// `lock ID CLASS-ID [sub=N]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockDecl {
    /// How the script calls it.
    pub id: String,
    /// Number of its class declaration.
    pub class: usize,
    /// Subclass that it is initialised with.
    pub subclass: u8,
}

/// `task ID [comm=TEXT] [pid=N]`, or a task's first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDecl {
    /// How the script calls it.
    pub id: String,
    /// Its name in reports.
    pub comm: String,
    /// Its number in reports.
    pub pid: i64,
}

/// One line of declarations, by number within its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decl {
    /// A class.
    Class(usize),
    /// A lock.
    Lock(usize),
    /// A task.
    Task(usize),
}

/// How a lock is acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// `w`, `r` or `R`.
    Plain(Read),
    /// `rq`: what the read side of a queued rwlock does, which depends on the context.
    Queued,
}

/// Arguments of `acq` and `sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireArgs {
    /// Number of the lock.
    pub lock: usize,
    /// Read mode.
    pub mode: ReadMode,
    /// A successful trylock.
    pub trylock: bool,
    /// Subclass.
    pub subclass: u8,
    /// Number of the lock that serialises nesting.
    pub nest: Option<usize>,
    /// Full validation.
    pub check: bool,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `acq`.
    Acquire(AcquireArgs),
    /// `rel`.
    Release(usize),
    /// `sync`.
    Sync(AcquireArgs),
    /// `downgrade`.
    Downgrade(usize),
    /// `setsub`.
    SetSubclass(usize, u8),
    /// `free`.
    Free(usize),
    /// `hardirqs_off`.
    HardirqsOff,
    /// `hardirqs_on`.
    HardirqsOn,
    /// `softirqs_off`.
    SoftirqsOff,
    /// `softirqs_on`.
    SoftirqsOn,
    /// `hardirq_enter [threaded]`.
    HardirqEnter(bool),
    /// `hardirq_exit`.
    HardirqExit,
    /// `softirq_enter`.
    SoftirqEnter,
    /// `softirq_exit`.
    SoftirqExit,
    /// `user_exit`.
    UserExit,
    /// `task_exit`.
    TaskExit,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number of the task.
    pub task: usize,
    /// What it does.
    pub op: Op,
}

/// A script, names resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Classes in order of declaration.
    pub classes: Vec<ClassDecl>,
    /// Locks in order of declaration.
    pub locks: Vec<LockDecl>,
    /// Tasks in order of appearance.
    pub tasks: Vec<TaskDecl>,
    /// All declarations in order.
    pub decl: Vec<Decl>,
    /// The events.
    pub events: Vec<Event>,
}
