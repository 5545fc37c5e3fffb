//! Interrupt-safety reports (`print_bad_irq_dependency()`, `print_irq_inversion_bug()`,
//! `print_usage_bug()`) and their class lists (`print_lock_class_header()`).

use super::super::engine::report::{Detail, PathStep};
use super::super::engine::task::LastChange;
use super::super::types::{ClassId, Site};
use super::super::usage::{USAGE_BITS, USED_IN, bit_name, state_name};
use super::{Page, TWO_CPUS};

/// How a class list tells where its locks were acquired.
#[derive(Clone, Copy, PartialEq)]
enum Listing {
    /// Each with the trace of the edge into it, the last with that of the event.
    Plain,
    /// Each with the trace of the edge out of it, the first with none.
    Backwards,
}

impl Page<'_> {
    pub(super) fn irq_order(&mut self) {
        let Detail::IrqOrder { safe_bit, unsafe_bit } = self.report.detail else { return };
        let state = state_name(safe_bit);
        let paths = [0, 1].map(|n| self.lockdep.report_path(self.report, n));
        let ([Some(safe), Some(unsafe_)], Some(held), Some(new)) =
            (paths.map(|path| path.first()), self.report.other, self.report.subject)
        else {
            return;
        };
        self.open(53, &format!("WARNING: {state}-safe -> {state}-unsafe lock order detected"));
        let opening = format!("{} {} is trying to acquire:", self.task(), self.irq_state());
        self.line(&opening);
        self.held_line(self.report.subject);
        self.lines(&["", "and this task is already holding:"]);
        self.held_line(self.report.other);
        self.line("which would create a new lock dependency:");
        let from = self.describe(held.lock.class(), held.usage);
        let to = self.describe(new.lock.class(), new.usage);
        self.lines(&[&format!("{from} ->{to}"), ""]);
        self.say(format_args!("but this new dependency connects a {state}-irq-safe lock:"));
        self.became(safe, safe_bit, &format!("... which became {state}-irq-safe at:"), &[]);
        self.lines(&["", &format!("to a {state}-irq-unsafe lock:")]);
        let heading = format!("... which became {state}-irq-unsafe at:");
        self.became(unsafe_, unsafe_bit, &heading, &["..."]);
        self.lines(&["", "other info that might help us debug this:", ""]);
        let middle = if held.lock.class() == safe.class { new } else { held };
        self.irq_scenario(safe.class, middle.lock.class(), unsafe_.class);
        self.locks();
        let heading =
            format!("the dependencies between {state}-irq-safe lock and the holding lock:");
        self.lines(&["", &heading]);
        self.classes(paths[0], Listing::Backwards);
        self.lines(&["", "the dependencies between the lock to be acquired"]);
        self.say(format_args!(" and {state}-irq-unsafe lock:"));
        self.classes(paths[1], Listing::Plain);
        self.line("");
        self.backtrace();
    }

    /// A class and where it got a usage bit.
    fn became(&mut self, step: &PathStep, bit: u8, heading: &str, more: &[&str]) {
        let class = self.describe_step(step);
        self.lines(&[&class, "", heading]);
        self.lines(more);
        self.frames(self.usage_site(step.class, bit), 2);
    }

    fn usage_site(&self, class: ClassId, bit: u8) -> Site {
        let class = self.lockdep.classes().get(class.index());
        class.map_or(Site::NEVER, |class| class.usage_site(bit))
    }

    pub(super) fn irq_inversion(&mut self) {
        let Detail::IrqInversion { new_bit, found_bit } = self.report.detail else { return };
        let path = self.lockdep.report_path(self.report, 0);
        let (Some(found), Some(start)) = (path.first(), path.last()) else { return };
        let state = state_name(found_bit);
        let now_used_in = 1 << new_bit & USED_IN != 0;
        self.open(56, "WARNING: possible irq lock inversion dependency detected");
        let task = self.task();
        self.say(format_args!("{task} just changed the state of lock:"));
        self.held_line(self.report.subject);
        self.line(&match now_used_in {
            true => format!("but this lock took another, {state}-unsafe lock in the past:"),
            false => format!("but this lock was taken by another, {state}-safe lock in the past:"),
        });
        let other = self.describe_step(found);
        self.lines(&[&other, "", ""]);
        self.lines(&["and interrupts could create inverse lock ordering between them.", "", ""]);
        self.line("other info that might help us debug this:");
        let (safe, unsafe_) = if now_used_in { (start, found) } else { (found, start) };
        let beside_start = path.len().checked_sub(2).map_or(found, |i| &path[i]);
        let middle = if beside_start.class == safe.class { unsafe_ } else { beside_start };
        self.irq_scenario(safe.class, middle.class, unsafe_.class);
        self.locks();
        self.lines(&["", "the shortest dependencies between 2nd lock and 1st lock:"]);
        self.classes(path, Listing::Plain);
        self.line("");
        self.backtrace();
    }

    /// `print_irq_lock_scenario()`.
    fn irq_scenario(&mut self, safe: ClassId, middle: ClassId, unsafe_: ClassId) {
        if middle != unsafe_ {
            self.chain_exists([safe, middle, unsafe_]);
        }
        let [safe, middle, unsafe_] = [safe, middle, unsafe_].map(|class| self.name(class));
        self.line(" Possible interrupt unsafe locking scenario:");
        self.lines(&TWO_CPUS);
        self.say(format_args!("  lock({unsafe_});"));
        self.right("local_irq_disable();");
        self.right(&format!("lock({safe});"));
        self.right(&format!("lock({middle});"));
        self.lines(&["  <Interrupt>", &format!("    lock({safe});")]);
        self.deadlock();
    }

    /// The classes of a path with everything known about them.
    fn classes(&mut self, path: &[PathStep], listing: Listing) {
        for (i, step) in path.iter().enumerate() {
            let depth = path.len() - 1 - i;
            self.class(step, depth);
            let acquired = match listing {
                Listing::Plain if depth == 0 => self.report.site,
                Listing::Plain => step.site,
                Listing::Backwards if i == 0 => continue,
                Listing::Backwards => path[i - 1].site,
            };
            self.say(format_args!("{:1$}... acquired at:", "", depth + 1));
            self.frames(acquired, 3);
            self.line("");
        }
    }

    fn class(&mut self, step: &PathStep, depth: usize) {
        let head = format!("{:depth$}->{} {{", "", self.describe_step(step));
        self.line(&head);
        for bit in (0..USAGE_BITS).filter(|bit| step.usage & 1 << bit != 0) {
            let name = bit_name(bit);
            self.say(format_args!("{:1$}{name} at:", "", depth + 3));
            self.frames(self.usage_site(step.class, bit), 2 * depth + 8 + name.len());
        }
        self.say(format_args!("{:1$}}}", "", depth + 1));
        if let Some(class) = self.lockdep.classes().get(step.class.index()) {
            let address = self.symbols.key_address(class.key(), class.subclass());
            let symbol = self.symbols.key_symbol(class.key(), class.subclass());
            let place = format!("[<{address:016x}>] {symbol}");
            self.say(format_args!("{:1$}... key      at: {place}", "", depth + 1));
        }
    }

    pub(super) fn inconsistent(&mut self) {
        let Detail::Inconsistent { old_bit, new_bit, old_site } = self.report.detail else {
            return;
        };
        let (old, new) = (bit_name(old_bit), bit_name(new_bit));
        self.open(32, "WARNING: inconsistent lock state");
        self.say(format_args!("inconsistent {{{old}}} -> {{{new}}} usage."));
        let takes = format!("{} {} takes:", self.task(), self.irq_state());
        self.line(&takes);
        self.held_line(self.report.subject);
        self.say(format_args!("{{{old}}} state was registered at:"));
        self.frames(old_site, 2);
        self.irq_trace();
        self.lines(&["", "other info that might help us debug this:"]);
        self.lines(&[" Possible unsafe locking scenario:", "", "       CPU0", "       ----"]);
        if let Some(subject) = self.report.subject {
            let name = self.name(subject.lock.class());
            self.say(format_args!("  lock({name});"));
            self.line("  <Interrupt>");
            self.say(format_args!("    lock({name});"));
        }
        self.deadlock();
        self.locks();
        self.line("");
        self.backtrace();
    }

    /// `[HCa[b]:SCc[d]:HEe:SEf]`.
    fn irq_state(&self) -> String {
        let irq = &self.report.irq;
        format!(
            "[HC{0}[{0}]:SC{1}[{2}]:HE{3}:SE{4}]",
            irq.hardirq_depth,
            irq.softirq_depth,
            irq.softirq_count,
            u8::from(irq.hardirqs_on),
            u8::from(irq.softirqs_on),
        )
    }

    /// `print_irqtrace_events()`.
    fn irq_trace(&mut self) {
        let irq = self.report.irq;
        self.say(format_args!("irq event stamp: {}", irq.events));
        self.last_change("hardirqs last  enabled", irq.last_hardirqs_on);
        self.last_change("hardirqs last disabled", irq.last_hardirqs_off);
        self.last_change("softirqs last  enabled", irq.last_softirqs_on);
        self.last_change("softirqs last disabled", irq.last_softirqs_off);
    }

    fn last_change(&mut self, what: &str, last: LastChange) {
        let line = format!("{what} at ({}): {}", last.stamp, self.place(last.site));
        self.line(&line);
    }
}
