//! Enters a run of another machine, as if it had gone that way here, so that the validator, the
//! wait-for graph and the oracles judge it with the code that judges the simulator's own runs.

use super::state::State;
use super::{Ending, Schedule, Sim, Wait};
use crate::machine::log::{Entry, Log, Step};
use crate::machine::{LockId, Mode, Site};

/// A task got a lock that the simulator's rules would not have given it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The lock.
    pub lock: LockId,
    /// The task.
    pub task: u8,
    /// How it has it.
    pub mode: Mode,
}

impl<S: Schedule, E: Copy> Sim<S, E> {
    /// Goes through a run of `tasks` tasks, after a reset and the set-up of the same history.
    pub fn adopt(&self, tasks: usize, log: &Log<E>) -> Result<Ending, Refused> {
        self.begin(tasks, false);
        for entry in &log.entries {
            match entry.step {
                Step::Done => self.finish(entry.task),
                _ => self.state.borrow_mut().repeat(entry)?,
            }
        }
        self.state.borrow_mut().suspend(log);
        Ok(self.ending())
    }

    /// Unfinished tasks that no running task can ever wake.
    pub fn doomed(&self) -> u16 {
        self.state.borrow().doomed()
    }
}

impl<S: Schedule, E: Copy> State<S, E> {
    fn repeat(&mut self, entry: &Entry<E>) -> Result<(), Refused> {
        let task = entry.task;
        match entry.step {
            Step::Asks(lock, mode, at) => self.ask(task, lock, mode, at),
            Step::Gets(lock, mode) => return self.get(task, lock, mode),
            Step::TryGets(lock, mode, at) => {
                self.get(task, lock, mode)?;
                self.annotate(task, lock, mode, true, at);
            }
            Step::Releases(lock, at) => self.drop_lock(task, lock, at),
            Step::Downgrades(lock, at) => self.downgrade(task, lock, at),
            Step::Map(map, true, at) => self.take_map(task, map, at),
            Step::Map(map, false, at) => self.drop_map(task, map, at),
            Step::Srcu(srcu, true, at) => self.srcu_enter(task, srcu, at),
            Step::Srcu(srcu, false, at) => self.srcu_leave(task, srcu, at),
            Step::MightSleep(at) => self.check_sleep(task, at),
            Step::NonBlock(true) => self.tasks[usize::from(task)].nonblock += 1,
            Step::NonBlock(false) => self.tasks[usize::from(task)].nonblock -= 1,
            Step::Span(span, enters) => self.spans[usize::from(span.0)].mark(task, enters),
            Step::Trace(event) => self.trace(task, event),
            Step::UserExit(at) => self.user_exit(task, at),
            Step::Done => {}
        }
        Ok(())
    }

    /// What comes before the wait for a lock.
    fn ask(&mut self, task: u8, lock: LockId, mode: Mode, at: Site) {
        if self.locks[usize::from(lock.0)].kind.sleeps() {
            self.check_sleep(task, at);
        }
        self.annotate(task, lock, mode, false, at);
    }

    fn get(&mut self, task: u8, lock: LockId, mode: Mode) -> Result<(), Refused> {
        match self.try_take(task, lock, mode) {
            true => Ok(()),
            false => Err(Refused { lock, task, mode }),
        }
    }

    /// The state of the locations, and who waits. Writers queue first: a reader that waits for a
    /// lock that others hold shared waits behind one.
    fn suspend(&mut self, log: &Log<E>) {
        self.points = log.points;
        for &(word, value) in &log.words {
            self.store(word, value);
        }
        let writes = |wait: &Wait| matches!(wait, Wait::Lock { mode: Mode::Write, .. });
        let (first, then): (Vec<_>, Vec<_>) = log.waits.iter().partition(|(_, wait)| writes(wait));
        for &(task, wait) in first.into_iter().chain(then) {
            match wait {
                Wait::Lock { lock, mode, at } if self.is_refused(lock, mode) => {
                    self.enqueue(task, lock, mode, at);
                }
                // It is about to get it.
                Wait::Lock { .. } => {}
                wait => self.block(task, wait),
            }
        }
    }

    /// The rules keep the lock from a task that asks for it now.
    fn is_refused(&self, lock: LockId, mode: Mode) -> bool {
        !self.locks[usize::from(lock.0)].admits(mode, self.policy)
    }
}
