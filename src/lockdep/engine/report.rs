//! What the validator has to say, as data.
//!
//! A report is a small record; the lists that belong to it (held locks, paths) lie in vectors that
//! the engine keeps and reuses, so that a run that reports costs no allocation either. Text is
//! made by [`render`](mod@super::super::render), on demand.

use std::ops::Range;

use super::super::types::{ClassId, InstanceId, Mode, Read, Site, TaskId};
use super::Lockdep;
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
    held: Range<u32>,
    paths: [Range<u32>; 2],
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

/// Reports and their lists.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) reports: Vec<Report>,
    held: Vec<HeldView>,
    pub(crate) steps: Vec<PathStep>,
    /// Steps and held locks that belong to something recorded.
    kept_steps: usize,
    kept_held: usize,
    /// Counts what callers mark their step by, deduplicated reports and closed cycles included.
    pub(crate) events: u64,
}

impl Log {
    pub(crate) fn clear(&mut self) {
        self.reports.clear();
        self.held.clear();
        self.steps.clear();
        self.kept_steps = 0;
        self.kept_held = 0;
    }

    /// Records a report with the lists just made for it.
    pub(crate) fn keep(&mut self, report: Report) {
        self.kept_steps = self.steps.len();
        self.keep_held();
        self.reports.push(report);
    }

    /// Keeps the held locks just listed.
    pub(crate) fn keep_held(&mut self) {
        self.kept_held = self.held.len();
    }

    /// Drops the lists made for a report that is not recorded.
    pub(crate) fn drop_lists(&mut self) {
        self.held.truncate(self.kept_held);
        self.steps.truncate(self.kept_steps);
    }
}

/// What a check hands over for a report.
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) subject: Option<HeldLock>,
    pub(crate) other: Option<HeldLock>,
    pub(crate) detail: Detail,
    pub(crate) silence: Option<Silence>,
    /// Where the paths lie in the log's steps.
    pub(crate) paths: [Range<usize>; 2],
}

impl Draft {
    pub(crate) fn new(kind: Kind) -> Draft {
        Draft {
            kind,
            subject: None,
            other: None,
            detail: Detail::Plain,
            silence: None,
            paths: [0..0, 0..0],
        }
    }
}

fn narrow(range: &Range<usize>) -> Range<u32> {
    range.start as u32..range.end as u32
}

fn widen(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

impl Lockdep {
    /// Records a report and says whether validation goes on: never in kernel mode, always in
    /// complete mode, where a signature is recorded once.
    #[cold]
    pub(super) fn fire(&mut self, task: usize, draft: Draft) -> bool {
        let complete = self.config.mode == Mode::Complete;
        let mut report = self.report_of(task, draft);
        report.signature = self.signature_hash(&report);
        if complete && self.log.reports.iter().any(|r| r.signature == report.signature) {
            self.log.drop_lists();
            return true;
        }
        self.log.keep(report);
        self.log.events += 1;
        self.off = !complete;
        complete
    }

    pub(super) fn report_of(&mut self, task: usize, draft: Draft) -> Report {
        let start = self.log.held.len();
        for i in 0..usize::from(self.tasks.get(task).map_or(0, |t| t.depth)) {
            let lock = self.tasks[task].stack[i];
            self.log.held.push(HeldView { lock, usage: self.usage_of(lock.class) });
        }
        let view = |lock: HeldLock| HeldView { lock, usage: self.usage_of(lock.class) };
        Report {
            kind: draft.kind,
            task: TaskId(task as u32),
            site: self.event,
            subject: draft.subject.map(view),
            other: draft.other.map(view),
            detail: draft.detail,
            irq: self.irq_state(TaskId(task as u32)),
            silence: draft.silence,
            signature: 0,
            held: narrow(&(start..self.log.held.len())),
            paths: [narrow(&draft.paths[0]), narrow(&draft.paths[1])],
        }
    }

    fn usage_of(&self, class: ClassId) -> u16 {
        self.classes.get(class.index()).map_or(0, |c| c.usage)
    }

    /// Reports a limit; returns "no class" for the callers that wanted one.
    #[cold]
    pub(super) fn fire_limit(&mut self, kind: Kind, limit: Limit) -> Option<ClassId> {
        let detail = Detail::Limit(limit);
        self.fire(self.current, Draft { detail, ..Draft::new(kind) });
        None
    }

    /// The held locks of a report, from the bottom of the stack.
    pub fn report_held(&self, report: &Report) -> &[HeldView] {
        self.log.held.get(widen(&report.held)).unwrap_or(&[])
    }

    /// The paths of a report, each from the found end to the start of its search.
    ///
    /// `circular`: from the held class to the new one. `irq_order`: from the safe class to the
    /// held one, and from the unsafe class to the new one. `irq_inversion`: from the conflicting
    /// class to the one whose state changed. Others have none.
    pub fn report_path(&self, report: &Report, number: usize) -> &[PathStep] {
        let range = report.paths.get(number).map_or(0..0, widen);
        self.log.steps.get(range).unwrap_or(&[])
    }

    /// The names that a report is about, in the order in which its text prints them.
    pub fn report_names(&self, report: &Report) -> Vec<String> {
        match (report.kind, report.detail) {
            (Kind::BadUnlock, Detail::Instance(instance)) => {
                let key = self.instance_key(instance);
                key.map(|key| self.key_name(key).to_owned()).into_iter().collect()
            }
            _ => self.report_classes(report).into_iter().map(|c| self.class_name(c)).collect(),
        }
    }

    /// The classes of a report in the order in which its text names them.
    pub fn report_classes(&self, report: &Report) -> Vec<ClassId> {
        let steps = |n| self.report_path(report, n).iter().map(|s| s.class);
        let listed: Vec<ClassId> = steps(0).chain(steps(1)).collect();
        match (listed.is_empty(), report.kind) {
            (false, _) => listed,
            (_, Kind::UserHeld | Kind::ExitHeld | Kind::Limit | Kind::BadSubclass) => listed,
            _ => report.subject.iter().map(|s| s.lock.class).collect(),
        }
    }
}

/// The read mode as signatures and pictures print it.
pub fn read_name(read: Read) -> &'static str {
    match read {
        Read::Exclusive => "w",
        Read::Shared => "r",
        Read::Recursive => "R",
    }
}
