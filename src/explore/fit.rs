//! Whether what was read can be the state of this search. A checksum says that a file is as it was
//! written, not by whom: nothing that was read is used as a place, a task or a size before this says so.
//! A bug here would be a file that ends the program, or that has the search stand where no schedule
//! leads. What is said to be known of states that are not on the path cannot be seen to be true.

use std::future::Future;

use super::Counts;
use super::engine::{Search, Slots};
use super::model::{Model, Observer};
use super::path::{Node, Path, Step, bit};
use super::sets::Sets;

/// More than any search counts to.
const MOST: u64 = 1 << 60;

/// Whether a search can have counted so on a path of that length.
pub(super) fn counts_fit(counts: &Counts, path: &Path) -> bool {
    let Counts { schedules, complete, steps, depth, collisions, cycles, cut, strayed } = *counts;
    let few = |count: u32| count < u32::MAX / 2;
    complete <= schedules
        && schedules < MOST
        && steps < MOST
        && path.steps.len() <= depth as usize
        && [depth, collisions, cycles, cut, strayed].into_iter().all(few)
}

/// Whether the path can be one of a search of that many tasks, whatever they do.
pub(super) fn path_fits(path: &Path, tasks: usize, sets: &Sets, started: bool) -> bool {
    let all = ((1u32 << tasks) - 1) as u16;
    let whole = match path.nodes.len() {
        0 => path.steps.is_empty(),
        nodes => started && nodes == path.steps.len() + 1,
    };
    let node = |node: &Node| {
        let Node { enabled, sleep, tried, backtrack, .. } = *node;
        (enabled | sleep | tried | backtrack) & !all == 0
            && (sleep | tried | backtrack) & !enabled == 0
            && node.last.is_none_or(|task| usize::from(task) < tasks)
            && node.sets.iter().chain(&node.below).all(|&set| sets.knows(set))
    };
    let step = |(i, step): (usize, &Step)| {
        usize::from(step.task) < tasks
            && step.woken & !all == 0
            && sets.knows(step.set)
            && step.clock.iter().all(|&at| usize::from(at) <= i + 1)
    };
    whole
        && path.steps.len() < usize::from(u16::MAX)
        && path.nodes.iter().all(node)
        && path.steps.iter().enumerate().all(step)
}

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O>
where
    M::Event: Copy,
{
    /// Whether the path leads from the first state where it says.
    pub(super) fn path_leads<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) -> bool {
        let counts = std::mem::take(&mut self.counts);
        let mut runnable = self.enter(slots, start);
        self.catch_up();
        let path = std::mem::take(&mut self.path);
        let mut leads = true;
        for (i, node) in path.nodes.iter().enumerate() {
            leads = leads && runnable == node.enabled && self.is_at(node, i, &path);
            let Some(step) = path.steps.get(i).filter(|_| leads) else { break };
            leads = node.todo() & runnable & bit(step.task) != 0;
            if !leads {
                break;
            }
            runnable = self.run(slots, step.task);
            leads = self.touched() == (step.set, step.woken);
        }
        (self.path, self.counts, self.in_place) = (path, counts, false);
        leads
    }

    /// The run has come to the state of that node, the one after so many steps of the path.
    fn is_at(&self, node: &Node, i: usize, path: &Path) -> bool {
        let before = i.checked_sub(1);
        let ran = before.map(|i| path.steps[i].task);
        let budget = match before {
            Some(i) => self.budget_after(&path.nodes[i], &path.steps[i]),
            None => self.first_budget(),
        };
        let named = node.name.is_none_or(|name| {
            let is = self.name(node);
            (is.key, is.ranks) == (name.key, name.ranks) && self.visited.get(name.key).is_some()
        });
        node.last == ran && node.budget == budget && named && !self.sim.is_cut()
    }
}
