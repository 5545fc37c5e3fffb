//! Acquiring: the order of the checks, wait types, the same class twice.

use kvm_lock_fuzz::lockdep::script::{AcquireArgs, ReadMode};
use kvm_lock_fuzz::lockdep::{LockType, Read};

use super::{Fired, Held, MAX_DEPTH, Reference, Step};

impl Reference<'_> {
    pub(super) fn acquire_event(&mut self, args: &AcquireArgs, sync: bool) -> Step {
        let task = &self.tasks[self.task];
        let read = match args.mode {
            ReadMode::Plain(Read::Exclusive) => 0,
            ReadMode::Plain(Read::Shared) => 1,
            ReadMode::Plain(Read::Recursive) => 2,
            ReadMode::Queued if task.hardirq_depth > 0 || task.softirq_count > 0 => 2,
            ReadMode::Queued => 1,
        };
        let held = Held {
            class: 0,
            lock: args.lock,
            at: self.event,
            nest: args.nest,
            read,
            trylock: args.trylock,
            check: args.check,
            sync,
            hardirqs_off: task.hardirqs_off,
            context: 0,
            references: 0,
            previous: Vec::new(),
        };
        self.acquire(held, args.subclass)
    }

    pub(super) fn acquire(&mut self, mut new: Held, subclass: u8) -> Step {
        new.class = self.class(new.lock, subclass)?;
        if let Some(top) = self.me().stack.last_mut()
            && !new.sync
            && new.nest.is_some()
            && top.class == new.class
        {
            top.references = top.references.max(1) + new.references.max(1);
            return Ok(());
        }
        let task = self.tasks[self.task].clone();
        new.context = u8::from(task.hardirq_depth > 0) * 2 + u8::from(task.softirq_depth > 0);
        new.previous = task.chain.clone();
        self.check_wait(&new)?;
        self.mark_usage(&new)?;
        let head = task.stack.last().is_none_or(|top| top.context != new.context);
        let mut chain = if head { Vec::new() } else { task.chain };
        chain.push((new.class, new.read));
        if let Some(nest) = new.nest
            && !self.stack().iter().any(|held| self.matches(held, nest))
        {
            return self.report_nest_not_held(&new, nest);
        }
        if !new.trylock && new.check && self.chains.insert(chain.clone()) {
            let context = if new.context & 2 != 0 { 2 } else { usize::from(new.context & 1) };
            self.chain_counts[context] += 1;
            if !self.check_same_class(&new)? && !head {
                self.add_edges(&new)?;
            }
        }
        if new.sync {
            return Ok(());
        }
        self.me().stack.push(new);
        self.me().chain = chain;
        if self.stack().len() == MAX_DEPTH { self.report_depth() } else { Ok(()) }
    }

    pub(super) fn context_level(&self) -> u8 {
        let task = &self.tasks[self.task];
        let config = if self.raw { 3 } else { 2 };
        match (task.hardirq_depth > 0, task.threaded, task.softirq_depth > 0) {
            (true, false, _) => 2,
            (true, true, _) | (false, _, true) => config,
            (false, _, false) => config + 2,
        }
    }

    fn check_wait(&mut self, new: &Held) -> Step {
        let inner = self.inner(new.class);
        if inner == 0 || new.trylock {
            return Ok(());
        }
        let need = if self.outer(new.class) == 0 { inner } else { self.outer(new.class) };
        let mut limit = self.context_level();
        let stack = self.stack();
        let above = stack.iter().rev().take_while(|held| held.context == new.context).count();
        for held in &stack[stack.len() - above..] {
            let inner = self.inner(held.class);
            if inner != 0 {
                limit = limit.min(inner);
                if self.lock_type(held.class) == LockType::Override {
                    limit = inner;
                }
            }
        }
        if need > limit { self.report_wait(new) } else { Ok(()) }
    }

    /// True if a nest lock covers the acquisition.
    fn check_same_class(&mut self, new: &Held) -> Result<bool, Fired> {
        let mut nest_seen = false;
        for held in self.stack().to_vec() {
            if new.nest == Some(held.lock) {
                nest_seen = true;
            }
            if held.class != new.class || (new.read == 2 && held.read != 0) {
                continue;
            }
            if nest_seen {
                return Ok(true);
            }
            self.report_recursive(&held, new)?;
        }
        Ok(false)
    }
}
