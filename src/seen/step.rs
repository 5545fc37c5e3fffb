//! Steps, who makes them, and which met.

use std::fmt;

use super::layout::layout;
use crate::case::{Case, Op, Opener};
use crate::kvm::function;
use crate::machine::{Function, Mode};

/// A call of the machine by a kernel function, on an object of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step {
    pub(super) function: u8,
    pub(super) verb: Verb,
    /// Which name of the layout.
    pub(super) object: u8,
}

/// What a step does with its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Verb {
    Take(bool),
    Try(bool),
    Drop(bool),
    Downgrade,
    Read,
    Write,
    Update,
    SrcuEnter,
    SrcuLeave,
    Synchronize,
    Prepare,
    SetUninterruptible,
    Schedule,
    Finish,
    Wake,
    Retry,
}

/// The function, the call and the object.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, kind) = layout().object(self.object);
        let mode = |exclusive| if exclusive { Mode::Write } else { Mode::Read };
        let of_lock = |verb: fn(crate::machine::sim::LockKind, Mode) -> &'static str, exclusive| {
            kind.map_or("?", |kind| verb(kind, mode(exclusive)))
        };
        use crate::machine::sim::LockKind;
        let verb = match self.verb {
            Verb::Take(exclusive) => of_lock(LockKind::acquires, exclusive),
            Verb::Try(exclusive) => {
                write!(f, "{}_trylock", of_lock(LockKind::acquires, exclusive))?;
                ""
            }
            Verb::Drop(exclusive) => of_lock(LockKind::releases, exclusive),
            Verb::Downgrade => "downgrade_write",
            Verb::Read => "read",
            Verb::Write => "write",
            Verb::Update => "update",
            Verb::SrcuEnter => "srcu_read_lock",
            Verb::SrcuLeave => "srcu_read_unlock",
            Verb::Synchronize => "synchronize_srcu",
            Verb::Prepare => "prepare_to_rcuwait",
            Verb::SetUninterruptible => "set_current_state",
            Verb::Schedule => "schedule",
            Verb::Finish => "finish_rcuwait",
            Verb::Wake => "rcuwait_wake_up",
            Verb::Retry => "wait_to_retry",
        };
        write!(f, "{verb} {name} in {}", function::name(Function(self.function)))
    }
}

/// What a task does as a whole: the operation that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// A page fault.
    Fault,
    /// A memslot is created.
    Create,
    /// A memslot is deleted.
    Delete,
    /// A memslot moves.
    Move,
    /// A memslot gets other flags.
    Flags,
    /// A THP split.
    Split,
    /// A region, by its opener's place in [`Opener::ALL`].
    Region(u8),
}

impl Actor {
    /// Everything that a task can do.
    pub fn all() -> impl Iterator<Item = Actor> {
        let others =
            [Actor::Fault, Actor::Create, Actor::Delete, Actor::Move, Actor::Flags, Actor::Split];
        others.into_iter().chain((0..Opener::ALL.len() as u8).map(Actor::Region))
    }

    /// Who the task is at its operation of that number; an `end` belongs to its region.
    pub(super) fn at(case: &Case, task: usize, op: usize) -> Option<Actor> {
        let program = case.programs.task(task);
        let region = |op: &Op| match op {
            Op::Open { opener, .. } => Some(Actor::Region(*opener as u8)),
            _ => None,
        };
        Some(match program.get(op)? {
            Op::Fault { .. } => Actor::Fault,
            Op::Create { .. } => Actor::Create,
            Op::Delete { .. } => Actor::Delete,
            Op::Move { .. } => Actor::Move,
            Op::Flags { .. } => Actor::Flags,
            Op::Split { .. } => Actor::Split,
            Op::Open { .. } | Op::End => program[..=op].iter().rev().find_map(region)?,
        })
    }
}

/// As in the text form of a case.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Actor::Fault => "fault",
            Actor::Create => "memslot create",
            Actor::Delete => "memslot delete",
            Actor::Move => "memslot move",
            Actor::Flags => "memslot flags",
            Actor::Split => "split",
            Actor::Region(opener) => Opener::ALL[usize::from(*opener)].name(),
        })
    }
}

/// A step that met one before it, on one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    pub(super) first: (Actor, Step),
    pub(super) then: (Actor, Step),
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((first, step), (then, met)) = (self.first, self.then);
        write!(f, "{first}: {step}, then {then}: {met}")
    }
}
