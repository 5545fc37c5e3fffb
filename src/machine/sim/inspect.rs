//! What a run left, for oracles, reports and search to read.

use super::lock::Lock;
use super::tables::{RcuWaitState, SpanState, SrcuState, WordState};
use super::{Cycle, LockKind, Record, Turn, Wait};
use crate::lockdep::{InstanceId, Lockdep};
use crate::machine::{HeldUp, LockId, Mode, Srcu, Word};

/// What a run left, for reading.
#[derive(Debug)]
pub struct Inspect<'a, E> {
    /// The validator.
    pub lockdep: &'a Lockdep,
    /// Tracepoints and alarms in order; every step when recording.
    pub records: &'a [Record<E>],
    /// Who ran, in order; kept when recording.
    pub turns: &'a [Turn],
    /// The waits behind what is stuck.
    pub cycles: &'a [Cycle],
    /// Scheduling points passed.
    pub points: u32,
    /// Lock operations and state accesses.
    pub events: u32,
    pub(super) srcu: &'a [SrcuState],
    pub(super) spans: &'a [SpanState],
    pub(super) rcuwaits: &'a [RcuWaitState],
    pub(super) locks: &'a [Lock],
    pub(super) words: &'a [WordState],
    pub(super) instances: &'a [InstanceId],
    pub(super) word_names: &'a [(Word, &'static str)],
}

impl<E> Inspect<'_, E> {
    /// What a wait is for: the name of a span or grace period, or the lock.
    pub fn waited(&self, wait: Wait) -> Waited {
        match wait {
            Wait::Lock { lock, mode, .. } => Waited::Lock(lock, mode),
            Wait::Grace(srcu, _) => Waited::Named(self.srcu[srcu.0 as usize].name),
            Wait::Sleep(wait) => {
                let span = self.rcuwaits[wait.0 as usize].span;
                Waited::Named(self.spans[span as usize].name)
            }
            Wait::Retry(HeldUp::ByRegion(span, _)) => {
                Waited::Named(self.spans[span.0 as usize].name)
            }
            Wait::Retry(HeldUp::ByUpdate(_)) => Waited::Named("memslots(vm)"),
        }
    }

    /// What the count says now that a wait for a region goes by; none of another wait.
    pub fn count(&self, wait: Wait) -> Option<u64> {
        let word = match wait {
            Wait::Sleep(wait) => self.rcuwaits[wait.0 as usize].until_zero,
            Wait::Retry(HeldUp::ByRegion(_, word)) => word,
            _ => return None,
        };
        Some(self.words[word.0 as usize].value)
    }

    /// The validator's instance of a lock.
    pub fn instance(&self, lock: LockId) -> InstanceId {
        self.instances[lock.0 as usize]
    }

    /// The lock behind a validator's instance; none for SRCU domains.
    pub fn lock_of(&self, instance: InstanceId) -> Option<LockId> {
        let at = self.instances.iter().position(|&i| i == instance)?;
        Some(LockId(at as u16))
    }

    /// The name of a lock's class.
    pub fn class(&self, lock: LockId) -> &'static str {
        self.locks[lock.0 as usize].class
    }

    /// What kind of lock it is.
    pub fn kind(&self, lock: LockId) -> LockKind {
        self.locks[lock.0 as usize].kind
    }

    /// The name of an SRCU domain.
    pub fn srcu_name(&self, srcu: Srcu) -> &'static str {
        self.srcu[srcu.0 as usize].name
    }

    /// The name that the layout gave a word; `?` where it gave none.
    pub fn word_name(&self, word: Word) -> &'static str {
        let of = self.word_names.iter().filter(|(first, _)| first.0 <= word.0);
        of.max_by_key(|(first, _)| first.0).map_or("?", |(_, name)| name)
    }

    /// Number of words of the layout.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Number of SRCU domains of the layout.
    pub fn srcus(&self) -> usize {
        self.srcu.len()
    }

    /// Number of locks of the layout.
    pub fn locks(&self) -> usize {
        self.locks.len()
    }
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A lock, in that mode.
    Lock(LockId, Mode),
    /// A span or grace period.
    Named(&'static str),
}
