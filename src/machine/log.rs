//! What a run on another machine did, in an order in which the simulator can repeat it: its lock
//! tables, its validator and the oracles then see that run as one of their own.
//!
//! A bug in a log would be an order in which no run of the simulator could have gone; entering it
//! ([`Sim::adopt`](super::sim::Sim::adopt)) fails then.

use super::sim::Wait;
use super::{LockId, Mode, Site, Span, Srcu, Word};

/// Something that a task did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<E> {
    /// Asks for a lock, before any waiting.
    Asks(LockId, Mode, Site),
    /// Got the lock that it asked for.
    Gets(LockId, Mode),
    /// Got a lock without waiting (`trylock`).
    TryGets(LockId, Mode, Site),
    /// Released a lock, or tried to release what it did not hold.
    Releases(LockId, Site),
    /// Turned an exclusive hold into a shared one.
    Downgrades(LockId, Site),
    /// Acquired (true) or released a pseudo lock.
    Map(LockId, bool, Site),
    /// Entered (true) or left an SRCU section.
    Srcu(Srcu, bool, Site),
    /// Came to where it may sleep.
    MightSleep(Site),
    /// Entered (true) or left a non-blockable section.
    NonBlock(bool),
    /// Entered (true) or left a span.
    Span(Span, bool),
    /// A tracepoint.
    Trace(E),
    /// Returned to user space.
    UserExit(Site),
    /// Finished its program.
    Done,
}

/// A step, and where it stands among those of all tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<E> {
    /// Number of the last access that the task had made: unique to the task, rising with time.
    pub stamp: u64,
    /// The task.
    pub task: u8,
    /// What it did.
    pub step: Step<E>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Log<E> {
    /// Its steps in order.
    pub entries: Vec<Entry<E>>,
    /// Tasks that wait at its end, each for what it cannot have as things stand.
    pub waits: Vec<(u8, Wait)>,
    /// Locations that are not 0 at its end.
    pub words: Vec<(Word, u64)>,
    /// Scheduling points passed.
    pub points: u32,
}

impl<E> Log<E> {
    /// A log without steps.
    pub fn new() -> Log<E> {
        Log { entries: Vec::new(), waits: Vec::new(), words: Vec::new(), points: 0 }
    }

    /// Forgets the run.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.waits.clear();
        self.words.clear();
        self.points = 0;
    }
}

impl<E> Default for Log<E> {
    fn default() -> Self {
        Log::new()
    }
}
