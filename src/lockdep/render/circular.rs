//! Circular and recursive locking (`print_circular_bug()`, `print_deadlock_bug()`).

use super::super::engine::report::HeldView;
use super::{Page, TWO_CPUS, verb};

impl Page<'_> {
    pub(super) fn circular(&mut self) {
        self.open(54, "WARNING: possible circular locking dependency detected");
        let task = self.task();
        self.say(format_args!("{task} is trying to acquire lock:"));
        self.held_line(self.report.subject);
        self.lines(&["", "but task is already holding lock:"]);
        self.held_line(self.report.other);
        self.lines(&["", "which lock already depends on the new lock.", "", ""]);
        self.line("the existing dependency chain (in reverse order) is:");
        self.dependency_chain();
        self.lines(&["", "other info that might help us debug this:", ""]);
        if let (Some(held), Some(new)) = (self.report.other, self.report.subject) {
            self.circular_scenario(&held, &new);
        }
        self.locks();
        self.line("");
        self.backtrace();
    }

    /// From the held lock's class back to the new one's, each with the trace of the edge into it.
    fn dependency_chain(&mut self) {
        let path = self.lockdep.report_path(self.report, 0);
        for (i, step) in path.iter().enumerate() {
            let number = path.len() - 1 - i;
            let entry = format!("-> #{number}{}:", self.describe_step(step));
            self.lines(&["", &entry]);
            self.frames(if number == 0 { self.report.site } else { step.site }, 7);
        }
    }

    fn circular_scenario(&mut self, held: &HeldView, new: &HeldView) {
        let path = self.lockdep.report_path(self.report, 0);
        let middle = path.get(1).map_or(new.lock.class(), |step| step.class);
        if path.len() > 2 {
            self.chain_exists([new.lock.class(), middle, held.lock.class()]);
        }
        let names = [held.lock.class(), middle, new.lock.class()].map(|class| self.name(class));
        let [held_name, middle_name, new_name] = names;
        self.line(" Possible unsafe locking scenario:");
        self.lines(&TWO_CPUS);
        self.say(format_args!("  {}({held_name});", verb(&held.lock, self.form)));
        self.right(&format!("lock({middle_name});"));
        self.right(&format!("lock({held_name});"));
        self.say(format_args!("  {}({new_name});", verb(&new.lock, self.form)));
        self.deadlock();
    }

    pub(super) fn recursive(&mut self) {
        self.open(44, "WARNING: possible recursive locking detected");
        let task = self.task();
        self.say(format_args!("{task} is trying to acquire lock:"));
        self.held_line(self.report.subject);
        self.lines(&["", "but task is already holding lock:"]);
        self.held_line(self.report.other);
        self.lines(&["", "other info that might help us debug this:"]);
        self.lines(&[" Possible unsafe locking scenario:", "", "       CPU0", "       ----"]);
        for view in [self.report.other, self.report.subject].into_iter().flatten() {
            let row = format!("  lock({});", self.name(view.lock.class()));
            self.line(&row);
        }
        self.deadlock();
        self.lines(&[" May be due to missing lock nesting notation", ""]);
        self.locks();
        self.line("");
        self.backtrace();
    }
}
