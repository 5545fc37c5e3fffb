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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        // A byte is a task's.
        for (task, regions) in tasks.iter_mut().zip(self.0.to_le_bytes()) {
            if regions != 0 {
                let print = Fingerprint::of((i as u64) << 8 | u64::from(regions));
                *task = task.plus(print);
            }
        }
    }
}
