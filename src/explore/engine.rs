//! The search itself: depth first over the schedules.
//!
//! From each state it tries the tasks that races say, one after the other; a task that was tried sleeps
//! until something that its step depends on has run (Godefroid, LNCS 1032). Going back is the machine's
//! part (`drive`), what a state is and where the search ends are told in `arrive`.

use std::future::Future;
use std::pin::Pin;

use super::again::Played;
use super::check::Checks;
use super::config::{Config, Reduction};
use super::model::{Model, Observer};
use super::path::{Node, Path, PerTask, Step, bit};
use super::sets::Sets;
use super::visited::Visited;
use super::{Coverage, Cursor, Progress, TooManyTasks};
use crate::machine::MAX_TASKS;
use crate::machine::sim::{Alike, Checkpoint, Sim};

/// Counts of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Counts {
    /// Runs to the end, or to where others have gone on.
    pub schedules: u64,
    /// Of these, to the end.
    pub complete: u64,
    /// Steps, replays not counted.
    pub steps: u64,
    /// Longest path.
    pub depth: u32,
    /// Equal fingerprints that did not go on equally: the result is worth nothing.
    pub collisions: u32,
    /// States that lead back to themselves: what is below them may be incomplete.
    pub cycles: u32,
    /// Runs that the bound on scheduling points cut: what comes after is not known.
    pub cut: u32,
    /// Schedules that went another way when they were run again: something outside of the machine
    /// decides.
    pub strayed: u32,
}

/// A search in progress.
pub struct Search<'m, M: Model, O: Observer<M::Event>> {
    pub(super) model: &'m M,
    pub(super) sim: &'m Sim<Cursor, M::Event>,
    pub(super) observer: O,
    pub(super) config: Config,
    /// Tasks that states do not tell apart.
    pub(super) alike: Alike,
    pub(super) path: Path,
    pub(super) sets: Sets,
    pub(super) visited: Visited,
    pub(super) counts: Counts,
    /// Preemptions that schedules may have now; none for any number.
    pub(super) bound: Option<u8>,
    /// The bound left a schedule out.
    pub(super) left_out: bool,
    pub(super) checks: Checks,
    /// The schedule that first showed each finding, in the observer's order.
    pub(super) shown: Vec<Vec<u8>>,
    /// Schedules that brought the validator a dependency.
    pub(super) taught: Vec<Vec<u8>>,
    /// The first run that came to its end.
    pub(super) first: Option<Played>,
    /// The machine and the observer at each node.
    pub(super) kept: Vec<(Checkpoint, O::Memory)>,
    /// Steps before the path, which no other order of tasks can tell apart.
    pub(super) before: Vec<u8>,
    /// The machine stands at the end of the path.
    pub(super) in_place: bool,
    /// Records that the observer has followed.
    pub(super) followed: usize,
    pub(super) started: bool,
    /// Dependencies that the validator knows.
    pub(super) edges: usize,
    /// The system had no memory for what the next step may add.
    starved: bool,
}

/// Steps between two looks at the memory of the system.
const PROBE: u64 = 1 << 10;
/// Bytes that have to be there then: far more than so many steps take beside the tables.
const SPARE: usize = 4 << 20;

/// Futures of the tasks, in place.
pub(super) type Slots<'s, F> = [Pin<&'s mut Option<F>>];

impl<'m, M: Model, O: Observer<M::Event>> Search<'m, M, O>
where
    M::Event: Copy,
{
    /// A search that has seen nothing; none of more tasks than a machine can run.
    pub fn new(
        model: &'m M,
        sim: &'m Sim<Cursor, M::Event>,
        observer: O,
        config: Config,
    ) -> Result<Search<'m, M, O>, TooManyTasks> {
        TooManyTasks::check(model.tasks())?;
        Ok(Search {
            model,
            sim,
            observer,
            config,
            alike: config.alike(model),
            path: Path::default(),
            sets: Sets::default(),
            visited: Visited::new(model.tasks()),
            counts: Counts::default(),
            bound: config.max_preemptions.map(|_| 0),
            left_out: false,
            checks: Checks::default(),
            shown: Vec::new(),
            taught: Vec::new(),
            first: None,
            kept: Vec::new(),
            before: Vec::new(),
            in_place: false,
            followed: 0,
            started: false,
            edges: 0,
            starved: false,
        })
    }

    /// Goes on until everything was seen (true) or `stop` says so, which is asked before every step
    /// and only where there is one to make; or until a task goes another way than before.
    pub(super) fn go<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        mut stop: impl FnMut(&Self) -> bool,
    ) -> bool {
        match self.started {
            true => self.stand_again(slots, start),
            false => self.set_out(slots, start),
        }
        loop {
            let Some(task) = self.choose() else {
                if !self.widen() {
                    return true;
                }
                self.set_out(slots, start);
                continue;
            };
            if stop(self) || !self.has_room() {
                return false;
            }
            if !self.in_place {
                self.return_to_path();
            }
            let at = usize::from(task);
            if !self.sim.recall(at, slots[at].as_mut(), start) {
                self.counts.strayed += 1;
                return false;
            }
            self.step(slots, task);
        }
    }

    /// Has the tables grow now if the next step may fill them, where the search can still stop; and sees
    /// now and then that there is memory for all that is small.
    fn has_room(&mut self) -> bool {
        let tables = self.visited.has_room() && self.sets.has_room();
        let probe = self.counts.steps.is_multiple_of(PROBE);
        self.starved = !tables || probe && Vec::<u8>::new().try_reserve_exact(SPARE).is_err();
        !self.starved
    }

    /// What was covered, if everything was seen or not.
    pub(super) fn coverage(&self, seen_all: bool) -> Coverage {
        let counts = self.counts;
        let grave = [
            (counts.strayed > 0, Coverage::Strayed),
            (counts.collisions > 0, Coverage::Collisions),
            (counts.cycles > 0, Coverage::Cycles),
            (counts.cut > 0, Coverage::Points),
            (!seen_all, Coverage::Stopped),
            (self.left_out, Coverage::Preemptions),
        ];
        grave.into_iter().find(|(holds, _)| *holds).map_or(Coverage::Exhausted, |found| found.1)
    }

    /// Goes to the first state.
    fn set_out<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) {
        self.started = true;
        let runnable = self.enter(slots, start);
        self.arrive(runnable, None);
    }

    /// All was seen within the bound: one preemption more, where schedules were left out and that many
    /// are asked for (Musuvathi, Qadeer: Iterative context bounding, PLDI 2007).
    fn widen(&mut self) -> bool {
        let (Some(bound), Some(most)) = (self.bound, self.config.max_preemptions) else {
            return false;
        };
        let more = self.left_out && bound < most;
        if more {
            (self.bound, self.left_out) = (Some(bound + 1), false);
            self.visited = Visited::new(self.model.tasks());
        }
        more
    }

    /// The next task to try, at the deepest state that has one. States that have none are left.
    fn choose(&mut self) -> Option<u8> {
        loop {
            let node = self.path.nodes.last()?;
            let todo = node.todo();
            if todo != 0 {
                let last = node.last.filter(|&task| todo & bit(task) != 0);
                return Some(last.unwrap_or(todo.trailing_zeros() as u8));
            }
            self.leave();
        }
    }

    /// The deepest state is done.
    fn leave(&mut self) {
        let Some(node) = self.path.nodes.pop() else { return };
        if let Some(name) = node.name {
            let tried = name.ranks.of_all(node.backtrack);
            self.visited.leave(name.key, tried, &name.ranks.sorted(&node.below));
        }
        self.go_back(&node.below);
    }

    /// Takes the last step back; `below` is what every task did after it.
    pub(super) fn go_back(&mut self, below: &PerTask) {
        self.in_place = false;
        let (Some(step), Some(node)) = (self.path.steps.pop(), self.path.nodes.last_mut()) else {
            return;
        };
        let task = usize::from(step.task);
        node.sleep |= bit(step.task);
        node.sets[task] = step.set;
        if self.config.reduction != Reduction::Full {
            return;
        }
        node.below[task] = self.sets.union(node.below[task], step.set);
        for (mine, &more) in node.below.iter_mut().zip(below).take(self.model.tasks()) {
            *mine = self.sets.union(*mine, more);
        }
    }

    /// Runs `task` to its next scheduling point.
    fn step<F: Future<Output = ()>>(&mut self, slots: &mut Slots<'_, F>, task: u8) {
        let runnable = self.run(slots, task);
        let (set, woken) = self.touched();
        let clock = match self.config.reduction {
            Reduction::Full => self.path.race(&self.sets, task, set),
            _ => [0; MAX_TASKS],
        };
        self.path.steps.push(Step { task, set, woken, clock });
        self.counts.depth = self.counts.depth.max(self.path.steps.len() as u32);
        self.note_news();
        self.arrive(runnable, Some(task));
    }
}

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O> {
    /// How far the search has come.
    pub fn progress(&self) -> Progress {
        let left = |node: &&Node| node.todo() != 0;
        Progress {
            counts: self.counts,
            states: self.visited.len(),
            memory: self.visited.memory() + self.sets.memory(),
            memory_ahead: self.memory_ahead(),
            starved: self.starved,
            depth: self.path.steps.len(),
            frontier: self.path.nodes.iter().filter(left).count(),
            preemptions: self.bound,
            findings: self.observer.findings(),
            fraction: match self.started && self.path.nodes.is_empty() {
                true => 1.0,
                false => self.path.fraction(),
            },
        }
    }

    /// Different states so far.
    pub fn states(&self) -> usize {
        self.visited.len()
    }

    /// Bytes that it takes while the next step is made, roughly: a full table is copied into one of twice
    /// its size.
    pub fn memory_ahead(&self) -> usize {
        let grows = self.visited.growth() + self.sets.growth();
        self.visited.memory() + self.sets.memory() + grows
    }

    /// Who judged the runs.
    pub fn observer(&self) -> &O {
        &self.observer
    }
}
