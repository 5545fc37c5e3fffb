//! The search itself: depth first over the schedules, by replay.
//!
//! A run cannot be copied whole, so the search goes back by loading the machine's tables and telling the
//! tasks that have gone on what they had seen. From
//! each state it tries the tasks that races say, one after the other; a task that was tried sleeps
//! until something that its step depends on has run (Godefroid, LNCS 1032). Where a known state is
//! reached, nothing more is run: that is sound if everything that slept there sleeps here too, and if
//! what the part below it did is raced with the present path.

use std::future::Future;
use std::pin::Pin;

use super::check::Checks;
use super::config::{Config, Mistake, Reduction};
use super::model::{Model, Observer};
use super::path::{Node, Path, PerTask, Step, bit, tasks};
use super::sets::{SetId, Sets};
use super::visited::Visited;
use super::{Cursor, Progress};
use crate::machine::MAX_TASKS;
use crate::machine::sim::{Checkpoint, Fingerprint, Object, Sim};

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
}

/// A search in progress.
pub struct Search<'m, M: Model, O: Observer<M::Event>> {
    pub(super) model: &'m M,
    pub(super) sim: &'m Sim<Cursor, M::Event>,
    pub(super) observer: O,
    pub(super) config: Config,
    pub(super) path: Path,
    pub(super) sets: Sets,
    pub(super) visited: Visited,
    pub(super) counts: Counts,
    pub(super) checks: Checks,
    /// The schedule that first showed each finding, in the observer's order.
    pub(super) shown: Vec<Vec<u8>>,
    /// Schedules that brought the validator a dependency.
    pub(super) taught: Vec<Vec<u8>>,
    /// The machine and the observer at each node.
    kept: Vec<(Checkpoint, O::Memory)>,
    /// Steps before the path, which no other order of tasks can tell apart.
    pub(super) before: Vec<u8>,
    /// The machine stands at the end of the path.
    pub(super) in_place: bool,
    /// Records that the observer has followed.
    followed: usize,
    pub(super) started: bool,
    /// Dependencies that the validator knows.
    pub(super) edges: usize,
}

/// Futures of the tasks, in place.
pub(super) type Slots<'s, F> = [Pin<&'s mut Option<F>>];

impl<'m, M: Model, O: Observer<M::Event>> Search<'m, M, O>
where
    M::Event: Copy,
{
    /// A search that has seen nothing.
    pub fn new(
        model: &'m M,
        sim: &'m Sim<Cursor, M::Event>,
        observer: O,
        config: Config,
    ) -> Search<'m, M, O> {
        Search {
            model,
            sim,
            observer,
            config,
            path: Path::default(),
            sets: Sets::default(),
            visited: Visited::new(model.tasks()),
            counts: Counts::default(),
            checks: Checks::default(),
            shown: Vec::new(),
            taught: Vec::new(),
            kept: Vec::new(),
            before: Vec::new(),
            in_place: false,
            followed: 0,
            started: false,
            edges: 0,
        }
    }

    /// Goes on until everything was seen (true) or `stop` says so, which is asked before every step
    /// and only where there is one to make.
    pub(super) fn go<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        mut stop: impl FnMut(&Self) -> bool,
    ) -> bool {
        if !self.started {
            self.started = true;
            let runnable = self.enter(slots, start);
            self.arrive(runnable, None);
        } else {
            self.stand_again(slots, start);
        }
        loop {
            let Some(task) = self.choose() else { return true };
            if stop(self) {
                return false;
            }
            if !self.in_place {
                self.return_to_path(slots, start);
            }
            self.step(slots, task);
        }
    }

    /// The next task to try, at the deepest state that has one. States that have none are left.
    fn choose(&mut self) -> Option<u8> {
        loop {
            let node = self.path.nodes.last()?;
            let todo = node.backtrack & !node.sleep;
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
        if self.config.reduction != Reduction::None {
            self.visited.leave(node.key, &node.below);
        }
        self.go_back(&node.below);
    }

    /// Takes the last step back; `below` is what every task did after it.
    fn go_back(&mut self, below: &PerTask) {
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
        for (mine, &more) in node.below.iter_mut().zip(below) {
            *mine = self.sets.union(*mine, more);
        }
    }

    /// Starts the run.
    fn begin<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) {
        slots.iter_mut().for_each(|slot| slot.set(None));
        let (sim, marks) = (self.sim, self.config.marks);
        sim.restart(self.model.settings(), |cursor| {
            *cursor = Cursor { marks: Some(marks), ..Cursor::default() };
        });
        sim.set_up(std::pin::pin!(self.model.set_up(sim.task(0))));
        for (i, slot) in slots.iter_mut().enumerate() {
            slot.set(Some(start(i)));
        }
        sim.start(slots.len());
        self.observer.begin();
        (self.in_place, self.followed) = (true, 0);
        self.catch_up();
    }

    /// Comes to the first state; gives the tasks that can run there.
    pub(super) fn enter<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) -> u16 {
        self.begin(slots, start);
        self.before = (0..slots.len() as u8).collect();
        if !self.prelude(slots) {
            self.before.clear();
            self.begin(slots, start);
        }
        self.sim.advance(slots)
    }

    /// Brings every task before its first scheduling point. Whether none touched anything on the way:
    /// then nobody can tell in which order they came there.
    fn prelude<F: Future<Output = ()>>(&mut self, slots: &mut Slots<'_, F>) -> bool {
        (0..slots.len() as u8).all(|task| {
            self.run(slots, task);
            self.touched() == (SetId::EMPTY, 0)
        })
    }

    /// Goes back to the deepest state of the path.
    fn return_to_path<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) {
        let (machine, memory) = &self.kept[self.path.nodes.len() - 1];
        self.sim.load(machine, slots, start);
        self.observer.load(memory);
        self.followed = self.sim.inspect(|seen| seen.records.len());
        self.in_place = true;
    }

    /// Keeps the state after so many steps, which the search goes below.
    pub(super) fn keep(&mut self, depth: usize) {
        if self.kept.len() <= depth {
            self.kept.resize_with(depth + 1, Default::default);
        }
        let (machine, memory) = &mut self.kept[depth];
        self.sim.save(machine);
        self.observer.save(memory);
    }

    /// The observer follows what was replayed.
    pub(super) fn catch_up(&mut self) {
        let (observer, followed) = (&mut self.observer, &mut self.followed);
        self.sim.inspect(|seen| {
            for record in &seen.records[*followed..] {
                observer.follow(seen, record);
            }
            *followed = seen.records.len();
        });
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

    /// Lets the machine make that step; gives the tasks that can run then.
    pub(super) fn run<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        task: u8,
    ) -> u16 {
        self.sim.with_schedule(|cursor| {
            cursor.next = Some(task);
            cursor.touched.clear();
            cursor.taken.clear();
            cursor.woken = 0;
        });
        self.counts.steps += 1;
        self.sim.stamp(task, self.counts.steps);
        self.sim.advance(slots)
    }

    /// What the step touched, observers included, and whom it woke.
    fn touched(&mut self) -> (SetId, u16) {
        let (mut touched, woken) = self.sim.with_schedule(|cursor| {
            cursor.touched.extend(cursor.taken.drain(..).map(|object| (object, true)));
            (std::mem::take(&mut cursor.touched), cursor.woken)
        });
        let (observer, followed) = (&mut self.observer, &mut self.followed);
        self.sim.inspect(|seen| {
            for record in &seen.records[*followed..] {
                let mut touch = |object: Object, changed| touched.push((object, changed));
                observer.touched(record, &mut touch);
                observer.follow(seen, record);
            }
            *followed = seen.records.len();
        });
        if let Some(mistake) = self.config.mistake {
            mistake.spoil(&mut touched);
        }
        let set = self.sets.of(&touched);
        self.sim.with_schedule(|cursor| cursor.touched = touched);
        let woken = if self.config.mistake == Some(Mistake::Wakes) { 0 } else { woken };
        (set, woken)
    }

    /// Keeps the schedule where it showed a finding or taught the validator a dependency.
    fn note_news(&mut self) {
        let edges = self.sim.inspect(|seen| seen.lockdep.edges().len());
        let (before, path) = (&self.before, &self.path);
        let script = || -> Vec<u8> {
            before.iter().copied().chain(path.steps.iter().map(|step| step.task)).collect()
        };
        while self.shown.len() < self.observer.findings() {
            self.shown.push(script());
        }
        if edges > self.edges {
            self.edges = edges;
            self.taught.push(script());
        }
    }

    /// The step led to a state where `enabled` can run: the run is over, others have gone on from
    /// here, or the search goes below.
    fn arrive(&mut self, enabled: u16, ran: Option<u8>) {
        if self.config.check {
            self.check(enabled);
        }
        if enabled == 0 {
            return self.finish();
        }
        let node = self.node(enabled, ran);
        if node.backtrack == 0 {
            // Whatever can run sleeps.
            return self.cut(None);
        }
        if self.config.reduction == Reduction::None {
            self.keep(self.path.nodes.len());
            return self.path.nodes.push(node);
        }
        let known = self.visited.get(node.key);
        match known {
            Some(known) if self.config.covers(known, &node) => self.cut(Some(node.key)),
            known => {
                let sleep = known.map_or(node.sleep, |known| node.sleep & known.sleep);
                let sleep = if self.config.max_preemptions.is_some() { node.sleep } else { sleep };
                self.visited.enter(node.key, self.config.covering(&node, sleep));
                self.keep(self.path.nodes.len());
                self.path.nodes.push(Node { sleep, ..node });
            }
        }
    }

    /// The state that the path has come to.
    fn node(&self, enabled: u16, ran: Option<u8>) -> Node {
        let parent = self.path.nodes.last().zip(self.path.steps.last());
        let (mut sleep, mut sets) = (0, [SetId::EMPTY; MAX_TASKS]);
        if let (Some((parent, step)), Reduction::Full) = (parent, self.config.reduction) {
            let awake = |q: &usize| !self.sets.conflict(parent.sets[*q], step.set);
            for q in tasks(parent.sleep & enabled & !bit(step.task)).filter(awake) {
                sleep |= bit(q as u8);
                sets[q] = parent.sets[q];
            }
        }
        let budget = self.budget();
        let observer = self.observer.fingerprint();
        let mut key = self.sim.fingerprint().plus(observer);
        let stays = ran.filter(|&task| enabled & bit(task) != 0);
        if self.config.max_preemptions.is_some() {
            key = key.with(stays.map_or(0, |task| 1 + u64::from(task)));
        }
        let all = match stays {
            Some(task) if budget == 0 => bit(task),
            _ => enabled,
        };
        let backtrack = match self.config.reduction {
            Reduction::Full => first(enabled & !sleep, ran),
            _ => all,
        };
        let below = [SetId::EMPTY; MAX_TASKS];
        Node { key, enabled, sleep, backtrack, sets, below, last: ran, budget }
    }

    /// Preemptions that are left after the last step.
    fn budget(&self) -> u8 {
        let (Some(parent), Some(step)) = (self.path.nodes.last(), self.path.steps.last()) else {
            return self.config.max_preemptions.unwrap_or(u8::MAX);
        };
        let preempts =
            parent.last.is_some_and(|last| last != step.task && parent.enabled & bit(last) != 0);
        parent.budget.saturating_sub(u8::from(preempts && self.config.max_preemptions.is_some()))
    }

    /// Nobody can run.
    fn finish(&mut self) {
        let ending = self.sim.settle();
        self.catch_up();
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| observer.end(seen, Some(ending)));
        observer.last_state(sim.memory(), sim.task(0));
        self.note_news();
        self.counts.schedules += 1;
        self.counts.complete += 1;
        self.go_back(&[SetId::EMPTY; MAX_TASKS]);
    }

    /// Others have gone on from here: from this state, or from equivalent paths.
    fn cut(&mut self, key: Option<Fingerprint>) {
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| observer.end(seen, None));
        self.note_news();
        self.counts.schedules += 1;
        let mut below = [SetId::EMPTY; MAX_TASKS];
        if let Some(known) = key.and_then(|key| self.visited.get(key)) {
            match self.visited.future(known) {
                Some(known) => {
                    below[..known.len()].copy_from_slice(known);
                    if self.config.reduction == Reduction::Full
                        && self.config.mistake != Some(Mistake::Futures)
                    {
                        self.path.race_below(&self.sets, known);
                    }
                }
                None => self.counts.cycles += 1,
            }
        }
        self.go_back(&below);
    }
}

/// The task to try first of those awake: the one that ran, for that is no preemption.
fn first(awake: u16, ran: Option<u8>) -> u16 {
    match ran.map_or(0, |task| awake & bit(task)) {
        0 => awake & awake.wrapping_neg(),
        same => same,
    }
}

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O> {
    /// How far the search has come.
    pub fn progress(&self) -> Progress {
        let left = |node: &&Node| node.backtrack & !node.sleep != 0;
        Progress {
            counts: self.counts,
            states: self.visited.len(),
            memory: self.visited.memory() + self.sets.memory(),
            depth: self.path.steps.len(),
            frontier: self.path.nodes.iter().filter(left).count(),
            findings: self.observer.findings(),
            fraction: match self.started && self.path.nodes.is_empty() {
                true => 1.0,
                false => self.path.fraction(),
            },
        }
    }

    /// Who judged the runs.
    pub fn observer(&self) -> &O {
        &self.observer
    }
}
