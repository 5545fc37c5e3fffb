//! The reference's report texts, from section 16 of the specification.

use super::usage::opposite;
use super::{Change, Fired, Held, Reference, Step, Verdict};

type Path<'p> = &'p [(usize, usize)];

const BITS: [&str; 10] = [
    "IN-HARDIRQ-W",
    "IN-HARDIRQ-R",
    "HARDIRQ-ON-W",
    "HARDIRQ-ON-R",
    "IN-SOFTIRQ-W",
    "IN-SOFTIRQ-R",
    "SOFTIRQ-ON-W",
    "SOFTIRQ-ON-R",
    "INITIAL USE",
    "INITIAL READ USE",
];

fn state_of(bit: u8) -> &'static str {
    match bit {
        0 | 2 => "HARDIRQ",
        1 | 3 => "HARDIRQ-READ",
        4 | 6 => "SOFTIRQ",
        _ => "SOFTIRQ-READ",
    }
}

const CPUS: &str = "\n       CPU0                    CPU1\n       ----                    ----\n";
const RIGHT: &str = "                               ";
const DEADLOCK: &str = "\n *** DEADLOCK ***\n\n";

impl Reference<'_> {
    fn fire(&mut self, kind: &'static str, chain: Vec<String>, report: String) -> Fired {
        self.verdict = Some(Verdict { kind, at: self.event, chain, report });
        Fired
    }

    pub(super) fn name(&self, class: usize) -> String {
        let c = &self.classes[class];
        let mut name = self.script.classes[c.key].name.clone();
        if c.version > 1 {
            name += &format!("#{}", c.version);
        }
        if c.subclass > 0 {
            name += &format!("/{}", c.subclass);
        }
        name
    }

    fn usage(&self, class: usize) -> String {
        let usage = self.classes[class].usage;
        let has = |bit: u8| usage & (1 << bit) != 0;
        let character = |used: u8| match (has(used + 2), has(used)) {
            (true, true) => '?',
            (true, false) => '+',
            (false, true) => '-',
            (false, false) => '.',
        };
        [0, 1, 4, 5].map(character).iter().collect()
    }

    fn desc(&self, class: usize) -> String {
        let (inner, outer) = (self.inner(class), self.outer(class));
        let shown = if outer == 0 { inner } else { outer };
        format!(" ({}){{{}}}-{{{shown}:{inner}}}", self.name(class), self.usage(class))
    }

    fn held(&self, held: &Held) -> String {
        let address = 0xffff_8880_0000_0000_u64 + held.lock as u64 * 0x100;
        format!("{address:016x}{}, at: ev{}\n", self.desc(held.class), held.at)
    }

    fn task(&self) -> String {
        let task = &self.script.tasks[self.task];
        format!("{}/{}", task.comm, task.pid)
    }

    fn locks(&self) -> String {
        let stack = self.stack();
        let mut text = match stack.len() {
            0 => format!("no locks held by {}.\n", self.task()),
            1 => format!("1 lock held by {}:\n", self.task()),
            n => format!("{n} locks held by {}:\n", self.task()),
        };
        for (n, held) in stack.iter().enumerate() {
            text += &format!(" #{n}: {}", self.held(held));
        }
        text
    }

    fn open(bar: usize, title: &str) -> String {
        let (double, single) = ("=".repeat(bar), "-".repeat(bar));
        format!("\n{double}\n{title}\n6.1.0 #1 Not tainted\n{single}\n")
    }

    fn end(&self) -> String {
        format!("stack backtrace:\n<dump_stack ev{}>\n", self.event)
    }

    pub(super) fn report_circular(&mut self, held: &Held, new: &Held, path: Path) -> Step {
        let mut text = Self::open(54, "WARNING: possible circular locking dependency detected");
        text += &format!("{} is trying to acquire lock:\n{}", self.task(), self.held(new));
        text += &format!("\nbut task is already holding lock:\n{}", self.held(held));
        text += "\nwhich lock already depends on the new lock.\n\n\n";
        text += "the existing dependency chain (in reverse order) is:\n";
        for (n, (class, trace)) in path.iter().enumerate() {
            let number = path.len() - 1 - n;
            let trace = if number == 0 { self.event } else { *trace };
            text += &format!("\n-> #{number}{}:\n       ev{trace}\n", self.desc(*class));
        }
        text += "\nother info that might help us debug this:\n\n";
        let middle = path[1].0;
        let [new_name, mid, held_name] = [new.class, middle, held.class].map(|c| self.name(c));
        if middle != new.class {
            text += &format!("Chain exists of:\n  {new_name} --> {mid} --> {held_name}\n\n");
        }
        let first = if held.read != 0 { "rlock" } else { "lock" };
        let last = match (new.read, new.sync) {
            (1 | 2, _) => "rlock",
            (_, true) => "sync",
            _ => "lock",
        };
        text += &format!(" Possible unsafe locking scenario:\n{CPUS}  {first}({held_name});\n");
        text += &format!("{RIGHT}lock({mid});\n{RIGHT}lock({held_name});\n  {last}({new_name});\n");
        text += &format!("{DEADLOCK}{}\n{}", self.locks(), self.end());
        let chain = path.iter().map(|(class, _)| self.name(*class)).collect();
        Err(self.fire("circular", chain, text))
    }

    pub(super) fn report_recursive(&mut self, held: &Held, new: &Held) -> Step {
        let mut text = Self::open(44, "WARNING: possible recursive locking detected");
        text += &format!("{} is trying to acquire lock:\n{}", self.task(), self.held(new));
        text += &format!("\nbut task is already holding lock:\n{}", self.held(held));
        text += "\nother info that might help us debug this:\n Possible unsafe locking scenario:\n";
        text += "\n       CPU0\n       ----\n";
        let [a, b] = [held.class, new.class].map(|class| self.name(class));
        text += &format!("  lock({a});\n  lock({b});\n{DEADLOCK}");
        text += &format!(" May be due to missing lock nesting notation\n\n{}\n", self.locks());
        text += &self.end();
        let chain = vec![self.name(new.class)];
        Err(self.fire("recursive", chain, text))
    }

    fn class_entry(&self, class: usize, depth: usize) -> String {
        let pad = |n: usize| " ".repeat(n);
        let mut text = format!("{}->{} {{\n", pad(depth), self.desc(class));
        let c = &self.classes[class];
        for (bit, name) in BITS.iter().enumerate() {
            if c.usage & (1 << bit) != 0 {
                text += &format!("{}{name} at:\n", pad(depth + 3));
                text += &format!("{}ev{}\n", pad(2 * depth + 8 + name.len()), c.traces[bit]);
            }
        }
        let address = 0xffff_ffff_8200_0000_u64 + c.key as u64 * 0x10 + u64::from(c.subclass);
        let symbol = format!("key_{}+0x{:x}/0x10", self.script.classes[c.key].id, c.subclass);
        text += &format!("{}}}\n", pad(depth + 1));
        text + &format!("{}... key      at: [<{address:016x}>] {symbol}\n", pad(depth + 1))
    }

    fn acquired(depth: usize, trace: usize) -> String {
        format!("{}... acquired at:\n   ev{trace}\n\n", " ".repeat(depth + 1))
    }

    fn plain_list(&self, path: Path) -> String {
        let mut text = String::new();
        for (n, (class, trace)) in path.iter().enumerate() {
            let depth = path.len() - 1 - n;
            text += &self.class_entry(*class, depth);
            text += &Self::acquired(depth, if depth == 0 { self.event } else { *trace });
        }
        text
    }

    fn backwards_list(&self, path: Path) -> String {
        let mut text = String::new();
        for (n, (class, _)) in path.iter().enumerate() {
            let depth = path.len() - 1 - n;
            text += &self.class_entry(*class, depth);
            if n > 0 {
                text += &Self::acquired(depth, path[n - 1].1);
            }
        }
        text
    }

    fn irq_table(&self, safe: usize, unsafe_: usize, middle: usize) -> String {
        let names = [safe, middle, unsafe_].map(|class| self.name(class));
        let [safe_name, mid, unsafe_name] = names;
        let mut text = String::new();
        if middle != unsafe_ {
            text += &format!("Chain exists of:\n  {safe_name} --> {mid} --> {unsafe_name}\n\n");
        }
        text += &format!(" Possible interrupt unsafe locking scenario:\n{CPUS}");
        text += &format!("  lock({unsafe_name});\n{RIGHT}local_irq_disable();\n");
        text += &format!("{RIGHT}lock({safe_name});\n{RIGHT}lock({mid});\n");
        text + &format!("  <Interrupt>\n    lock({safe_name});\n{DEADLOCK}")
    }

    fn irq_state(&self) -> String {
        let t = &self.tasks[self.task];
        let (hard, soft) = (u8::from(!t.hardirqs_off), u8::from(!t.softirqs_off));
        let (h, s, n) = (t.hardirq_depth, t.softirq_depth, t.softirq_count);
        format!("[HC{h}[{h}]:SC{s}[{n}]:HE{hard}:SE{soft}]")
    }

    pub(super) fn report_irq_order(
        &mut self,
        held: &Held,
        new: &Held,
        (safe_path, unsafe_path): (Path, Path),
        (safe_bit, unsafe_bit): (u8, u8),
    ) -> Step {
        let state = state_of(safe_bit);
        let (safe, unsafe_) = (safe_path[0].0, unsafe_path[0].0);
        let title = format!("WARNING: {state}-safe -> {state}-unsafe lock order detected");
        let mut text = Self::open(53, &title);
        text += &format!("{} {} is trying to acquire:\n", self.task(), self.irq_state());
        text +=
            &format!("{}\nand this task is already holding:\n{}", self.held(new), self.held(held));
        text += "which would create a new lock dependency:\n";
        text += &format!("{} ->{}\n", self.desc(held.class), self.desc(new.class));
        text += &format!("\nbut this new dependency connects a {state}-irq-safe lock:\n");
        text += &format!("{}\n\n... which became {state}-irq-safe at:\n", self.desc(safe));
        text += &format!("  ev{}\n", self.classes[safe].traces[usize::from(safe_bit)]);
        text += &format!("\nto a {state}-irq-unsafe lock:\n{}\n\n", self.desc(unsafe_));
        text += &format!("... which became {state}-irq-unsafe at:\n...\n");
        text += &format!("  ev{}\n", self.classes[unsafe_].traces[usize::from(unsafe_bit)]);
        text += "\nother info that might help us debug this:\n\n";
        let middle = if held.class == safe { new.class } else { held.class };
        text += &self.irq_table(safe, unsafe_, middle);
        text += &self.locks();
        text +=
            &format!("\nthe dependencies between {state}-irq-safe lock and the holding lock:\n");
        text += &self.backwards_list(safe_path);
        text += "\nthe dependencies between the lock to be acquired\n";
        text += &format!(" and {state}-irq-unsafe lock:\n{}", self.plain_list(unsafe_path));
        text += &format!("\n{}", self.end());
        let chain = safe_path.iter().chain(unsafe_path).map(|(class, _)| self.name(*class));
        let chain = chain.collect();
        Err(self.fire("irq_order", chain, text))
    }

    pub(super) fn report_inversion(&mut self, held: &Held, bit: u8, path: Path) -> Step {
        let used_in = bit & 2 == 0;
        let (found, start) = (path[0].0, held.class);
        let ex = opposite(bit);
        let write = self.classes[found].usage & (1 << ex) != 0;
        let state = state_of(if write { ex } else { ex + 1 });
        let mut text = Self::open(56, "WARNING: possible irq lock inversion dependency detected");
        text += &format!("{} just changed the state of lock:\n{}", self.task(), self.held(held));
        text += &if used_in {
            format!("but this lock took another, {state}-unsafe lock in the past:\n")
        } else {
            format!("but this lock was taken by another, {state}-safe lock in the past:\n")
        };
        text += &format!("{}\n\n\n", self.desc(found));
        text += "and interrupts could create inverse lock ordering between them.\n\n\n";
        text += "other info that might help us debug this:\n";
        let (safe, unsafe_) = if used_in { (start, found) } else { (found, start) };
        let next = if path.len() < 2 { found } else { path[path.len() - 2].0 };
        let middle = if next == safe { unsafe_ } else { next };
        text += &self.irq_table(safe, unsafe_, middle);
        text += &self.locks();
        text += "\nthe shortest dependencies between 2nd lock and 1st lock:\n";
        text += &format!("{}\n{}", self.plain_list(path), self.end());
        let chain = path.iter().map(|(class, _)| self.name(*class)).collect();
        Err(self.fire("irq_inversion", chain, text))
    }

    pub(super) fn report_inconsistent(&mut self, held: &Held, old: u8, new: u8) -> Step {
        let task = &self.tasks[self.task];
        let trace = self.classes[held.class].traces[usize::from(old)];
        let (old, new) = (BITS[usize::from(old)], BITS[usize::from(new)]);
        let mut text = Self::open(32, "WARNING: inconsistent lock state");
        text += &format!("inconsistent {{{old}}} -> {{{new}}} usage.\n");
        text += &format!("{} {} takes:\n{}", self.task(), self.irq_state(), self.held(held));
        text += &format!("{{{old}}} state was registered at:\n  ev{trace}\n");
        text += &format!("irq event stamp: {}\n", task.events);
        let lines = [
            ("hardirqs last  enabled", &task.hard_on),
            ("hardirqs last disabled", &task.hard_off),
            ("softirqs last  enabled", &task.soft_on),
            ("softirqs last disabled", &task.soft_off),
        ];
        for (what, Change { stamp, event }) in lines {
            let place = match event {
                None => "[<0000000000000000>] 0x0".to_owned(),
                Some(n) => format!("[<{:016x}>] ev{n}", 0x1000 + n),
            };
            text += &format!("{what} at ({stamp}): {place}\n");
        }
        text += "\nother info that might help us debug this:\n Possible unsafe locking scenario:\n";
        let name = self.name(held.class);
        text += &format!("\n       CPU0\n       ----\n  lock({name});\n  <Interrupt>\n");
        text += &format!("    lock({name});\n{DEADLOCK}{}\n{}", self.locks(), self.end());
        Err(self.fire("inconsistent", vec![name], text))
    }

    pub(super) fn report_wait(&mut self, new: &Held) -> Step {
        let context = self.context_level();
        let mut text = Self::open(29, "[ BUG: Invalid wait context ]");
        text += &format!("{} is trying to lock:\n{}", self.task(), self.held(new));
        text += "other info that might help us debug this:\n";
        text += &format!("context-{{{context}:{context}}}\n{}{}", self.locks(), self.end());
        let chain = vec![self.name(new.class)];
        Err(self.fire("wait_context", chain, text))
    }

    fn bare(&self, lock: usize) -> String {
        self.script.classes[self.script.locks[lock].class].name.clone()
    }

    pub(super) fn report_bad_unlock(&mut self, lock: usize) -> Fired {
        let name = self.bare(lock);
        let mut text = Self::open(37, "WARNING: bad unlock balance detected!");
        text += &format!("{} is trying to release lock ({name}) at:\n", self.task());
        text += &format!("[<{:016x}>] ev{}\n", 0x1000 + self.event, self.event);
        text += "but there are no more locks to release!\n";
        text += "\nother info that might help us debug this:\n";
        text += &format!("{}\n{}", self.locks(), self.end());
        self.fire("bad_unlock", vec![name], text)
    }

    pub(super) fn report_nest_not_held(&mut self, new: &Held, nest: usize) -> Step {
        let mut text = Self::open(34, "WARNING: Nested lock was not taken");
        text += &format!("{} is trying to lock:\n{}", self.task(), self.held(new));
        text += &format!("\nbut this task is not holding:\n{}\n\n{}", self.bare(nest), self.end());
        text += "\nother info that might help us debug this:\n";
        text += &format!("{}\n{}", self.locks(), self.end());
        let chain = vec![self.name(new.class)];
        Err(self.fire("nest_not_held", chain, text))
    }

    pub(super) fn report_freed(&mut self, held: &Held) -> Step {
        let from = 0xffff_8880_0000_0000_u64 + held.lock as u64 * 0x100;
        let mut text = Self::open(25, "WARNING: held lock freed!");
        text += &format!("{} is freeing memory {from:016x}-{:016x}, ", self.task(), from + 63);
        text += &format!("with a lock still held there!\n{}", self.held(held));
        text += &format!("{}\n{}", self.locks(), self.end());
        let chain = vec![self.name(held.class)];
        Err(self.fire("freed", chain, text))
    }

    pub(super) fn report_exit_held(&mut self) -> Step {
        let title = format!("WARNING: {} still has locks held!", self.task());
        let text = format!("{}{}\n{}", Self::open(36, &title), self.locks(), self.end());
        Err(self.fire("exit_held", Vec::new(), text))
    }

    pub(super) fn report_user_held(&mut self) -> Step {
        let mut text = Self::open(48, "WARNING: lock held when returning to user space!");
        text += &format!("{} is leaving the kernel with locks still held!\n", self.task());
        text += &self.locks();
        Err(self.fire("user_held", Vec::new(), text))
    }

    pub(super) fn report_depth(&mut self) -> Step {
        let mut text = "BUG: MAX_LOCK_DEPTH too low!\n".to_owned();
        text += "turning off the locking correctness validator.\ndepth: 48  max: 48!\n";
        text += &format!("{}<all locks>\n<dump_stack ev{}>\n", self.locks(), self.event);
        Err(self.fire("limit", Vec::new(), text))
    }

    pub(super) fn report_bad_subclass(&mut self, subclass: u8) -> Fired {
        let mut text = format!("BUG: looking up invalid subclass: {subclass}\n");
        text += "turning off the locking correctness validator.\n";
        text += &format!("<dump_stack ev{}>\n", self.event);
        self.fire("bad_subclass", Vec::new(), text)
    }
}
