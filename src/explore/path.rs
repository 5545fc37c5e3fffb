//! The path from the first state to the one that the search stands at: what ran, what happened
//! before what, and which other tasks have to be tried where.
//!
//! Source sets: where two steps race, some task that can begin the reversed order is tried at the
//! state before the first of them (Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order
//! reduction, POPL 2014, algorithm 1).

use super::sets::{Bits, SetId, Sets};
use crate::machine::MAX_TASKS;
use crate::machine::sim::{Fingerprint, Ranks};

/// For each task, one more than the index of its last step that happened before.
pub type Clock = [u16; MAX_TASKS];

/// One set for each task.
pub type PerTask = [SetId; MAX_TASKS];

/// What a state is known by.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Name {
    /// Its identity, tasks by rank.
    pub key: Fingerprint,
    /// Their ranks.
    pub ranks: Ranks,
}

/// A state on the path.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Node {
    /// What it is known by; none where it is not kept.
    pub name: Option<Name>,
    /// Tasks that can run.
    pub enabled: u16,
    /// Tasks whose next step leads to what has been seen: tried here, or before with nothing since
    /// that it depends on.
    pub sleep: u16,
    /// Tasks that were tried when the search was at this state before.
    pub tried: u16,
    /// Tasks that have to be tried.
    pub backtrack: u16,
    /// What the next steps of the sleeping tasks touch.
    pub sets: PerTask,
    /// What each task touches in all that was seen from here on.
    pub below: PerTask,
    /// Task that came here by its own step; none at the first state.
    pub last: Option<u8>,
    /// Preemptions left.
    pub budget: u8,
}

/// A step on the path, from the node of the same index.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Step {
    /// Whose.
    pub task: u8,
    /// What it touched.
    pub set: SetId,
    /// Tasks that it woke and nobody else could have.
    pub woken: u16,
    /// What happened before it, itself included.
    pub clock: Clock,
}

/// The path.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Path {
    /// States, the first one first. One more than the steps while the search stands at a node.
    pub nodes: Vec<Node>,
    /// What led from one to the next.
    pub steps: Vec<Step>,
}

impl Path {
    /// The clock of a next step of `task` that touches `set`. Its races with the steps before it
    /// are noted where they have to be reversed.
    pub fn race(&mut self, sets: &Sets, task: u8, set: SetId) -> Clock {
        let mut clock = [0; MAX_TASKS];
        let mut awaits_wake = true;
        for i in (0..self.steps.len()).rev() {
            let step = &self.steps[i];
            let wakes = awaits_wake && step.woken & bit(task) != 0;
            if step.task == task {
                awaits_wake = false;
                join(&mut clock, &step.clock);
            } else if usize::from(clock[usize::from(step.task)]) > i {
                continue;
            } else if wakes {
                join(&mut clock, &step.clock);
            } else if sets.conflict(step.set, set) {
                let begin = self.begins(i, Some((task, &clock)));
                self.nodes[i].try_one_of(begin, task);
                join(&mut clock, &self.steps[i].clock);
            }
        }
        clock[usize::from(task)] = self.steps.len() as u16 + 1;
        clock
    }

    /// The tasks that can begin what came after step `i` without depending on it, `last` included:
    /// a task at the end of the path, and what happened before its step.
    fn begins(&self, i: usize, last: Option<(u8, &Clock)>) -> u16 {
        let excluded = usize::from(self.steps[i].task);
        let (mut seen, mut begins) = (0u16, 0u16);
        let mut first: Clock = [0; MAX_TASKS];
        let preceded = |seen: u16, first: &Clock, clock: &Clock| {
            tasks(seen).any(|task| clock[task] >= first[task])
        };
        for (j, step) in self.steps.iter().enumerate().skip(i + 1) {
            if usize::from(step.clock[excluded]) > i || seen & bit(step.task) != 0 {
                continue;
            }
            if !preceded(seen, &first, &step.clock) {
                begins |= bit(step.task);
            }
            seen |= bit(step.task);
            first[usize::from(step.task)] = j as u16 + 1;
        }
        match last {
            Some((task, clock)) if seen & bit(task) == 0 && !preceded(seen, &first, clock) => {
                begins | bit(task)
            }
            _ => begins,
        }
    }

    /// The search does not go on from the end of the path, because what comes there is known: `below` is
    /// what each task touches. Whatever of the path may race with it has to be reversed as if it had
    /// been run (Yang, Chen, Gopalakrishnan, Kirby: Efficient stateful dynamic partial order
    /// reduction, SPIN 2008). That a touch to come may be ordered after the path by others that come
    /// before it is not looked at: it would save a quarter of the states and take longer than them.
    pub fn race_below(&mut self, sets: &mut Sets, below: &[SetId]) {
        let tip = self.tip(below);
        let all = below.iter().fold(SetId::EMPTY, |all, &set| sets.union(all, set));
        // A step that changes an object comes between what touched it before and what will.
        let mut changed_since = Bits::default();
        for i in (0..self.steps.len()).rev() {
            let Step { task: own, set, .. } = self.steps[i];
            let since = changed_since;
            if sets.exact() {
                sets.add_changed(&mut changed_since, set);
            }
            let node = &self.nodes[i];
            if node.enabled & !(node.backtrack | node.sleep) == 0 {
                continue;
            }
            if !sets.clash(set, all, &since) {
                continue;
            }
            let racing = mask(
                (0..below.len())
                    .filter(|&q| q != usize::from(own) && !tip.follows(q, own, i))
                    .filter(|&q| sets.clash(set, below[q], &since)),
            );
            if racing != 0 {
                self.reverse(i, racing, sets, &tip);
            }
        }
    }

    /// The end of the path, where `below` is known to come.
    fn tip<'a>(&self, below: &'a [SetId]) -> Tip<'a> {
        let clock = |task: usize| match below.get(task) {
            Some(&set) if set != SetId::EMPTY => self.clock(task as u8),
            _ => [0; MAX_TASKS],
        };
        Tip { below, clocks: std::array::from_fn(clock) }
    }

    /// Has a task tried before step `i` that can begin what the `racing` tasks do to come.
    fn reverse(&mut self, i: usize, racing: u16, sets: &Sets, tip: &Tip<'_>) {
        let begins = self.begins(i, None) & self.nodes[i].enabled;
        if begins != 0 {
            return self.nodes[i].try_one_of(begins, begins.trailing_zeros() as u8);
        }
        let own = self.steps[i].task;
        let independent = mask(
            (0..tip.below.len())
                .filter(|&q| tip.below[q] != SetId::EMPTY && !tip.follows(q, own, i)),
        );
        let node = &mut self.nodes[i];
        node.backtrack |= tip.reach(sets, racing, independent) & node.enabled;
    }

    /// The part of the search that is done, if what is below a state is as much as below the next: an
    /// estimate, which falls where a race adds a task to try.
    pub fn fraction(&self) -> f64 {
        let (mut done, mut weight) = (0.0, 1.0);
        for node in &self.nodes {
            weight /= f64::from(node.backtrack.count_ones().max(1));
            done += weight * f64::from((node.backtrack & !node.todo()).count_ones());
        }
        done
    }

    /// What happened before whatever `task` does next.
    fn clock(&self, task: u8) -> Clock {
        let mut clock = [0; MAX_TASKS];
        for step in self.steps.iter().rev() {
            if step.woken & bit(task) != 0 || step.task == task {
                join(&mut clock, &step.clock);
            }
            if step.task == task {
                break;
            }
        }
        clock
    }
}

impl Node {
    /// The tasks that are still to be tried.
    pub fn todo(&self) -> u16 {
        self.backtrack & !(self.sleep | self.tried)
    }

    /// The tasks that can ever be tried here.
    pub fn choices(&self) -> u16 {
        match self.budget {
            0 => self.backtrack,
            _ => self.enabled & !(self.sleep | self.tried),
        }
    }

    /// One of the tasks is tried here, `preferred` if it is among them, unless one is already.
    fn try_one_of(&mut self, tasks: u16, preferred: u8) {
        let tasks = tasks & self.enabled;
        if tasks == 0 || tasks & (self.backtrack | self.sleep) != 0 {
            return;
        }
        self.backtrack |= match tasks & bit(preferred) {
            0 => tasks & tasks.wrapping_neg(),
            preferred => preferred,
        };
    }
}

/// The end of the path, and what is known to come after it.
struct Tip<'a> {
    /// What each task touches.
    below: &'a [SetId],
    /// What has happened before whatever each task does next.
    clocks: [Clock; MAX_TASKS],
}

impl Tip<'_> {
    /// Whether all that task `q` does to come depends on step `i` of `own`.
    fn follows(&self, q: usize, own: u8, i: usize) -> bool {
        usize::from(self.clocks[q][usize::from(own)]) > i
    }

    /// The tasks among `all` that `from` may have to wait for: whose touches some of theirs depend on.
    fn reach(&self, sets: &Sets, from: u16, all: u16) -> u16 {
        let mut reached = from;
        loop {
            let depends =
                |r: &usize| tasks(reached).any(|q| sets.conflict(self.below[*r], self.below[q]));
            let more = mask(tasks(all & !reached).filter(depends));
            if more == 0 {
                return reached & all;
            }
            reached |= more;
        }
    }
}

fn mask(tasks: impl Iterator<Item = usize>) -> u16 {
    tasks.fold(0, |mask, task| mask | bit(task as u8))
}

/// The mask of one task.
pub fn bit(task: u8) -> u16 {
    1 << task
}

/// The tasks of a mask, lowest first.
pub fn tasks(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let task = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (task < MAX_TASKS).then_some(task)
    })
}

fn join(clock: &mut Clock, other: &Clock) {
    *clock = std::array::from_fn(|task| clock[task].max(other[task]));
}
