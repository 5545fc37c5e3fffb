//! Cycles of dependencies in canonical form.
//!
//! A cycle is a deadlock only if nowhere the arrival of a recursive reader is followed by a
//! departure from a shared hold: no `?R` edge directly before an `S?` edge, cyclically.

use std::cmp::Ordering;

use super::super::types::ClassId;
use super::Lockdep;
use super::graph::{EN, ER, SN, SR};

/// A dependency of a cycle: the class held, and the kind of its edge to the next class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleStep {
    /// The class that is held.
    pub class: ClassId,
    /// Kind of the edge to the next class of the cycle; the last leads back to the first.
    pub kind: u8,
}

/// Kinds in order of preference where an edge has several: blocking most first.
const PREFERENCE: [u8; 4] = [EN, ER, SN, SR];

/// May an edge of kind `next` follow one of kind `kind`?
#[inline]
pub(crate) fn strong_step(kind: u8, next: u8) -> bool {
    kind & (SR | ER) == 0 || next & (SR | SN) == 0
}

/// Picks one kind for each edge such that the cycle is strong; false if there is no way. Leaves
/// the kinds in `kinds`; `reach` is scratch.
pub(crate) fn strong_kinds(sets: &[u8], kinds: &mut Vec<u8>, reach: &mut Vec<u8>) -> bool {
    PREFERENCE.iter().any(|&first| {
        kinds.clear();
        sets.first().is_some_and(|set| set & first != 0) && {
            kinds_that_close(sets, first, reach);
            kinds.push(first);
            follow_kinds(reach, kinds) && strong_step(kinds[kinds.len() - 1], first)
        }
    })
}

/// Extends `kinds` by the most preferred kinds that can be followed to the end.
fn follow_kinds(reach: &[u8], kinds: &mut Vec<u8>) -> bool {
    (1..reach.len()).all(|at| {
        let last = kinds[at - 1];
        let next = PREFERENCE.iter().find(|&&k| reach[at] & k != 0 && strong_step(last, k));
        kinds.extend(next);
        next.is_some()
    })
}

/// For each edge the kinds from which the rest can be chosen so that `first` may follow it.
fn kinds_that_close(sets: &[u8], first: u8, reach: &mut Vec<u8>) {
    reach.clear();
    reach.resize(sets.len(), 0);
    let mut next = first;
    for at in (0..sets.len()).rev() {
        let usable = |k: &&u8| {
            sets[at] & **k != 0 && PREFERENCE.iter().any(|n| next & n != 0 && strong_step(**k, *n))
        };
        reach[at] = PREFERENCE.iter().filter(usable).fold(0, |set, k| set | k);
        next = reach[at];
    }
}

impl Lockdep {
    /// Order of classes that does not depend on when they were registered.
    pub(crate) fn compare_classes(&self, a: ClassId, b: ClassId) -> Ordering {
        if self.names_ranked {
            return self.class_rank(a).cmp(&self.class_rank(b));
        }
        let key = |id: ClassId| {
            let class = &self.classes[id.index()];
            (self.key_name(class.key), class.subclass, class.key)
        };
        key(a).cmp(&key(b))
    }

    /// Where the smallest rotation of a cycle begins, whose edge `i` leads from `classes[i]` and
    /// has the kinds `sets[i]`.
    pub(crate) fn first_of_cycle(&self, classes: &[ClassId], sets: &[u8]) -> usize {
        let n = classes.len();
        let compare = |a: &usize, b: &usize| {
            let pairs = (0..n).map(|i| ((a + i) % n, (b + i) % n));
            pairs
                .map(|(x, y)| {
                    self.compare_classes(classes[x], classes[y]).then(sets[x].cmp(&sets[y]))
                })
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        (0..n).min_by(compare).unwrap_or(0)
    }

    /// The same cycle in canonical form: rotated, one kind for each edge.
    pub(crate) fn canonical_cycle(&self, classes: &[ClassId], sets: &[u8]) -> Vec<CycleStep> {
        let (n, first) = (classes.len(), self.first_of_cycle(classes, sets));
        let turned: Vec<u8> = (0..n).map(|i| sets[(first + i) % n]).collect();
        let (mut kinds, mut reach) = (Vec::new(), Vec::new());
        let strong = strong_kinds(&turned, &mut kinds, &mut reach);
        let kinds = if strong { kinds } else { turned };
        let class = |i| classes[(first + i) % n];
        kinds.iter().enumerate().map(|(i, &kind)| CycleStep { class: class(i), kind }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_chosen_so_that_the_cycle_is_strong() {
        let strong = |sets: &[u8]| {
            let (mut kinds, mut reach) = (Vec::new(), Vec::new());
            strong_kinds(sets, &mut kinds, &mut reach).then_some(kinds)
        };
        assert_eq!(strong(&[EN | ER, SN]), Some(vec![EN, SN]));
        assert_eq!(strong(&[ER, SN]), None);
        assert_eq!(strong(&[ER | SN, ER | SR]), Some(vec![ER, ER]));
        assert_eq!(strong(&[SR]), None);
    }
}
