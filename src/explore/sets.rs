//! Sets of touched objects, each kept once: what a step touches, and what a part of the search does.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::visited::{grown, table};
use crate::machine::sim::Object;

/// Objects told apart. More share bits: two that do are taken for one, which loses nothing but time.
const OBJECTS: usize = 512;
const WORDS: usize = OBJECTS / 64;
/// Sets that a step rarely exceeds.
const ROOM: usize = 64;

/// A set of touched objects. Equal sets have equal ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct SetId(pub u32);

impl SetId {
    /// The set with nothing in it.
    pub const EMPTY: SetId = SetId(0);
}

/// Objects as bits.
pub type Bits = [u64; WORDS];

/// What a step touches, and what of that it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Touches {
    /// All of it.
    pub touched: Bits,
    /// What it changes.
    pub changed: Bits,
}

impl Touches {
    /// Whether steps that touch these and those may not be exchanged for an object of that word.
    fn clash(&self, other: &Touches, word: usize) -> u64 {
        self.changed[word] & other.touched[word] | self.touched[word] & other.changed[word]
    }
}

/// All sets so far.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Sets {
    sets: Vec<Touches>,
    ids: HashMap<Touches, SetId, FxBuildHasher>,
    unions: HashMap<(SetId, SetId), SetId, FxBuildHasher>,
    objects: HashMap<Object, usize, FxBuildHasher>,
    /// Words of [`Bits`] in use.
    words: usize,
    /// Ids of lists of touches: steps repeat.
    lists: HashMap<Vec<(Object, bool)>, SetId, FxBuildHasher>,
}

impl Default for Sets {
    fn default() -> Self {
        let mut sets = Sets {
            sets: Vec::new(),
            ids: HashMap::default(),
            unions: HashMap::default(),
            objects: HashMap::default(),
            words: 0,
            lists: HashMap::default(),
        };
        sets.intern(Touches::default());
        sets
    }
}

impl Sets {
    /// The set of these touches.
    pub fn of(&mut self, touches: &[(Object, bool)]) -> SetId {
        if let Some(&id) = self.lists.get(touches) {
            return id;
        }
        for &(object, _) in touches {
            let next = self.objects.len() % OBJECTS;
            self.objects.entry(object).or_insert(next);
        }
        let set = self.touches(touches);
        self.words = self.objects.len().min(OBJECTS).div_ceil(64);
        let id = self.intern(set);
        self.lists.insert(touches.to_vec(), id);
        id
    }

    /// Touches of objects that have bits, as bits.
    fn touches(&self, touches: &[(Object, bool)]) -> Touches {
        let mut set = Touches::default();
        for (object, changed) in touches {
            let at = self.objects.get(object).copied().unwrap_or_default();
            set.touched[at / 64] |= 1 << (at % 64);
            set.changed[at / 64] |= u64::from(*changed) << (at % 64);
        }
        set
    }

    fn intern(&mut self, set: Touches) -> SetId {
        let next = SetId(self.sets.len() as u32);
        let id = *self.ids.entry(set).or_insert(next);
        if id == next {
            self.sets.push(set);
        }
        id
    }

    /// What is in a set.
    pub fn get(&self, id: SetId) -> &Touches {
        &self.sets[id.0 as usize]
    }

    /// Whether a step that touches `a` and one that touches `b` may not be exchanged.
    pub fn conflict(&self, a: SetId, b: SetId) -> bool {
        let (a, b) = (self.get(a), self.get(b));
        (0..self.words).any(|word| a.clash(b, word) != 0)
    }

    /// The same without the objects in `except`.
    pub fn clash(&self, a: SetId, b: SetId, except: &Bits) -> bool {
        let (a, b) = (self.get(a), self.get(b));
        (0..self.words).any(|word| a.clash(b, word) & !except[word] != 0)
    }

    /// Adds the objects that a set changes.
    pub fn add_changed(&self, to: &mut Bits, id: SetId) {
        let changed = &self.get(id).changed;
        (0..self.words).for_each(|word| to[word] |= changed[word]);
    }

    fn both(&self, a: SetId, b: SetId) -> Touches {
        let mut all = *self.get(a);
        add(&mut all.touched, &self.get(b).touched);
        add(&mut all.changed, &self.get(b).changed);
        all
    }

    /// What either touches.
    pub fn union(&mut self, a: SetId, b: SetId) -> SetId {
        if a == b || b == SetId::EMPTY {
            return a;
        }
        if a == SetId::EMPTY {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&union) = self.unions.get(&key) {
            return union;
        }
        let union = self.intern(self.both(a, b));
        self.unions.insert(key, union);
        union
    }

    /// Whether these can be the sets of a search: every id is one of a set, and stands for what it is
    /// said to.
    #[cfg(feature = "cli")]
    pub fn fits(&self) -> bool {
        let known = |id: &SetId| (id.0 as usize) < self.sets.len();
        let mut bits: Vec<usize> = self.objects.values().copied().collect();
        bits.sort_unstable();
        let mut given: Vec<usize> = (0..self.objects.len()).map(|i| i % OBJECTS).collect();
        given.sort_unstable();
        let ids = self.sets.iter().enumerate();
        self.sets.first() == Some(&Touches::default())
            && self.ids.len() == self.sets.len()
            && ids.into_iter().all(|(i, set)| self.ids.get(set) == Some(&SetId(i as u32)))
            && bits == given
            && self.words == self.objects.len().min(OBJECTS).div_ceil(64)
            && self.unions.iter().all(|(&(a, b), union)| {
                a < b && [a, b, *union].iter().all(known) && *self.get(*union) == self.both(a, b)
            })
            && self.lists.iter().all(|(list, id)| {
                known(id)
                    && list.iter().all(|(object, _)| self.objects.contains_key(object))
                    && *self.get(*id) == self.touches(list)
            })
    }

    /// Whether it is the id of a set.
    #[cfg(feature = "cli")]
    pub fn knows(&self, id: SetId) -> bool {
        (id.0 as usize) < self.sets.len()
    }

    /// Whether every object has a bit of its own.
    pub fn exact(&self) -> bool {
        self.objects.len() <= OBJECTS
    }

    /// Bytes in use, roughly.
    pub fn memory(&self) -> usize {
        // A list has a block of its own.
        let block = 32;
        self.sets.len().next_power_of_two() * size_of::<Touches>()
            + table::<Touches, SetId>(self.ids.len())
            + table::<(SetId, SetId), SetId>(self.unions.len())
            + table::<Vec<(Object, bool)>, SetId>(self.lists.len())
            + self.lists.len() * block
    }

    /// Bytes more while a step adds sets.
    pub fn growth(&self) -> usize {
        grown::<Touches, SetId>(self.ids.len())
            + grown::<(SetId, SetId), SetId>(self.unions.len())
            + grown::<Vec<(Object, bool)>, SetId>(self.lists.len())
    }

    /// Whether there is memory for what a step adds.
    pub fn has_room(&mut self) -> bool {
        self.unions.try_reserve(ROOM).is_ok()
            && self.ids.try_reserve(ROOM).is_ok()
            && self.lists.try_reserve(1).is_ok()
            && self.sets.try_reserve(ROOM).is_ok()
    }
}

/// Adds the objects of `more`.
fn add(bits: &mut Bits, more: &Bits) {
    bits.iter_mut().zip(more).for_each(|(word, more)| *word |= more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    fn random(prng: &mut Prng) -> Vec<(Object, bool)> {
        let one = |prng: &mut Prng| (Object::observed(prng.below(12) as u16), prng.below(2) == 0);
        (0..prng.below(8)).map(|_| one(prng)).collect()
    }

    fn conflict_by_definition(a: &[(Object, bool)], b: &[(Object, bool)]) -> bool {
        a.iter().any(|x| b.iter().any(|y| x.0 == y.0 && (x.1 || y.1)))
    }

    #[test]
    fn conflicts_and_unions_are_those_of_the_definition() {
        let (mut prng, mut sets) = (Prng(1), Sets::default());
        for _ in 0..2_000 {
            let (a, b, c) = (random(&mut prng), random(&mut prng), random(&mut prng));
            let (x, y, z) = (sets.of(&a), sets.of(&b), sets.of(&c));
            assert_eq!(sets.conflict(x, y), conflict_by_definition(&a, &b), "{a:?} {b:?}");
            let both: Vec<_> = a.iter().chain(&b).copied().collect();
            let union = sets.union(x, y);
            assert_eq!(union, sets.of(&both));
            assert_eq!(sets.conflict(union, z), conflict_by_definition(&both, &c));
        }
    }

    #[test]
    fn too_many_objects_are_taken_for_one_another_and_never_for_nothing() {
        let mut sets = Sets::default();
        let all: Vec<_> = (0..2_000).map(|id| (Object::observed(id), true)).collect();
        for touch in &all {
            let (one, other) = (sets.of(&[*touch]), sets.of(&[*touch]));
            assert!(sets.conflict(one, other));
        }
    }
}
