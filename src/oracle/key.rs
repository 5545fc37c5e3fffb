//! Sets of open regions: a bit for each task and nesting depth.

use crate::machine::MAX_TASKS;
use crate::machine::sim::Fingerprint;

/// Depths told apart; deeper regions share the last.
const DEPTHS: usize = 8;

/// A region of a task, as an index in [`Regions`].
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

    /// That of the `i`-th set of many.
    pub(super) fn fingerprint(self, i: usize) -> Fingerprint {
        Fingerprint::of(i as u64).with(self.0 as u64).with((self.0 >> 64) as u64)
    }
}
