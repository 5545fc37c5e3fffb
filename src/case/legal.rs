//! What is a legal case.
//!
//! `Case::check` is the only statement of the rules: the text parser reports what it returns, and
//! the laws are tested against it. The binary decoder never produces anything else; the programs it
//! finds go through `mend`. A rule that holds here and not in mm would be a bug, and so would a
//! program that the decoder lets through and `check` refuses.

use std::fmt;

use super::{
    Burst, Case, Config, InitialSlot, MAX_BURSTS, MAX_OPS, MAX_SPLIT_DEPTH, Op, Opener, Programs,
    Registrant, Tail, Until,
};
use crate::kvm::{GFN_PAGES, MAX_SLOTS, MAX_VMS};
use crate::mm::{HVA_PAGES, Pages};

/// Largest depth of a PCT tail.
pub const MAX_PCT_DEPTH: u8 = 8;

/// A rule that a case breaks, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// What breaks it.
    pub at: At,
    /// The rule.
    pub rule: Rule,
}

/// A part of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The case as a whole.
    Case,
    /// The planted bug.
    Bug,
    /// A registrant, by its index.
    Registrant(usize),
    /// An initial memslot: indexes of the registrant and of the slot in it.
    Slot(usize, usize),
    /// A task.
    Task(usize),
    /// An operation, by its index in `Programs::ops`.
    Op(usize),
    /// A burst of the schedule.
    Burst(usize),
    /// What comes after the bursts.
    Tail,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident: $what:expr, $mend:expr;)*) => {
        /// A rule of legality.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule { $($(#[$doc])* $rule,)* }

        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Rule::$rule => write!(f, "{}; {}", $what, $mend),)* }
            }
        }
    };
}

rules! {
    /// There is something to run.
    NoTask: "the case has no task", "add `task NAME` with at least one operation";
    /// Every task does something.
    EmptyTask: "the task does nothing", "give it an operation or remove it";
    /// `Programs::ends` cuts `Programs::ops` into tasks.
    Ends: "the tasks do not cover the operations", "let `ends` rise to the number of operations";
    /// No more operations than the cap.
    TooManyOps: format_args!("more than {MAX_OPS} operations"), "remove some";
    /// No more bursts than the cap.
    TooManyBursts: format_args!("more than {MAX_BURSTS} bursts"), "remove some";
    /// No more VMs than the cap.
    TooManyVms: format_args!("more than {MAX_VMS} VMs"), "remove one";
    /// Every region closes in its task.
    Unclosed: "the region is not closed in its task", "add `end`";
    /// `end` closes a region.
    StrayEnd: "`end` closes no region", "remove it";
    /// Only a split stands inside a region.
    InRegion: "only a split may stand inside a region", "move it behind the region's `end`";
    /// The opener's region may contain a split.
    NoSplit: "this opener's region contains no split", "move the split behind its `end`";
    /// Splits nest that deep.
    SplitDepth: format_args!("the depth of a split is 1 to {MAX_SPLIT_DEPTH}"), "change it";
    /// A range holds a page.
    EmptyRange: "the range holds no page", "write FIRST..END with FIRST below END";
    /// A copy-on-write fault copies one page.
    OnePage: "`cow` spans one page", "write one page number";
    /// Host virtual pages end there.
    Hva: format_args!("host virtual pages end at {HVA_PAGES:#x}"), "choose lower pages";
    /// Guest frames end there.
    Gfn: format_args!("guest frames end at {GFN_PAGES:#x}"), "choose lower frames";
    /// Memslot ids end there.
    SlotId: format_args!("memslot ids are 0 to {}", MAX_SLOTS - 1), "choose a lower id";
    /// An operation names a VM of the case.
    NoVm: "the case has no such VM", "declare it with `vm NAME` before the tasks";
    /// Initial memslots of a VM have ids of their own.
    SameSlot: "the VM has a memslot with this id", "choose another id";
    /// Initial memslots of a VM share no guest frame.
    SlotOverlap: "a memslot of the VM covers some of these frames", "choose other frames";
    /// A burst names a task of the case.
    NoSuchTask: "the case has no such task", "name one of its tasks";
    /// A burst takes at least one point.
    NoPoints: "a burst takes 1 to 255 scheduling points", "write at least 1";
    /// PCT depths are small.
    PctDepth: format_args!("the depth of pct is 1 to {MAX_PCT_DEPTH}"), "change it";
    /// The planted bug deviates from the case's variant.
    ForeignBug: "the bug is one of another variant", "name the bug's own variant";
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Case => write!(f, "{}", self.rule),
            At::Bug => write!(f, "bug: {}", self.rule),
            At::Registrant(i) => write!(f, "registrant {i}: {}", self.rule),
            At::Slot(r, i) => write!(f, "registrant {r}, slot {i}: {}", self.rule),
            At::Task(i) => write!(f, "task {i}: {}", self.rule),
            At::Op(i) => write!(f, "operation {i}: {}", self.rule),
            At::Burst(i) => write!(f, "burst {i}: {}", self.rule),
            At::Tail => write!(f, "schedule: {}", self.rule),
        }
    }
}

impl std::error::Error for Illegal {}

fn require(holds: bool, at: At, rule: Rule) -> Result<(), Illegal> {
    if holds { Ok(()) } else { Err(Illegal { at, rule }) }
}

impl Case {
    /// Whether the case contains only what user space and mm can do, within the caps.
    ///
    /// ```
    /// use kvm_lock_fuzz::case::{Case, legal::Rule};
    /// assert_eq!(Case::default().check().unwrap_err().rule, Rule::NoTask);
    /// assert!(Case::decode(b"").check().is_ok());
    /// ```
    pub fn check(&self) -> Result<(), Illegal> {
        self.config.check()?;
        if let Some(bug) = self.bug {
            require(bug.variant() == self.variant, At::Bug, Rule::ForeignBug)?;
        }
        self.programs.check(self.config.vms())?;
        require(self.schedule.bursts.len() <= MAX_BURSTS, At::Case, Rule::TooManyBursts)?;
        for (i, burst) in self.schedule.bursts.iter().enumerate() {
            burst.check(At::Burst(i), self.programs.tasks())?;
        }
        match self.schedule.tail {
            Tail::Pct { depth, .. } => {
                require((1..=MAX_PCT_DEPTH).contains(&depth), At::Tail, Rule::PctDepth)
            }
            Tail::Fair | Tail::Random { .. } => Ok(()),
        }
    }
}

impl Config {
    /// Number of VMs among the registrants.
    pub fn vms(&self) -> usize {
        self.registrants.iter().filter(|r| matches!(r, Registrant::Vm(_))).count()
    }

    fn check(&self) -> Result<(), Illegal> {
        require(self.vms() <= MAX_VMS, At::Case, Rule::TooManyVms)?;
        for (r, registrant) in self.registrants.iter().enumerate() {
            let Registrant::Vm(slots) = registrant else { continue };
            for (i, slot) in slots.iter().enumerate() {
                slot.check(&slots[..i]).map_err(|rule| Illegal { at: At::Slot(r, i), rule })?;
            }
        }
        Ok(())
    }
}

impl InitialSlot {
    /// Whether the slot may stand beside those `before` it in a VM.
    pub(super) fn check(&self, before: &[InitialSlot]) -> Result<(), Rule> {
        memslot(self.slot, self.gfn, self.hva)?;
        match before.iter().find(|b| b.slot == self.slot || b.gfn.overlaps(self.gfn)) {
            Some(b) if b.slot == self.slot => Err(Rule::SameSlot),
            Some(_) => Err(Rule::SlotOverlap),
            None => Ok(()),
        }
    }
}

impl Programs {
    fn check(&self, vms: usize) -> Result<(), Illegal> {
        require(!self.ends.is_empty(), At::Case, Rule::NoTask)?;
        let covered = self.ends.last().is_some_and(|&e| e as usize == self.ops.len());
        require(covered && self.ends.is_sorted(), At::Case, Rule::Ends)?;
        let mut counted = self.ops.iter().enumerate().filter(|(_, op)| **op != Op::End);
        if let Some((at, _)) = counted.nth(MAX_OPS) {
            return Err(Illegal { at: At::Op(at), rule: Rule::TooManyOps });
        }
        let mut first = 0;
        for (task, &end) in self.ends.iter().enumerate() {
            require(first < end as usize, At::Task(task), Rule::EmptyTask)?;
            check_program(first, &self.ops[first..end as usize], vms)?;
            first = end as usize;
        }
        Ok(())
    }
}

/// Checks the program of one task; `first` is the index of its first operation.
fn check_program(first: usize, ops: &[Op], vms: usize) -> Result<(), Illegal> {
    let mut region: Option<(usize, Opener)> = None;
    for (i, op) in ops.iter().enumerate() {
        let at = first + i;
        op.check(vms).map_err(|rule| Illegal { at: At::Op(at), rule })?;
        region = match (region, *op) {
            (None, Op::Open { opener, .. }) => Some((at, opener)),
            (None, Op::End) => return Err(Illegal { at: At::Op(at), rule: Rule::StrayEnd }),
            (None, _) | (Some(_), Op::End) => None,
            (Some((_, opener)), Op::Split { .. }) => {
                require(opener.may_split(), At::Op(at), Rule::NoSplit)?;
                region
            }
            (Some(_), _) => return Err(Illegal { at: At::Op(at), rule: Rule::InRegion }),
        };
    }
    region.map_or(Ok(()), |(at, _)| Err(Illegal { at: At::Op(at), rule: Rule::Unclosed }))
}

fn holds(holds: bool, rule: Rule) -> Result<(), Rule> {
    if holds { Ok(()) } else { Err(rule) }
}

fn range(pages: Pages, limit: u16, rule: Rule) -> Result<(), Rule> {
    holds(!pages.is_empty(), Rule::EmptyRange)?;
    holds(pages.end <= limit, rule)
}

fn memslot(slot: u8, gfn: Pages, hva: u16) -> Result<(), Rule> {
    holds(slot < MAX_SLOTS, Rule::SlotId)?;
    range(gfn, GFN_PAGES, Rule::Gfn)?;
    holds(hva.checked_add(gfn.len()).is_some_and(|end| end <= HVA_PAGES), Rule::Hva)
}

impl Op {
    /// The VM that the operation names.
    pub fn vm(&self) -> Option<u8> {
        match *self {
            Op::Fault { vm, .. }
            | Op::Create { vm, .. }
            | Op::Delete { vm, .. }
            | Op::Move { vm, .. }
            | Op::Flags { vm, .. } => Some(vm),
            Op::Open { .. } | Op::Split { .. } | Op::End => None,
        }
    }

    /// Whether the operation is legal by itself, wherever it stands.
    fn check(&self, vms: usize) -> Result<(), Rule> {
        holds(self.vm().is_none_or(|vm| (vm as usize) < vms), Rule::NoVm)?;
        match *self {
            Op::Fault { gfn, .. } => holds(gfn < GFN_PAGES, Rule::Gfn),
            Op::Create { slot, gfn, hva, .. } => memslot(slot, gfn, hva),
            Op::Move { slot, gfn, .. } => {
                holds(slot < MAX_SLOTS, Rule::SlotId)?;
                holds(gfn < GFN_PAGES, Rule::Gfn)
            }
            Op::Delete { slot, .. } | Op::Flags { slot, .. } => {
                holds(slot < MAX_SLOTS, Rule::SlotId)
            }
            Op::Open { opener, hva } => {
                range(hva, HVA_PAGES, Rule::Hva)?;
                holds(!opener.single_page() || hva.len() == 1, Rule::OnePage)
            }
            Op::Split { hva, depth } => {
                range(hva, HVA_PAGES, Rule::Hva)?;
                holds((1..=MAX_SPLIT_DEPTH).contains(&depth), Rule::SplitDepth)
            }
            Op::End => Ok(()),
        }
    }
}

impl Burst {
    fn check(&self, at: At, tasks: usize) -> Result<(), Illegal> {
        require((self.task as usize) < tasks, at, Rule::NoSuchTask)?;
        require(self.until != Until::Points(0), at, Rule::NoPoints)
    }
}
