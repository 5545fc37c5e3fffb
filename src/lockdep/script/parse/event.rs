//! Events: what a task does, and whether it may there.

use super::super::{AcquireArgs, Event, Op};
use super::words::{Words, argument, no_more, number, read_mode, shown, threaded};
use super::{Parsed, Parser};

impl Parser {
    pub(super) fn event(&mut self, line: &str) -> Parsed<()> {
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
