//! Tasks and their operations.

use super::super::cursor::{Cursor, Parsed};
use super::{Block, Parser};
use crate::case::legal::Rule;
use crate::case::{MAX_OPS, MAX_TASKS, Op};

impl Parser<'_> {
    pub(super) fn task(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Task;
        let at = self.cursor.token.start;
        let name = self.cursor.word()?;
        self.new_name(name, at, name == "then", self.tasks.contains(&name))?;
        self.tasks.push(name);
        self.offsets.tasks.push(start);
        self.case
            .programs
            .ends
            .try_push(self.case.programs.ops.len() as u16)
            .map_err(|_| Cursor::mistake(start, format!("more than {MAX_TASKS} tasks; remove one")))
    }

    pub(super) fn op(&mut self, start: usize, op: Op) -> Parsed<()> {
        if self.block != Block::Task {
            let what = "an operation outside of a task; put it below `task NAME`";
            return Err(Cursor::mistake(start, what.into()));
        }
        let programs = &mut self.case.programs;
        programs.ops.push(op);
        self.offsets.ops.push(start);
        if let Some(end) = programs.ends.last_mut() {
            *end = programs.ops.len() as u16;
        }
        // Here already, so that the counts stay small whatever the length of the text.
        if programs.ops.len() > 2 * MAX_OPS {
            return Err(Cursor::mistake(start, Rule::TooManyOps.to_string()));
        }
        Ok(())
    }

    pub(super) fn fault(&mut self, start: usize) -> Parsed<()> {
        let gfn = self.cursor.gfn_page()?;
        let write = self.cursor.accept("write")?;
        if !write {
            self.cursor.accept("read")?;
        }
        let vm = self.vm_name()?;
        self.op(start, Op::Fault { vm, gfn, write })
    }

    pub(super) fn memslot(&mut self, start: usize) -> Parsed<()> {
        let at = self.cursor.token.start;
        let what = self.cursor.word()?;
        const UPDATES: [&str; 4] = ["create", "delete", "move", "flags"];
        self.cursor.known(UPDATES.contains(&what).then_some(()), at, "memslot update", &UPDATES)?;
        let slot = self.cursor.byte()?;
        let mut op = match what {
            "create" => {
                Op::Create { vm: 0, slot, gfn: self.cursor.gfn_range()?, hva: self.cursor.hva()? }
            }
            "delete" => Op::Delete { vm: 0, slot },
            "move" => Op::Move { vm: 0, slot, gfn: self.cursor.gfn_page()? },
            "flags" => Op::Flags { vm: 0, slot, log_dirty: self.log_dirty()? },
            _ => return self.cursor.known(None, at, "memslot update", &UPDATES),
        };
        let named = self.vm_name()?;
        if let Op::Create { vm, .. }
        | Op::Delete { vm, .. }
        | Op::Move { vm, .. }
        | Op::Flags { vm, .. } = &mut op
        {
            *vm = named;
        }
        self.op(start, op)
    }

    fn log_dirty(&mut self) -> Parsed<bool> {
        let at = self.cursor.token.start;
        let word = self.cursor.word()?;
        let flags = match word {
            "log-dirty" => Some(true),
            "none" => Some(false),
            _ => None,
        };
        self.cursor.known(flags, at, "memslot flag", &["log-dirty", "none"])
    }

    pub(super) fn split(&mut self, start: usize) -> Parsed<()> {
        let hva = self.cursor.range()?;
        let depth = if self.cursor.accept("depth")? { self.cursor.byte()? } else { 1 };
        self.op(start, Op::Split { hva, depth })
    }
}
