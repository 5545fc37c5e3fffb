//! Declarations: classes, locks and tasks.

use super::super::super::types::{LockType, WaitType};
use super::super::{ClassDecl, Decl, LockDecl, TaskDecl};
use super::words::{Words, argument, init_subclass, lock_type, named, number, shown, wait_type};
use super::{Nesting, Parsed, Parser};

impl Parser {
    pub(super) fn declaration(&mut self, line: &str) -> Parsed<()> {
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
    pub(super) fn task_number(&mut self, id: &str) -> Parsed<usize> {
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
}
