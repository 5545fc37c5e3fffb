//! What the timeline calls things: the kernel's words, with the VM where there is more than one.

use crate::case::text::Names as TaskNames;
use crate::case::{Case, Op, Registrant};
use crate::kvm::trace::Event;
use crate::machine::sim::{Inspect, LockKind, Wait, Waited};
use crate::machine::{LockId, Mode, Srcu};

/// Names for one case.
pub(super) struct Names<'a> {
    seen: &'a Inspect<'a, Event>,
    case: &'a Case,
    tasks: Vec<String>,
    vms: usize,
    sleepers: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        case: &'a Case,
        names: &TaskNames,
        seen: &'a Inspect<'a, Event>,
    ) -> Names<'a> {
        let count = |wanted: fn(&Registrant) -> bool| {
            case.config.registrants.iter().filter(|r| wanted(r)).count()
        };
        Names {
            seen,
            case,
            tasks: names.of(case),
            vms: count(|r| matches!(r, Registrant::Vm(_))),
            sleepers: count(|r| matches!(r, Registrant::Sleeper)),
        }
    }

    /// The tasks by their names.
    pub(super) fn tasks(&self) -> &[String] {
        &self.tasks
    }

    pub(super) fn task(&self, task: u8) -> &str {
        self.tasks.get(usize::from(task)).map_or("?", String::as_str)
    }

    /// The tasks of a list, or "nobody".
    pub(super) fn several(&self, tasks: &[u8]) -> String {
        match tasks {
            [] => "nobody".to_owned(),
            _ => tasks.iter().map(|&task| self.task(task)).collect::<Vec<_>>().join(", "),
        }
    }

    /// A lock by lockdep's name of its class; which one, where the class has several.
    pub(super) fn lock(&self, lock: LockId) -> String {
        let class = self.seen.class(lock);
        match self.which(lock, class) {
            Some(which) => format!("{class}[{which}]"),
            None => class.to_owned(),
        }
    }

    /// The VM or subscriber that a lock belongs to, where that needs telling.
    fn which(&self, lock: LockId, class: &str) -> Option<String> {
        let before = (0..lock.0).filter(|&other| self.seen.class(LockId(other)) == class).count();
        let of_vm = class.starts_with("&kvm->") || class.starts_with("&(kvm)->");
        match of_vm {
            true if self.vms > 1 => Some(format!("vm{before}")),
            false if class == "&sub->lock" && self.sleepers > 1 => Some(format!("{before}")),
            _ => None,
        }
    }

    pub(super) fn srcu(&self, srcu: Srcu) -> String {
        let name = self.seen.srcu_name(srcu);
        let same = |&other: &u8| self.seen.srcu_name(Srcu(other)) == name;
        match name == "srcu(kvm)" && self.vms > 1 {
            true => format!("{name}[vm{}]", (0..srcu.0).filter(same).count()),
            false => name.to_owned(),
        }
    }

    /// What a wait is for.
    pub(super) fn awaited(&self, wait: Wait) -> String {
        match (wait, self.seen.waited(wait)) {
            (Wait::Grace(srcu, _), _) => self.srcu(srcu),
            (_, Waited::Lock(lock, how)) => format!("{} ({})", self.lock(lock), mode(how)),
            (_, Waited::Named(name)) => name.to_owned(),
        }
    }

    /// ` of vmN`, where there are several.
    pub(super) fn of_vm(&self, vm: u8) -> String {
        if self.vms > 1 { format!(" of vm{vm}") } else { String::new() }
    }

    /// A subscriber of the notifier list, by its position; none where it is the only one.
    pub(super) fn subscriber(&self, position: u8) -> Option<String> {
        let registrants = &self.case.config.registrants;
        (registrants.len() > 1).then(|| self.registrant(position))
    }

    fn registrant(&self, position: u8) -> String {
        let registrants = &self.case.config.registrants;
        let before = registrants.iter().take(position.into());
        match registrants.get(usize::from(position)) {
            Some(Registrant::Vm(_)) => {
                format!("vm{}", before.filter(|r| matches!(r, Registrant::Vm(_))).count())
            }
            Some(Registrant::Sleeper) => "sleeper".to_owned(),
            Some(Registrant::Refuser) => "refuser".to_owned(),
            None => "?".to_owned(),
        }
    }

    /// The same with the mode in which it is held.
    pub(super) fn held(&self, lock: LockId, how: Mode) -> String {
        let mode = match self.seen.kind(lock) {
            LockKind::RwLock | LockKind::RwSem => mode(how),
            LockKind::Map => "map",
            LockKind::Mutex | LockKind::Spin => return self.lock(lock),
        };
        format!("{} ({mode})", self.lock(lock))
    }

    /// The kernel function that takes the lock.
    pub(super) fn acquire(&self, lock: LockId, mode: Mode) -> &'static str {
        self.seen.kind(lock).acquires(mode)
    }

    /// The kernel function that releases it.
    pub(super) fn release(&self, lock: LockId, mode: Mode) -> &'static str {
        self.seen.kind(lock).releases(mode)
    }

    /// The operation of that number in a task's program.
    pub(super) fn operation(&self, task: u8, op: u16) -> String {
        let program = self.case.programs.task(task.into());
        let op = usize::from(op);
        let opened = program.iter().take(op).rev().find(|op| matches!(op, Op::Open { .. }));
        match (program.get(op), opened) {
            (Some(Op::End), Some(opener)) => format!("end of {opener}"),
            (Some(op), _) => op.to_string(),
            (None, _) => String::new(),
        }
    }
}

/// `r` or `w`.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Read => "r",
        Mode::Write => "w",
    }
}
