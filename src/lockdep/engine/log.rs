//! Making reports and keeping them.
//!
//! Their lists (held locks, paths) lie in vectors that the engine keeps and reuses, so that a run
//! that reports costs no allocation either.

use std::ops::Range;

use super::super::types::{ClassId, Mode, TaskId};
use super::Lockdep;
use super::held::HeldLock;
use super::report::{Detail, HeldView, Kind, Limit, PathStep, Report, Silence, narrow, widen};

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
