//! From a [`Script`] back to its lines, and to a record of `lockdep check`.
//!
//! The law: [`parse`](super::parse()) of a parsed or decoded script's lines returns that script. A
//! bug in here would be an artifact whose text is another script.

use super::super::types::{LockType, Read, WaitType};
use super::{AcquireArgs, ClassDecl, Decl, Event, LockDecl, Op, ReadMode, Script, TaskDecl};

impl Script {
    /// Its declarations, one a line.
    pub fn decl_lines(&self) -> Vec<String> {
        let line = |decl: &Decl| match *decl {
            Decl::Class(n) => class(&self.classes[n]),
            Decl::Lock(n) => self.lock(&self.locks[n]),
            Decl::Task(n) => task(n, &self.tasks[n]),
        };
        self.decl.iter().map(line).collect()
    }

    /// Its events, one a line.
    pub fn event_lines(&self) -> Vec<String> {
        self.events.iter().map(|event| self.event(event)).collect()
    }

    /// The script as a record of `lockdep check`: one line of JSON, without a line end.
    pub fn record(&self, id: &str, raw_lock_nesting: bool) -> String {
        let raw = if raw_lock_nesting { "true" } else { "false" };
        let (id, decl) = (quoted(id), list(&self.decl_lines()));
        let events = list(&self.event_lines());
        [
            "{\"id\":",
            &id,
            ",\"raw_lock_nesting\":",
            raw,
            ",\"decl\":",
            &decl,
            ",\"events\":",
            &events,
        ]
        .concat()
            + "}"
    }

    fn lock(&self, lock: &LockDecl) -> String {
        let line = ["lock", &lock.id, &self.classes[lock.class].id].join(" ");
        let subclass = (lock.subclass != 0).then(|| [" sub=", &lock.subclass.to_string()].concat());
        line + &subclass.unwrap_or_default()
    }

    fn event(&self, event: &Event) -> String {
        let lock = |n: usize| self.locks[n].id.as_str();
        let task = self.tasks[event.task].id.as_str();
        let words = match event.op {
            Op::Acquire(args) => return [task, "acq", &self.acquire(&args)].join(" "),
            Op::Sync(args) => return [task, "sync", &self.acquire(&args)].join(" "),
            Op::SetSubclass(n, to) => return [task, "setsub", lock(n), &to.to_string()].join(" "),
            Op::Release(n) => ["rel", lock(n)],
            Op::Downgrade(n) => ["downgrade", lock(n)],
            Op::Free(n) => ["free", lock(n)],
            Op::HardirqsOff => ["hardirqs_off", ""],
            Op::HardirqsOn => ["hardirqs_on", ""],
            Op::SoftirqsOff => ["softirqs_off", ""],
            Op::SoftirqsOn => ["softirqs_on", ""],
            Op::HardirqEnter(false) => ["hardirq_enter", ""],
            Op::HardirqEnter(true) => ["hardirq_enter", "threaded"],
            Op::HardirqExit => ["hardirq_exit", ""],
            Op::SoftirqEnter => ["softirq_enter", ""],
            Op::SoftirqExit => ["softirq_exit", ""],
            Op::UserExit => ["user_exit", ""],
            Op::TaskExit => ["task_exit", ""],
        };
        [task, words[0], words[1]].join(" ").trim_end().to_owned()
    }

    fn acquire(&self, args: &AcquireArgs) -> String {
        let mut words = vec![self.locks[args.lock].id.clone(), mode(args.mode).to_owned()];
        words.extend(args.trylock.then(|| "try".to_owned()));
        words.extend((args.subclass != 0).then(|| ["sub=", &args.subclass.to_string()].concat()));
        words.extend(args.nest.map(|n| ["nest=", &self.locks[n].id].concat()));
        words.extend((!args.check).then(|| "check=0".to_owned()));
        words.join(" ")
    }
}

fn class(class: &ClassDecl) -> String {
    let ClassDecl { id, name, inner, outer, lock_type } = class;
    let mut words = vec!["class".to_owned(), id.clone()];
    words.extend((name != id).then(|| ["name=", name].concat()));
    for (key, value) in [("inner=", *inner), ("outer=", *outer)] {
        words.extend((value != WaitType::Invalid).then(|| [key, wait_type(value)].concat()));
    }
    words.extend(match lock_type {
        LockType::Normal => None,
        LockType::Percpu => Some("type=percpu".to_owned()),
        LockType::Override => Some("type=override".to_owned()),
    });
    words.join(" ")
}

fn task(n: usize, task: &TaskDecl) -> String {
    let TaskDecl { id, comm, pid } = task;
    let mut words = vec!["task".to_owned(), id.clone()];
    words.extend((comm != id).then(|| ["comm=", comm].concat()));
    words.extend((*pid != 1000 + n as i64).then(|| ["pid=", &pid.to_string()].concat()));
    words.join(" ")
}

fn wait_type(wait: WaitType) -> &'static str {
    match wait {
        WaitType::Invalid => "inv",
        WaitType::Free => "free",
        WaitType::Spin => "spin",
        WaitType::Config => "config",
        WaitType::Sleep => "sleep",
    }
}

fn mode(mode: ReadMode) -> &'static str {
    match mode {
        ReadMode::Plain(Read::Exclusive) => "w",
        ReadMode::Plain(Read::Shared) => "r",
        ReadMode::Plain(Read::Recursive) => "R",
        ReadMode::Queued => "rq",
    }
}

fn list(lines: &[String]) -> String {
    let quoted: Vec<String> = lines.iter().map(|line| quoted(line)).collect();
    ["[", &quoted.join(","), "]"].concat()
}

/// A string of JSON (RFC 8259, section 7). By hand, because the fuzz targets are built without serde.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
