//! The calls that tasks make of the machine, for who watches a run. Reads and writes of private state
//! (`peek`, `poke`), marks, spans and tracepoints are none.

use crate::machine::{HeldUp, LockId, Mode, RcuWait, Srcu, Word};

/// A call and its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Takes a lock, or begins to wait for it.
    Acquire(LockId, Mode),
    /// Takes a lock if that needs no wait.
    TryAcquire(LockId, Mode),
    /// Releases a lock that it holds in that mode.
    Release(LockId, Mode),
    /// Turns an exclusive hold into a shared one.
    Downgrade(LockId),
    /// Reads a location.
    Read(Word),
    /// Writes a location.
    Write(Word),
    /// Changes a location in one atomic step.
    Update(Word),
    /// Enters an SRCU section.
    SrcuEnter(Srcu),
    /// Leaves an SRCU section.
    SrcuLeave(Srcu),
    /// Waits for a grace period, or sees that none is needed.
    Synchronize(Srcu),
    /// `prepare_to_rcuwait`.
    Prepare(RcuWait),
    /// `set_current_state(TASK_UNINTERRUPTIBLE)`.
    SetUninterruptible,
    /// `schedule` in a wait.
    Schedule(RcuWait),
    /// `finish_rcuwait`.
    Finish(RcuWait),
    /// `rcuwait_wake_up`.
    Wake(RcuWait),
    /// A fault waits before it retries.
    Retry(HeldUp),
    /// A named place, by its number.
    Place(u8),
}
