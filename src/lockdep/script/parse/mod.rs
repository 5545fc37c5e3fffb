//! From lines to a [`Script`], or to the reason why not.

use std::collections::HashMap;
use std::fmt;

use super::super::engine::class::MAX_LOCKDEP_SUBCLASSES;
use super::super::types::{LockType, Read, WaitType};
use super::{AcquireArgs, ClassDecl, Decl, Event, LockDecl, Op, ReadMode, Script, TaskDecl};

/// Most events of a script.
pub const MAX_EVENTS: usize = 65_536;
/// Most bytes of a name.
pub const MAX_NAME: usize = 1024;
/// Most declarations of a script.
pub const MAX_DECLARATIONS: usize = 65_536;

/// Which line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The script as a whole.
    Script,
    /// A declaration, from 0.
    Decl(usize),
    /// An event, from 0.
    Event(usize),
}

/// Why a script cannot be run: what, where, how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Where.
    pub at: Where,
    /// What, and how to mend it.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.at {
            Where::Script => write!(f, "{}", self.message),
            Where::Decl(n) => write!(f, "declaration {n}: {}", self.message),
            Where::Event(n) => write!(f, "event {n}: {}", self.message),
        }
    }
}

impl std::error::Error for ScriptError {}

/// Reads a script.
///
/// # Errors
/// The first line that is not in the language, names something undeclared, exceeds a cap, or
/// leaves an interrupt state that was not entered.
pub fn parse<S: AsRef<str>>(decl: &[S], events: &[S]) -> Result<Script, ScriptError> {
    if events.len() > MAX_EVENTS {
        let message = format!("{} events; at most {MAX_EVENTS}, split the script", events.len());
        return Err(ScriptError { at: Where::Script, message });
    }
    if decl.len() > MAX_DECLARATIONS {
        let message = format!("{} declarations; at most {MAX_DECLARATIONS}", decl.len());
        return Err(ScriptError { at: Where::Script, message });
    }
    let mut parser = Parser::default();
    for (n, line) in decl.iter().enumerate() {
        let error = |message| ScriptError { at: Where::Decl(n), message };
        parser.declaration(line.as_ref()).map_err(error)?;
    }
    for (n, line) in events.iter().enumerate() {
        let error = |message| ScriptError { at: Where::Event(n), message };
        parser.event(line.as_ref()).map_err(error)?;
    }
    Ok(parser.script)
}

type Parsed<T> = Result<T, String>;

/// The rest of a line.
type Words<'a> = std::str::SplitAsciiWhitespace<'a>;

/// How far a task is inside interrupt states.
#[derive(Default)]
struct Nesting {
    hardirq: u32,
    softirq: u32,
    softirqs_off: u32,
}

#[derive(Default)]
struct Parser {
    script: Script,
    classes: HashMap<String, usize>,
    locks: HashMap<String, usize>,
    tasks: HashMap<String, usize>,
    nesting: Vec<Nesting>,
}

/// A word shortened for a message.
fn shown(word: &str) -> String {
    let short: String = word.chars().take(40).collect();
    if short.len() < word.len() { format!("`{short}...`") } else { format!("`{short}`") }
}

fn named(word: &str) -> Parsed<String> {
    match word.len() {
        0..=MAX_NAME => Ok(word.to_owned()),
        n => Err(format!("a name of {n} bytes; at most {MAX_NAME}, shorten it")),
    }
}

fn number<T: std::str::FromStr>(what: &str, text: &str, range: &str) -> Parsed<T> {
    text.parse().map_err(|_| format!("{what}={} is no number in {range}", shown(text)))
}

fn wait_type(text: &str) -> Parsed<WaitType> {
    Ok(match text {
        "inv" => WaitType::Invalid,
        "free" => WaitType::Free,
        "spin" => WaitType::Spin,
        "config" => WaitType::Config,
        "sleep" => WaitType::Sleep,
        _ => {
            return Err(format!(
                "unknown wait type {}; use inv, free, spin, config or sleep",
                shown(text)
            ));
        }
    })
}

fn lock_type(text: &str) -> Parsed<LockType> {
    Ok(match text {
        "normal" => LockType::Normal,
        "percpu" => LockType::Percpu,
        "override" => LockType::Override,
        _ => return Err(format!("unknown type {}; use normal, percpu or override", shown(text))),
    })
}

fn init_subclass(text: &str) -> Parsed<u8> {
    let range = "0..7";
    let subclass: u8 = number("sub", text, range)?;
    if subclass < MAX_LOCKDEP_SUBCLASSES {
        return Ok(subclass);
    }
    Err(format!("sub={subclass} is no number in {range}"))
}

fn argument<'a>(words: &mut Words<'a>, what: &str) -> Parsed<&'a str> {
    words.next().ok_or_else(|| format!("{what} is missing, add it"))
}

fn no_more(words: &mut Words) -> Parsed<()> {
    match words.next() {
        None => Ok(()),
        Some(word) => Err(format!("unexpected {}, remove it", shown(word))),
    }
}

impl Parser {
    fn declaration(&mut self, line: &str) -> Parsed<()> {
        let mut words = line.split_ascii_whitespace();
        match argument(&mut words, "class, lock or task")? {
            "class" => self.class(&mut words),
            "lock" => self.lock(&mut words),
            "task" => self.task(&mut words),
            word => Err(format!("unknown declaration {}; use class, lock or task", shown(word))),
        }
    }

    fn class(&mut self, words: &mut Words) -> Parsed<()> {
        let id = named(argument(words, "the class's ID")?)?;
        let mut class = ClassDecl {
            id: id.clone(),
            name: id.clone(),
            inner: WaitType::Invalid,
            outer: WaitType::Invalid,
            lock_type: LockType::Normal,
        };
        for word in words {
            match word.split_once('=') {
                Some(("name", text)) => class.name = named(text)?,
                Some(("inner", text)) => class.inner = wait_type(text)?,
                Some(("outer", text)) => class.outer = wait_type(text)?,
                Some(("type", text)) => class.lock_type = lock_type(text)?,
                _ => return Err(format!("unknown attribute {} of a class", shown(word))),
            }
        }
        let n = self.script.classes.len();
        if self.classes.insert(id, n).is_some() {
            return Err(format!("class {} is declared twice, rename one", shown(&class.id)));
        }
        self.script.classes.push(class);
        self.script.decl.push(Decl::Class(n));
        Ok(())
    }

    fn lock(&mut self, words: &mut Words) -> Parsed<()> {
        let id = named(argument(words, "the lock's ID")?)?;
        let class = argument(words, "the lock's class")?;
        let class = *self.classes.get(class).ok_or_else(|| {
            format!("undeclared class {}, declare it with `class` first", shown(class))
        })?;
        let mut subclass = 0;
        for word in words {
            match word.split_once('=') {
                Some(("sub", text)) => subclass = init_subclass(text)?,
                _ => return Err(format!("unknown attribute {} of a lock", shown(word))),
            }
        }
        let n = self.script.locks.len();
        if self.locks.insert(id.clone(), n).is_some() {
            return Err(format!("lock {} is declared twice, rename one", shown(&id)));
        }
        self.script.locks.push(LockDecl { id, class, subclass });
        self.script.decl.push(Decl::Lock(n));
        Ok(())
    }

    fn task(&mut self, words: &mut Words) -> Parsed<()> {
        let id = argument(words, "the task's ID")?;
        if self.tasks.contains_key(id) {
            return Err(format!("task {} is declared twice, rename one", shown(id)));
        }
        let n = self.task_number(id)?;
        for word in words {
            match word.split_once('=') {
                Some(("comm", text)) => self.script.tasks[n].comm = named(text)?,
                Some(("pid", text)) => {
                    let pid: i32 = number("pid", text, "-2147483648..2147483647")?;
                    self.script.tasks[n].pid = i64::from(pid);
                }
                _ => return Err(format!("unknown attribute {} of a task", shown(word))),
            }
        }
        Ok(())
    }

    /// The task called `id`, created at its first appearance.
    fn task_number(&mut self, id: &str) -> Parsed<usize> {
        if let Some(&n) = self.tasks.get(id) {
            return Ok(n);
        }
        let id = named(id)?;
        let n = self.script.tasks.len();
        self.tasks.insert(id.clone(), n);
        self.script.tasks.push(TaskDecl { comm: id.clone(), id, pid: 1000 + n as i64 });
        self.script.decl.push(Decl::Task(n));
        self.nesting.push(Nesting::default());
        Ok(n)
    }

    fn event(&mut self, line: &str) -> Parsed<()> {
        let mut words = line.split_ascii_whitespace();
        let id = argument(&mut words, "the task")?;
        let name = argument(&mut words, "the operation")?;
        let op = self.op(name, &mut words)?;
        no_more(&mut words)?;
        let task = self.task_number(id)?;
        self.nest(task, op)?;
        self.script.events.push(Event { task, op });
        Ok(())
    }

    fn op(&self, name: &str, words: &mut Words) -> Parsed<Op> {
        Ok(match name {
            "acq" => Op::Acquire(self.acquire(words, true)?),
            "sync" => Op::Sync(self.acquire(words, false)?),
            "rel" => Op::Release(self.lock_argument(words)?),
            "downgrade" => Op::Downgrade(self.lock_argument(words)?),
            "free" => Op::Free(self.lock_argument(words)?),
            "setsub" => {
                let lock = self.lock_argument(words)?;
                let subclass = argument(words, "the subclass")?;
                Op::SetSubclass(lock, number("subclass", subclass, "0..255")?)
            }
            "hardirqs_off" => Op::HardirqsOff,
            "hardirqs_on" => Op::HardirqsOn,
            "softirqs_off" => Op::SoftirqsOff,
            "softirqs_on" => Op::SoftirqsOn,
            "hardirq_enter" => Op::HardirqEnter(threaded(words)?),
            "hardirq_exit" => Op::HardirqExit,
            "softirq_enter" => Op::SoftirqEnter,
            "softirq_exit" => Op::SoftirqExit,
            "user_exit" => Op::UserExit,
            "task_exit" => Op::TaskExit,
            _ => return Err(format!("unknown operation {}, see the list of events", shown(name))),
        })
    }

    fn lock_number(&self, id: &str) -> Parsed<usize> {
        let undeclared = || format!("undeclared lock {}, declare it with `lock`", shown(id));
        self.locks.get(id).copied().ok_or_else(undeclared)
    }

    fn lock_argument(&self, words: &mut Words) -> Parsed<usize> {
        self.lock_number(argument(words, "the lock")?)
    }

    fn acquire(&self, words: &mut Words, may_try: bool) -> Parsed<AcquireArgs> {
        let lock = self.lock_argument(words)?;
        let mode = read_mode(argument(words, "the read mode (w, r, R or rq)")?)?;
        let mut args =
            AcquireArgs { lock, mode, trylock: false, subclass: 0, nest: None, check: true };
        for word in words {
            match word.split_once('=') {
                None if word == "try" && may_try => args.trylock = true,
                Some(("sub", text)) => args.subclass = number("sub", text, "0..255")?,
                Some(("nest", id)) => args.nest = Some(self.lock_number(id)?),
                Some(("check", "0")) => args.check = false,
                Some(("check", "1")) => args.check = true,
                _ => {
                    return Err(format!(
                        "unknown argument {}, see the list of events",
                        shown(word)
                    ));
                }
            }
        }
        Ok(args)
    }

    /// Follows the interrupt state, which must be left as it was entered.
    fn nest(&mut self, task: usize, op: Op) -> Parsed<()> {
        let nesting = &mut self.nesting[task];
        let depth = match op {
            Op::HardirqEnter(_) => return raise(&mut nesting.hardirq),
            Op::SoftirqEnter => return raise(&mut nesting.softirq),
            Op::SoftirqsOff => return raise(&mut nesting.softirqs_off),
            Op::HardirqsOn if nesting.hardirq > 0 => {
                return Err("hardirqs_on inside a hard interrupt, leave it first".to_owned());
            }
            Op::HardirqExit => (&mut nesting.hardirq, "hardirq_enter"),
            Op::SoftirqExit => (&mut nesting.softirq, "softirq_enter"),
            Op::SoftirqsOn => (&mut nesting.softirqs_off, "softirqs_off"),
            _ => return Ok(()),
        };
        let (level, opener) = depth;
        let Some(less) = level.checked_sub(1) else {
            return Err(format!("mis-nested interrupt event, add {opener} before it"));
        };
        *level = less;
        Ok(())
    }
}

fn raise(level: &mut u32) -> Parsed<()> {
    *level += 1;
    Ok(())
}

fn read_mode(text: &str) -> Parsed<ReadMode> {
    Ok(match text {
        "w" => ReadMode::Plain(Read::Exclusive),
        "r" => ReadMode::Plain(Read::Shared),
        "R" => ReadMode::Plain(Read::Recursive),
        "rq" => ReadMode::Queued,
        _ => return Err(format!("unknown read mode {}; use w, r, R or rq", shown(text))),
    })
}

fn threaded(words: &mut Words) -> Parsed<bool> {
    match words.next() {
        None => Ok(false),
        Some("threaded") => Ok(true),
        Some(word) => Err(format!("unexpected {}; only `threaded` may follow", shown(word))),
    }
}
