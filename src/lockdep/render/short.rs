//! The reports that fit on one screen: wait context, balance, leftovers, limits.

use super::super::engine::held::MAX_LOCK_DEPTH;
use super::super::engine::report::{Detail, Limit};
use super::Page;

impl Page<'_> {
    /// `print_lock_invalid_wait_context()`.
    pub(super) fn wait_context(&mut self) {
        let Detail::WaitContext { context } = self.report.detail else { return };
        self.open(29, "[ BUG: Invalid wait context ]");
        let task = self.task();
        self.say(format_args!("{task} is trying to lock:"));
        self.held_line(self.report.subject);
        self.line("other info that might help us debug this:");
        self.say(format_args!("context-{{{context}:{context}}}"));
        self.locks();
        self.backtrace();
    }

    /// `print_unlock_imbalance_bug()`.
    pub(super) fn bad_unlock(&mut self) {
        let (task, name) = (self.task(), self.bare_name());
        self.open(37, "WARNING: bad unlock balance detected!");
        self.say(format_args!("{task} is trying to release lock ({name}) at:"));
        let place = self.place(self.report.site);
        self.lines(&[&place, "but there are no more locks to release!"]);
        self.lines(&["", "other info that might help us debug this:"]);
        self.locks();
        self.line("");
        self.backtrace();
    }

    /// Name of the lock object the report is about, without version or subclass.
    fn bare_name(&self) -> String {
        let Detail::Instance(instance) = self.report.detail else { return String::new() };
        let key = self.lockdep.instance_key(instance);
        key.map_or("", |key| self.lockdep.key_name(key)).to_owned()
    }

    /// `print_lock_nested_lock_not_held()`.
    pub(super) fn nest_not_held(&mut self) {
        let (task, name) = (self.task(), self.bare_name());
        self.open(34, "WARNING: Nested lock was not taken");
        self.say(format_args!("{task} is trying to lock:"));
        self.held_line(self.report.subject);
        self.lines(&["", "but this task is not holding:", &name, ""]);
        self.backtrace();
        self.lines(&["", "other info that might help us debug this:"]);
        self.locks();
        self.line("");
        self.backtrace();
    }

    /// `print_freed_lock_bug()`; the range is inclusive.
    pub(super) fn freed(&mut self) {
        let Detail::Instance(instance) = self.report.detail else { return };
        let from = self.symbols.instance_address(instance);
        let to = from.wrapping_add(self.symbols.freed_size().saturating_sub(1));
        let task = self.task();
        self.open(25, "WARNING: held lock freed!");
        let range = format!("{from:016x}-{to:016x}");
        self.say(format_args!("{task} is freeing memory {range}, with a lock still held there!"));
        self.held_line(self.report.subject);
        self.locks();
        self.line("");
        self.backtrace();
    }

    /// `print_held_locks_bug()`.
    pub(super) fn exit_held(&mut self) {
        let task = self.task();
        self.open(36, &format!("WARNING: {task} still has locks held!"));
        self.locks();
        self.line("");
        self.backtrace();
    }

    /// `lockdep_sys_exit()`; nothing after the held locks.
    pub(super) fn user_held(&mut self) {
        let task = self.task();
        self.open(48, "WARNING: lock held when returning to user space!");
        self.say(format_args!("{task} is leaving the kernel with locks still held!"));
        self.locks();
    }

    /// A full table, or a subclass out of range.
    pub(super) fn limit(&mut self) {
        let Detail::Limit(limit) = self.report.detail else { return };
        let title = match limit {
            Limit::Depth => "BUG: MAX_LOCK_DEPTH too low!".to_owned(),
            Limit::Classes => "BUG: MAX_LOCKDEP_KEYS too low!".to_owned(),
            Limit::Edges => "BUG: MAX_LOCKDEP_ENTRIES too low!".to_owned(),
            Limit::Chains => "BUG: MAX_LOCKDEP_CHAINS too low!".to_owned(),
            Limit::ChainElements => "BUG: MAX_LOCKDEP_CHAIN_HLOCKS too low!".to_owned(),
            Limit::Subclass(subclass) => format!("BUG: looking up invalid subclass: {subclass}"),
        };
        self.lines(&[&title, "turning off the locking correctness validator."]);
        if limit == Limit::Depth {
            self.say(format_args!("depth: {MAX_LOCK_DEPTH}  max: {MAX_LOCK_DEPTH}!"));
            self.locks();
            self.symbols.all_locks().iter().for_each(|line| self.line(line));
        }
        self.dump_stack();
    }
}
