//! The wait-for graph: which task waits for which, which can never be woken, and the cycle behind it.
//!
//! A lock is waited for through its holders and whoever is ahead in its queue, a grace period
//! through its readers, a region count through the tasks inside the span. A retrying fault can be
//! woken by a task that can still step.

use arrayvec::ArrayVec;

use super::state::State;
use super::tables::bits;
use super::{Alarm, Record, Schedule, What};
use crate::machine::{HeldUp, LockId, MAX_TASKS, Mode, RcuWait, Site, Srcu};

/// Why a task does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For a lock, from `at`.
    Lock {
        /// The lock.
        lock: LockId,
        /// How it is wanted.
        mode: Mode,
        /// Where.
        at: Site,
    },
    /// For a grace period; the readers still awaited.
    Grace(Srcu, u16),
    /// Asleep in `schedule()` as the waiter of that rcuwait.
    Sleep(RcuWait),
    /// A fault that waits for a write before it retries; what it is held up by.
    Retry(HeldUp),
}

/// Why no task can wake a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doom {
    /// It is on a cycle of waits, or waits for one, or for what no task will release.
    Deadlock,
    /// The condition that it waits for holds; the wake-up never came.
    LostWakeup,
    /// It would retry, but nothing that it reads will change.
    Livelock,
}

/// Waits that no running task can end: each task waits for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The tasks and what they wait for.
    pub waits: ArrayVec<(u8, Wait), MAX_TASKS>,
    /// The last waits for the first; otherwise for something that no task will release.
    pub closed: bool,
}

impl<S: Schedule, E> State<S, E> {
    /// Tasks whose progress `task` needs: all of them, or any one of them.
    fn needs(&self, task: u8) -> Needs {
        match self.tasks[task as usize].wait {
            None => Needs::All(0),
            Some(Wait::Lock { lock, .. }) => Needs::All(self.locks[lock.0 as usize].blockers(task)),
            Some(Wait::Grace(_, readers)) => Needs::All(readers),
            Some(Wait::Sleep(wait)) => match self.inside(self.rcuwaits[wait.0 as usize].span) {
                0 => Needs::Any,
                inside => Needs::All(inside),
            },
            Some(Wait::Retry(_)) => Needs::Any,
        }
    }

    fn inside(&self, span: u8) -> u16 {
        self.spans[span as usize].inside
    }

    /// Unfinished tasks that no running task can ever wake.
    pub(super) fn doomed(&self) -> u16 {
        let all = ((1u32 << self.count) - 1) as u16;
        let done = self.done;
        let mut live = self.runnable;
        loop {
            let before = live;
            for task in bits(all & !done & !live) {
                let moves = match self.needs(task) {
                    Needs::All(tasks) => tasks & !live == 0,
                    Needs::Any => live != 0,
                };
                live |= u16::from(moves) << task;
            }
            if live == before {
                return all & !done & !live;
            }
        }
    }

    /// Reports the tasks that no task can wake, each at the event at which it blocked.
    pub(super) fn report_doomed(&mut self) {
        let doomed = self.doomed();
        for task in bits(doomed) {
            let cycle = self.shortest_cycle(task, doomed);
            if let Some(doom) = self.doom(task, &cycle, doomed) {
                let index = self.cycles.len() as u16;
                self.cycles.push(cycle);
                let event = self.tasks[task as usize].blocked_at;
                let what = What::Alarm(Alarm::Stuck(doom, index));
                self.records.push(Record { event, task, what });
            }
        }
    }

    /// What to call it; none where it only queues behind what another task's report covers.
    fn doom(&self, task: u8, cycle: &Cycle, doomed: u16) -> Option<Doom> {
        let orphaned = self.waits_on(task, doomed) == 0;
        match self.tasks[task as usize].wait? {
            Wait::Sleep(wait) if self.idle(wait) => Some(Doom::LostWakeup),
            Wait::Retry(_) if orphaned => Some(Doom::Livelock),
            _ => (cycle.closed || orphaned).then_some(Doom::Deadlock),
        }
    }

    /// The condition of the wait holds.
    fn idle(&self, wait: RcuWait) -> bool {
        let word = self.rcuwaits[wait.0 as usize].until_zero;
        self.words[word.0 as usize].value == 0
    }

    /// The doomed tasks that `task` waits for by name.
    fn waits_on(&self, task: u8, doomed: u16) -> u16 {
        let tasks = match self.tasks[task as usize].wait {
            Some(Wait::Retry(HeldUp::ByRegion(span, _))) => self.inside(span.0),
            Some(Wait::Retry(HeldUp::ByUpdate(lock))) => {
                self.locks[lock.0.0 as usize].owner.map_or(0, |owner| 1 << owner)
            }
            _ => match self.needs(task) {
                Needs::All(tasks) => tasks,
                Needs::Any => 0,
            },
        };
        tasks & doomed
    }

    /// The shortest cycle of waits through `task`, or `task` alone where it is on none.
    fn shortest_cycle(&self, task: u8, doomed: u16) -> Cycle {
        let mut from = [u8::MAX; MAX_TASKS];
        let mut queue: ArrayVec<u8, MAX_TASKS> = ArrayVec::new();
        queue.push(task);
        let (mut head, mut seen, mut last) = (0, 0u16, None);
        while let Some(&at) = queue.get(head) {
            head += 1;
            let next = self.waits_on(at, doomed);
            if next & 1 << task != 0 {
                last = Some(at);
                break;
            }
            for to in bits(next & !seen) {
                seen |= 1 << to;
                from[to as usize] = at;
                queue.push(to);
            }
        }
        let waits = self.unwind(task, last.unwrap_or(task), &from);
        Cycle { waits, closed: last.is_some() }
    }

    fn unwind(
        &self,
        first: u8,
        last: u8,
        from: &[u8; MAX_TASKS],
    ) -> ArrayVec<(u8, Wait), MAX_TASKS> {
        let mut cycle = ArrayVec::new();
        let mut at = last;
        loop {
            if let Some(wait) = self.tasks[at as usize].wait {
                cycle.push((at, wait));
            }
            if at == first {
                cycle.reverse();
                return cycle;
            }
            at = from[at as usize];
        }
    }
}

/// What a blocked task needs.
enum Needs {
    /// That all of these go on.
    All(u16),
    /// That anybody at all can still step.
    Any,
}
