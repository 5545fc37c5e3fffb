//! What the machine keeps of a location, a task, an SRCU domain, a span and a wait.

use arrayvec::ArrayVec;

use super::fingerprint::Fingerprint;
use super::op::Phase;
use super::waits::Wait;
use crate::lockdep::InstanceId;
use crate::machine::{LockId, MAX_TASKS, Word};

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

    pub(super) fn reset(&mut self) {
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
