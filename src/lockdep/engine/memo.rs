//! Acquisitions that were not new in any respect, remembered as a whole.
//!
//! The chain cache saves the graph checks of a known chain; this small direct-mapped table saves
//! the others too. An acquisition of the same lock, in the same way, in the same interrupt state,
//! after the same chain, has the same class, the same usage bits, the same wait limit and the same
//! next chain, and none of these can stop being legal before the next reset.

use super::super::types::InstanceId;
use super::bytes;
use super::held::HeldLock;

/// Size of the table, a power of two.
const SLOTS: usize = 256;

/// One acquisition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memo {
    /// Interrupt state of the task and arguments of the call.
    pub(crate) state: u64,
    /// Chain value after it.
    pub(crate) chain: u64,
    /// The stack entry, which knows the lock and the chain value before.
    pub(crate) entry: HeldLock,
}

/// The table; allocated by its first use.
#[derive(Debug, Default)]
pub(crate) struct Memos {
    slots: Vec<(u32, Memo)>,
    generation: u32,
}

#[inline]
fn home(chain: u64, instance: InstanceId) -> usize {
    chain.wrapping_add(u64::from(instance.0) * 25) as usize % SLOTS
}

impl Memos {
    #[inline]
    pub(crate) fn get(&self, chain: u64, instance: InstanceId, state: u64) -> Option<&Memo> {
        let (generation, memo) = self.slots.get(home(chain, instance))?;
        let same = memo.entry.prev_chain == chain
            && memo.entry.instance == instance
            && memo.state == state
            && *generation == self.generation;
        same.then_some(memo)
    }

    #[inline]
    pub(crate) fn put(&mut self, memo: Memo) {
        let home = home(memo.entry.prev_chain, memo.entry.instance);
        match self.slots.get_mut(home) {
            Some(slot) => *slot = (self.generation, memo),
            None => self.slots = vec![(u32::MAX, memo); SLOTS],
        }
    }

    pub(crate) fn memory(&self) -> usize {
        bytes(&self.slots)
    }

    pub(crate) fn clear(&mut self) {
        self.generation = (self.generation + 1) % u32::MAX;
        if self.generation == 0 {
            self.slots.clear();
        }
    }
}
