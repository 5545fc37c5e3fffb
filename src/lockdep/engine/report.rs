//! What the validator has to say, as data.
//!
//! A report is a small record; the lists that belong to it (held locks, paths) lie in the
//! [`log`](super::log). Text is made by [`render`](mod@super::super::render), on demand.

use std::ops::Range;

use super::super::types::{ClassId, InstanceId, Read, Site, TaskId};
use super::held::HeldLock;
use super::task::IrqState;

/// What kind of report, named as in the vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Possible circular locking dependency.
    Circular,
    /// Possible recursive locking.
    Recursive,
    /// Irq-safe to irq-unsafe lock order.
    IrqOrder,
    /// Irq lock inversion dependency.
    IrqInversion,
    /// Inconsistent lock state.
    Inconsistent,
    /// Invalid wait context.
    WaitContext,
    /// Unbalanced release.
    BadUnlock,
    /// A nest lock that is not held.
    NestNotHeld,
    /// A held lock was freed.
    Freed,
    /// Locks held on return to user space.
    UserHeld,
    /// Locks held by a dying task.
    ExitHeld,
    /// A table of the validator is full.
    Limit,
    /// A subclass beyond the last.
    BadSubclass,
}

impl Kind {
    /// The kind's name in vectors and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Circular => "circular",
            Kind::Recursive => "recursive",
            Kind::IrqOrder => "irq_order",
            Kind::IrqInversion => "irq_inversion",
            Kind::Inconsistent => "inconsistent",
            Kind::WaitContext => "wait_context",
            Kind::BadUnlock => "bad_unlock",
            Kind::NestNotHeld => "nest_not_held",
            Kind::Freed => "freed",
            Kind::UserHeld => "user_held",
            Kind::ExitHeld => "exit_held",
            Kind::Limit => "limit",
            Kind::BadSubclass => "bad_subclass",
        }
    }
}

/// Which table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`MAX_LOCK_DEPTH`](super::held::MAX_LOCK_DEPTH).
    Depth,
    /// [`MAX_LOCKDEP_KEYS`](super::class::MAX_LOCKDEP_KEYS).
    Classes,
    /// [`MAX_EDGES`](super::graph::MAX_EDGES).
    Edges,
    /// [`MAX_LOCKDEP_CHAINS`](super::chain::MAX_LOCKDEP_CHAINS).
    Chains,
    /// [`MAX_LOCKDEP_CHAIN_HLOCKS`](super::chain::MAX_LOCKDEP_CHAIN_HLOCKS).
    ChainElements,
    /// An unknown subclass, this one.
    Subclass(u8),
}

/// A held lock as it was when reported.
#[derive(Clone, Copy, Debug)]
pub struct HeldView {
    /// The stack entry.
    pub lock: HeldLock,
    /// Usage mask of its class.
    pub usage: u16,
}

/// A class on a path of a report, from the found end to the start of the search.
#[derive(Clone, Copy, Debug)]
pub struct PathStep {
    /// The class.
    pub class: ClassId,
    /// Its usage mask when reported.
    pub usage: u16,
    /// Kinds of the edge over which the search came here; 0 at the start.
    pub kinds: u8,
    /// Trace of that edge.
    pub site: Site,
}

/// What only one kind of report has.
#[derive(Clone, Copy, Debug)]
pub enum Detail {
    /// Nothing more to say.
    Plain,
    /// The pair of usage bits that makes an order illegal.
    IrqOrder {
        /// Bit of the class at the found end of the first path.
        safe_bit: u8,
        /// Bit of the class at the found end of the second path.
        unsafe_bit: u8,
    },
    /// The usage bit just set, and the conflicting one found.
    IrqInversion {
        /// Bit just set on the class at the start of the path.
        new_bit: u8,
        /// Conflicting bit of the class at its found end.
        found_bit: u8,
    },
    /// The usage bits of one class that exclude each other.
    Inconsistent {
        /// Bit the class had.
        old_bit: u8,
        /// Bit just set.
        new_bit: u8,
        /// Trace of the old bit.
        old_site: Site,
    },
    /// What the context allows.
    WaitContext {
        /// Wait level of the context.
        context: u8,
    },
    /// The lock object the report is about, where no stack entry stands for it.
    Instance(InstanceId),
    /// The full table.
    Limit(Limit),
}

/// Why the kernel's validator would not have said this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It had switched itself off at an earlier report.
    SwitchedOff,
    /// Its chain cache knew the sequence of classes, and looks neither at trylock, check and nest
    /// annotations nor at the context or the lock objects.
    ChainCache,
    /// Its search marks a class visited before it tests whether the step there is strong.
    VisitedFirst,
}

impl Silence {
    /// The sentence for a report.
    pub fn reason(self) -> &'static str {
        match self {
            Silence::SwitchedOff => {
                "the kernel's validator stays silent here, because it switches itself off at its \
                 first report"
            }
            Silence::ChainCache => {
                "the kernel's validator stays silent here, because its chain cache already knows \
                 this sequence of classes and read modes; it ignores trylocks, check and nest \
                 annotations, the context and the lock objects"
            }
            Silence::VisitedFirst => {
                "the kernel's validator stays silent here, because its search marks a class \
                 visited before it tests whether the step into it is strong"
            }
        }
    }
}

/// One report.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// Who did it.
    pub task: TaskId,
    /// Stack trace token of the event that fired.
    pub site: Site,
    /// The lock being acquired, changed or freed.
    pub subject: Option<HeldView>,
    /// The held lock it conflicts with.
    pub other: Option<HeldView>,
    /// Whatever belongs to the kind only.
    pub detail: Detail,
    /// Interrupt state of the task.
    pub irq: IrqState,
    /// Why the kernel would not have reported it, if so.
    pub silence: Option<Silence>,
    /// Start-independent identity, see [`signature`](super::signature).
    pub signature: u64,
    pub(super) held: Range<u32>,
    pub(super) paths: [Range<u32>; 2],
}

impl Report {
    /// Says where in the log its first path lies.
    pub(crate) fn set_path(&mut self, path: Range<usize>) {
        self.paths[0] = narrow(&path);
    }

    /// Where its first path lies in the log, if it has one.
    pub(crate) fn first_path(&self) -> Option<Range<usize>> {
        (!self.paths[0].is_empty()).then(|| widen(&self.paths[0]))
    }
}

pub(super) fn narrow(range: &Range<usize>) -> Range<u32> {
    range.start as u32..range.end as u32
}

pub(super) fn widen(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// The read mode as signatures and pictures print it.
pub fn read_name(read: Read) -> &'static str {
    match read {
        Read::Exclusive => "w",
        Read::Shared => "r",
        Read::Recursive => "R",
    }
}
