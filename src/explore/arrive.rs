//! Where a step has led: to the end of a run, to a state that is known, or to one to search from.

use super::config::{Mistake, Reduction};
use super::engine::Search;
use super::model::{Model, Observer};
use super::path::{Name, Node, PerTask, Step, bit, tasks};
use super::sets::SetId;
use super::visited::Known;
use crate::machine::MAX_TASKS;

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O>
where
    M::Event: Copy,
{
    /// The step led to a state where `enabled` can run: the run is over, others have gone on from
    /// here, or the search goes below.
    pub(super) fn arrive(&mut self, enabled: u16, ran: Option<u8>) {
        if self.config.check {
            self.check(enabled);
        }
        if enabled == 0 || self.sim.is_cut() {
            return self.finish(enabled == 0);
        }
        let node = self.node(enabled, ran);
        self.left_out |= self.bound.is_some() && node.backtrack != enabled;
        if node.backtrack == 0 {
            // Whatever can run sleeps.
            return self.cut(None);
        }
        match self.is_nameless(&node) {
            true => self.go_below(node),
            false => self.arrive_at(node),
        }
    }

    /// The search goes on from here, and comes back where there is a choice.
    fn go_below(&mut self, node: Node) {
        if !is_forced(&node) {
            self.keep(self.path.nodes.len());
        }
        self.path.nodes.push(node);
    }

    /// Nobody asks for the state again: without reduction, or because the step to it was the only one
    /// to make and so is the next.
    fn is_nameless(&self, node: &Node) -> bool {
        let chain = is_forced(node) && self.path.nodes.last().is_some_and(is_forced);
        chain && self.bound.is_some() || self.config.reduction == Reduction::None
    }

    fn arrive_at(&mut self, node: Node) {
        let name = self.name(&node);
        let sleep = name.ranks.of_all(node.sleep);
        let known = self.visited.get(name.key);
        match known {
            Some(known) if self.config.covers(known, sleep, node.budget) => self.cut(Some(name)),
            Some(known) if self.config.reduction == Reduction::Full => {
                let node = self.come_again(Node { name: Some(name), ..node }, name, known);
                self.visited.enter(name.key, sleep & known.sleep);
                self.go_below(node);
            }
            _ => {
                self.visited.enter(name.key, self.config.covering(sleep, node.budget));
                self.go_below(Node { name: Some(name), ..node });
            }
        }
    }

    /// A state from which only those have been tried that were awake then. Now those have to be that
    /// slept then and are awake, with the others' steps open after theirs (Godefroid, LNCS 1032, section
    /// 5.3).
    fn come_again(&mut self, node: Node, name: Name, known: Known) -> Node {
        let (slept, tried) = (name.ranks.tasks(known.sleep), name.ranks.tasks(known.tried));
        let below = self.race_with_known(name);
        Node {
            sleep: node.sleep & slept,
            backtrack: slept & !node.sleep | tried,
            tried,
            below,
            ..node
        }
    }

    /// The state that the path has come to, still without a name.
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
        let stays = ran.filter(|&task| enabled & bit(task) != 0);
        let all = match stays {
            Some(task) if budget == 0 => bit(task),
            _ => enabled,
        };
        let backtrack = match self.config.reduction {
            Reduction::Full => first(enabled & !sleep, ran),
            _ => all,
        };
        let below = [SetId::EMPTY; MAX_TASKS];
        Node { name: None, enabled, sleep, tried: 0, backtrack, sets, below, last: ran, budget }
    }

    /// What the state is known by.
    pub(super) fn name(&self, node: &Node) -> Name {
        let observer = &self.observer;
        let (ranks, mut key) = self.sim.fingerprint(&self.alike, |tasks| observer.remember(tasks));
        if self.bound.is_some() {
            let stays = node.last.filter(|&task| node.enabled & bit(task) != 0);
            key = key.with(stays.map_or(0, |task| 1 + ranks.of(task.into()) as u64));
        }
        Name { key, ranks }
    }

    /// Preemptions that are left after the last step.
    fn budget(&self) -> u8 {
        match (self.path.nodes.last(), self.path.steps.last()) {
            (Some(parent), Some(step)) => self.budget_after(parent, step),
            _ => self.first_budget(),
        }
    }

    /// Those at the first state.
    pub(super) fn first_budget(&self) -> u8 {
        self.bound.unwrap_or(u8::MAX)
    }

    /// Those after a step from that node.
    pub(super) fn budget_after(&self, parent: &Node, step: &Step) -> u8 {
        let preempts =
            parent.last.is_some_and(|last| last != step.task && parent.enabled & bit(last) != 0);
        parent.budget.saturating_sub(u8::from(preempts && self.bound.is_some()))
    }

    /// Nobody can run, or the run has come to the bound on scheduling points and is not over.
    fn finish(&mut self, over: bool) {
        let ending = self.sim.settle();
        self.catch_up();
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| observer.end(seen, Some(ending)));
        match over {
            true => {
                // A look at the last state is no part of the run.
                self.keep_first();
                let (sim, observer) = (self.sim, &mut self.observer);
                observer.last_state(sim.memory(&self.model.alike()), sim.task(0));
                self.counts.complete += 1;
            }
            false => self.counts.cut += 1,
        }
        self.note_news();
        self.counts.schedules += 1;
        self.go_back(&[SetId::EMPTY; MAX_TASKS]);
    }

    /// Others have gone on from here: from this state, or from equivalent paths.
    fn cut(&mut self, name: Option<Name>) {
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| observer.end(seen, None));
        self.note_news();
        self.counts.schedules += 1;
        let below = name.map_or([SetId::EMPTY; MAX_TASKS], |name| self.race_with_known(name));
        self.go_back(&below);
    }

    /// What is known to come after the end of the path, which races with the path.
    fn race_with_known(&mut self, name: Name) -> PerTask {
        let known = self.visited.get(name.key).and_then(|known| self.visited.future(known));
        let Some(known) = known else {
            self.counts.cycles += 1;
            return [SetId::EMPTY; MAX_TASKS];
        };
        let by_rank = |task| known.get(name.ranks.of(task)).copied();
        let below = std::array::from_fn(|task| by_rank(task).unwrap_or_default());
        let races = self.config.mistake != Some(Mistake::Futures);
        if races && self.config.reduction == Reduction::Full {
            self.path.race_below(&mut self.sets, &below[..self.model.tasks()]);
        }
        below
    }
}

/// There is one step to make.
fn is_forced(node: &Node) -> bool {
    node.choices().is_power_of_two()
}

/// The task to try first of those awake: the one that ran, because that is no preemption.
fn first(awake: u16, ran: Option<u8>) -> u16 {
    match ran.map_or(0, |task| awake & bit(task)) {
        0 => awake & awake.wrapping_neg(),
        same => same,
    }
}
