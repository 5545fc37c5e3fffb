//! Sets of open regions: a bit for each task and nesting depth.

use crate::machine::MAX_TASKS;
use crate::machine::sim::Fingerprint;

/// Depths told apart; deeper regions share the last.
const DEPTHS: u8 = 8;

/// A set of regions: for each task a bit of each depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Regions([u8; MAX_TASKS]);

impl Regions {
    pub(super) fn insert(&mut self, task: u8, depth: u8) {
        self.0[usize::from(task) % MAX_TASKS] |= bit(depth);
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, task: u8, depth: u8) -> bool {
        let regions = &mut self.0[usize::from(task) % MAX_TASKS];
        let had = *regions & bit(depth) != 0;
        *regions &= !bit(depth);
        had
    }

    pub(super) fn contains(&self, task: u8, depth: u8) -> bool {
        self.0[usize::from(task) % MAX_TASKS] & bit(depth) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Regions::default()
    }

    /// Adds it, as the `i`-th set of many, to what stands for each task.
    pub(super) fn add(self, i: usize, tasks: &mut [Fingerprint]) {
        for (task, &regions) in self.0.iter().enumerate().filter(|(_, regions)| **regions != 0) {
            let print = Fingerprint::of((i as u64) << DEPTHS | u64::from(regions));
            tasks[task] = tasks[task].plus(print);
        }
    }
}

/// The bit of a depth.
fn bit(depth: u8) -> u8 {
    1 << depth.min(DEPTHS - 1)
}
