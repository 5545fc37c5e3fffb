//! The case: programs of operations for tasks, the schedule and the configuration. One value is
//! fuzz input, seed and reproducer.
//!
//! A case is legal (`legal`): it contains only what user space and mm can do. It has two forms, the
//! binary one (`binary`) that fuzzers mutate and the text one (`text`) that humans read; both stand
//! for every legal case.

pub mod binary;
#[cfg(feature = "cli")]
mod draft;
#[cfg(feature = "cli")]
pub mod files;
pub mod legal;
pub mod mend;
pub mod mutate;
pub mod random;
pub mod text;

use arrayvec::ArrayVec;

use crate::kvm::{Bug, Place, Variant};
use crate::machine::Policy;
use crate::mm::Pages;

pub use crate::mm::Opener;

/// Tasks in a case.
pub const MAX_TASKS: usize = 8;
/// Operations of all tasks of a case together (`end` not counted).
pub const MAX_OPS: usize = 64;
/// Bursts of a schedule.
pub const MAX_BURSTS: usize = 64;
/// Registrants of a case.
pub const MAX_REGISTRANTS: usize = 4;
/// Initial memslots of a VM.
pub const MAX_INITIAL_SLOTS: usize = 4;
/// Depth of nested THP splits in a region.
pub const MAX_SPLIT_DEPTH: u8 = 4;

/// Programs, schedule and configuration: everything that a run depends on.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// The protocol version. A fuzz target's knob overrides it and never changes decoding.
    pub variant: Variant,
    /// A planted bug, always one of `variant`.
    pub bug: Option<Bug>,
    /// What stands before the tasks start.
    pub config: Config,
    /// The programs.
    pub programs: Programs,
    /// Who runs when.
    pub schedule: Schedule,
}

/// What stands before the tasks start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Admission rule of every rwsem.
    pub policy: Policy,
    /// An address space was created before, its mmap_lock initialised at another site: lockdep
    /// numbers ours `&mm->mmap_lock#2`.
    pub earlier_mm: bool,
    /// The subscribers of the mm's notifier list, in the order in which they registered.
    pub registrants: ArrayVec<Registrant, MAX_REGISTRANTS>,
}

/// A subscriber of the mm's notifier list. At most `MAX_VMS` are VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registrant {
    /// A virtual machine with its initial memslots (state, not history: they take no lock).
    Vm(ArrayVec<InitialSlot, MAX_INITIAL_SLOTS>),
    /// A subscriber that sleeps in START and END when it may.
    Sleeper,
    /// A subscriber that refuses non-blockable STARTs and has no END.
    Refuser,
}

/// A memslot that stands before the tasks start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialSlot {
    /// Memslot id.
    pub slot: u8,
    /// Guest frames.
    pub gfn: Pages,
    /// First host virtual page.
    pub hva: u16,
}

/// The programs of all tasks, one after the other in one vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// All operations.
    pub ops: Vec<Op>,
    /// Where each task's operations end in `ops`.
    pub ends: ArrayVec<u16, MAX_TASKS>,
}

impl Programs {
    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.ends.len()
    }

    /// The operations of task `i`; empty where there is no such task.
    pub fn task(&self, i: usize) -> &[Op] {
        let Some(&end) = self.ends.get(i) else { return &[] };
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.ops.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// One operation of a task. `vm` counts the VMs among the registrants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A vCPU's page fault at a guest frame.
    Fault {
        /// VM.
        vm: u8,
        /// Guest frame.
        gfn: u16,
        /// Write access.
        write: bool,
    },
    /// KVM_SET_USER_MEMORY_REGION: create.
    Create {
        /// VM.
        vm: u8,
        /// Memslot id.
        slot: u8,
        /// Guest frames.
        gfn: Pages,
        /// First host virtual page.
        hva: u16,
    },
    /// KVM_SET_USER_MEMORY_REGION: delete.
    Delete {
        /// VM.
        vm: u8,
        /// Memslot id.
        slot: u8,
    },
    /// KVM_SET_USER_MEMORY_REGION: move to another guest frame.
    Move {
        /// VM.
        vm: u8,
        /// Memslot id.
        slot: u8,
        /// New first guest frame.
        gfn: u16,
    },
    /// KVM_SET_USER_MEMORY_REGION: flags only (dirty logging on or off).
    Flags {
        /// VM.
        vm: u8,
        /// Memslot id.
        slot: u8,
        /// Log dirty pages.
        log_dirty: bool,
    },
    /// Opens a region; the next `End` of the program closes it.
    Open {
        /// Who opens it.
        opener: Opener,
        /// Host virtual pages.
        hva: Pages,
    },
    /// A THP split, a region of its own: nested in the open region, or alone under mmap_lock.
    Split {
        /// Host virtual pages.
        hva: Pages,
        /// How many regions deep, `1..=MAX_SPLIT_DEPTH`.
        depth: u8,
    },
    /// Closes the open region.
    End,
}

/// Who runs when: bursts, then a policy to the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The bursts, in order.
    pub bursts: Vec<Burst>,
    /// What comes after them.
    pub tail: Tail,
}

/// One task runs alone until something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// The task.
    pub task: u8,
    /// Where the burst ends; it also ends where the task blocks or finishes.
    pub until: Until,
}

/// Where a burst ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After that many scheduling points, `1..=255`.
    Points(u8),
    /// At the next named place (only passed once per arrival).
    Place(Place),
    /// When the task blocks or finishes.
    Blocked,
}

/// How a run goes on after the bursts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// Round robin over the runnable tasks, a scheduling point each.
    #[default]
    Fair,
    /// A uniformly random task at every scheduling point.
    Random {
        /// Seed of the generator.
        seed: u16,
    },
    /// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010).
    Pct {
        /// Seed of the generator.
        seed: u16,
        /// Number of priority change points plus one, `1..=8`.
        depth: u8,
    },
}
