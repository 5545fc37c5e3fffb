//! Sets of open regions: a bit for each task and nesting depth.

use crate::machine::MAX_TASKS;
use crate::machine::sim::Fingerprint;

/// Depths told apart; deeper regions share the last.
const DEPTHS: usize = 8;

/// A region of a task, as a bit of the set.
pub(super) fn region(task: u8, depth: u8) -> usize {
    usize::from(task) % MAX_TASKS * DEPTHS + usize::from(depth).min(DEPTHS - 1)
}

/// A set of regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Regions(u128);

impl Regions {
    pub(super) fn insert(&mut self, task: u8, depth: u8) {
        self.0 |= 1 << region(task, depth);
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, task: u8, depth: u8) -> bool {
        let bit = 1u128 << region(task, depth);
        let had = self.0 & bit != 0;
        self.0 &= !bit;
        had
    }

    pub(super) fn contains(&self, task: u8, depth: u8) -> bool {
        self.0 & 1 << region(task, depth) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Adds it, as the `i`-th set of many, to what stands for each task.
    pub(super) fn add(self, i: usize, tasks: &mut [Fingerprint]) {
        let mut left = self.0;
        while left != 0 {
            let task = left.trailing_zeros() as usize / DEPTHS;
            let regions = left >> (task * DEPTHS) & ((1 << DEPTHS) - 1);
            left &= !(regions << (task * DEPTHS));
            let print = Fingerprint::of((i as u64) << DEPTHS | regions as u64);
            tasks[task] = tasks[task].plus(print);
        }
    }
}
