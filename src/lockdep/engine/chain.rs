//! The chain cache: lock sequences that need no second look.
//!
//! A chain is known by a rolling 64-bit hash, as in the kernel. The step is a bijection of the
//! previous value for every element, so chains of one prefix never collide; two unrelated chains
//! do with probability 2^-64 per pair, below 2^-33 for a full table.
//!
//! The table is flat, open addressed, grows by doubling, and is emptied by counting a generation
//! up.

use super::bytes;

/// Most chains.
pub const MAX_LOCKDEP_CHAINS: usize = 65_536;
/// Most elements of all chains together.
pub const MAX_LOCKDEP_CHAIN_HLOCKS: usize = 5 * MAX_LOCKDEP_CHAINS;

/// Value of the chain without elements.
pub(crate) const EMPTY_CHAIN: u64 = 0x243f_6a88_85a3_08d3;

const FIRST_SLOTS: usize = 64;

/// Appends `element` to a chain.
#[inline]
pub(crate) fn extend(chain: u64, element: u64) -> u64 {
    let mixed = (chain ^ element).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    chain: u64,
    generation: u32,
    /// A remark by the engine, 0 when inserted.
    note: u32,
}

/// A set of chain values.
#[derive(Debug)]
pub(crate) struct ChainCache {
    slots: Vec<Slot>,
    generation: u32,
    len: usize,
}

impl Default for ChainCache {
    fn default() -> ChainCache {
        ChainCache::new()
    }
}

impl ChainCache {
    pub(crate) fn new() -> Self {
        ChainCache { slots: vec![Slot::default(); FIRST_SLOTS], generation: 1, len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn memory(&self) -> usize {
        bytes(&self.slots)
    }

    /// Where `chain` is, or where it belongs: (index, present).
    #[inline]
    fn find(&self, chain: u64) -> (usize, bool) {
        let mask = self.slots.len() - 1;
        let mut at = chain as usize & mask;
        loop {
            let slot = &self.slots[at & mask];
            if slot.generation != self.generation {
                return (at, false);
            }
            if slot.chain == chain {
                return (at, true);
            }
            at = (at + 1) & mask;
        }
    }

    /// The note of `chain`, if it is known.
    #[inline]
    pub(crate) fn get(&self, chain: u64) -> Option<u32> {
        let (at, present) = self.find(chain);
        present.then(|| self.slots[at].note)
    }

    /// Adds a chain that is not in the set.
    pub(crate) fn insert(&mut self, chain: u64, note: u32) {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let (at, _) = self.find(chain);
        self.slots[at] = Slot { chain, generation: self.generation, note };
        self.len += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let bigger = vec![Slot::default(); self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, bigger);
        for slot in old.into_iter().filter(|slot| slot.generation == self.generation) {
            let (at, _) = self.find(slot.chain);
            self.slots[at] = slot;
        }
    }

    /// Forgets every chain without touching the table.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.slots.fill(Slot::default());
            self.generation = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clearing_forgets_and_growing_keeps() {
        let mut cache = ChainCache::new();
        for i in 0..1000 {
            cache.insert(extend(EMPTY_CHAIN, i), i as u32);
        }
        assert!((0..1000).all(|i| cache.get(extend(EMPTY_CHAIN, i)) == Some(i as u32)));
        cache.clear();
        assert_eq!((cache.get(extend(EMPTY_CHAIN, 3)), cache.len()), (None, 0));
    }
}
