//! Reports as text, line by line what the kernel prints.
//!
//! Nothing is decided here. Addresses, symbols and stack traces come from the caller through
//! [`Symbols`]; the lines themselves mirror the `print_*` functions of the kernel's validator.
//! A report of [`Mode::Complete`](super::Mode::Complete) that the kernel would not have made ends
//! with a note that says why.

mod circular;
mod irq;
mod short;

use std::fmt::{self, Write};

use super::Lockdep;
use super::engine::held::HeldLock;
use super::engine::report::{HeldView, Kind, PathStep, Report};
use super::types::{ClassId, InstanceId, KeyId, Site, TaskId};
use super::usage::usage_chars;

/// What the validator does not know: where things are and what they are called.
pub trait Symbols {
    /// Kernel identification line.
    fn kernel(&self) -> String {
        "6.1.0 #1 Not tainted".to_owned()
    }

    /// Name of a task.
    fn comm(&self, task: TaskId) -> String;

    /// Process number of a task.
    fn pid(&self, task: TaskId) -> i64;

    /// Address of a lock object.
    fn instance_address(&self, instance: InstanceId) -> u64;

    /// Address of a key's subclass.
    fn key_address(&self, key: KeyId, subclass: u8) -> u64;

    /// Symbol of a key's subclass.
    fn key_symbol(&self, key: KeyId, subclass: u8) -> String;

    /// Address of a site.
    fn site_address(&self, site: Site) -> u64;

    /// Symbol of a site.
    fn site_symbol(&self, site: Site) -> String;

    /// Frames of a recorded stack trace, innermost first.
    #[inline(never)]
    fn frames(&self, site: Site) -> Vec<String> {
        vec![self.site_symbol(site)]
    }

    /// Lines of the stack dump that ends a report.
    fn dump_stack(&self, site: Site) -> Vec<String> {
        vec![format!("<dump_stack {}>", self.site_symbol(site))]
    }

    /// Lines that list the locks of all tasks.
    fn all_locks(&self) -> Vec<String> {
        vec!["<all locks>".to_owned()]
    }

    /// Bytes freed with a lock object.
    fn freed_size(&self) -> u64 {
        64
    }
}

/// Which kernel's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// 6.1: the scenario table names readers, `rlock(`, and waiters, `sync(`.
    #[default]
    V6_1,
    /// 5.11 to 5.14: always `lock(`.
    V5_12,
}

/// The full text of a report.
pub fn render(lockdep: &Lockdep, report: &Report, symbols: &dyn Symbols, form: Form) -> String {
    let mut page = Page { lockdep, report, symbols, form, text: String::new() };
    match report.kind {
        Kind::Circular => page.circular(),
        Kind::Recursive => page.recursive(),
        Kind::IrqOrder => page.irq_order(),
        Kind::IrqInversion => page.irq_inversion(),
        Kind::Inconsistent => page.inconsistent(),
        Kind::WaitContext => page.wait_context(),
        Kind::BadUnlock => page.bad_unlock(),
        Kind::NestNotHeld => page.nest_not_held(),
        Kind::Freed => page.freed(),
        Kind::UserHeld => page.user_held(),
        Kind::ExitHeld => page.exit_held(),
        Kind::Limit | Kind::BadSubclass => page.limit(),
    }
    if let Some(silence) = report.silence {
        page.line("");
        page.line(&format!("note: {}", silence.reason()));
    }
    page.text
}

/// The scenario table's two heads.
const TWO_CPUS: [&str; 3] =
    ["", "       CPU0                    CPU1", "       ----                    ----"];

/// A text being written.
struct Page<'a> {
    lockdep: &'a Lockdep,
    report: &'a Report,
    symbols: &'a dyn Symbols,
    form: Form,
    text: String,
}

impl Page<'_> {
    /// Prints a line. Out of line, like its relatives: text is made seldom and read in a diff, so
    /// it should be small rather than fast.
    #[inline(never)]
    fn say(&mut self, line: fmt::Arguments) {
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }

    #[inline(never)]
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    #[inline(never)]
    fn lines(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.line(line));
    }

    /// Opening of all reports that have bars.
    fn open(&mut self, bar: usize, title: &str) {
        let kernel = self.symbols.kernel();
        self.lines(&["", &"=".repeat(bar), title, &kernel, &"-".repeat(bar)]);
    }

    #[inline(never)]
    fn task(&self) -> String {
        let task = self.report.task;
        format!("{}/{}", self.symbols.comm(task), self.symbols.pid(task))
    }

    #[inline(never)]
    fn name(&self, class: ClassId) -> String {
        self.lockdep.class_name(class)
    }

    /// ` (name){usage}-{outer:inner}` (`print_lock_name()`).
    #[inline(never)]
    fn describe(&self, class: ClassId, usage: u16) -> String {
        let levels = self.lockdep.classes().get(class.index()).map(|c| c.wait_levels());
        let (outer, inner) = levels.unwrap_or_default();
        let usage: String = usage_chars(usage).iter().collect();
        format!(" ({}){{{usage}}}-{{{outer}:{inner}}}", self.name(class))
    }

    fn describe_step(&self, step: &PathStep) -> String {
        self.describe(step.class, step.usage)
    }

    /// Address, class, place of acquisition (`print_lock()`).
    #[inline(never)]
    fn held(&self, view: &HeldView) -> String {
        let address = self.symbols.instance_address(view.lock.instance());
        let class = self.describe(view.lock.class(), view.usage);
        format!("{address:016x}{class}, at: {}", self.symbols.site_symbol(view.lock.site()))
    }

    #[inline(never)]
    fn held_line(&mut self, view: Option<HeldView>) {
        if let Some(view) = view {
            let line = self.held(&view);
            self.line(&line);
        }
    }

    /// The held-locks block (`lockdep_print_held_locks()`).
    fn locks(&mut self) {
        let held = self.lockdep.report_held(self.report);
        let task = self.task();
        match held.len() {
            0 => self.say(format_args!("no locks held by {task}.")),
            1 => self.say(format_args!("1 lock held by {task}:")),
            n => self.say(format_args!("{n} locks held by {task}:")),
        }
        for (i, view) in held.iter().enumerate() {
            let line = format!(" #{i}: {}", self.held(view));
            self.line(&line);
        }
    }

    fn frames(&mut self, site: Site, indent: usize) {
        for frame in self.symbols.frames(site) {
            self.say(format_args!("{:indent$}{frame}", ""));
        }
    }

    fn dump_stack(&mut self) {
        for line in self.symbols.dump_stack(self.report.site) {
            self.line(&line);
        }
    }

    /// `stack backtrace:` and the dump.
    #[inline(never)]
    fn backtrace(&mut self) {
        self.line("stack backtrace:");
        self.dump_stack();
    }

    /// `[<address>] symbol` of a site.
    #[inline(never)]
    fn place(&self, site: Site) -> String {
        let (address, symbol) = (self.symbols.site_address(site), self.symbols.site_symbol(site));
        format!("[<{address:016x}>] {symbol}")
    }

    /// The three names of a chain, where a middle lock exists.
    fn chain_exists(&mut self, names: [ClassId; 3]) {
        let [a, b, c] = names.map(|class| self.name(class));
        self.lines(&["Chain exists of:", &format!("  {a} --> {b} --> {c}"), ""]);
    }

    /// A row of the scenario table's right column.
    #[inline(never)]
    fn right(&mut self, text: &str) {
        let _ = writeln!(self.text, "{:31}{text}", "");
    }

    #[inline(never)]
    fn deadlock(&mut self) {
        self.lines(&["", " *** DEADLOCK ***", ""]);
    }
}

/// How the scenario table of 6.1 calls an acquisition.
fn verb(lock: &HeldLock, form: Form) -> &'static str {
    match form {
        Form::V5_12 => "lock",
        Form::V6_1 if lock.read().is_shared() => "rlock",
        Form::V6_1 if lock.sync() => "sync",
        Form::V6_1 => "lock",
    }
}
