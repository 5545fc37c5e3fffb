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

/// Picks one kind for each edge such that the cycle is strong; `None` if there is no way.
pub(crate) fn strong_kinds(sets: &[u8]) -> Option<Vec<u8>> {
    PREFERENCE.iter().find_map(|&first| {
        if sets.first()? & first == 0 {
            return None;
        }
        let reach = kinds_that_close(sets, first);
        let mut kinds = vec![first];
        for at in 1..sets.len() {
            let last = kinds[at - 1];
            kinds.push(*PREFERENCE.iter().find(|&&k| reach[at] & k != 0 && strong_step(last, k))?);
        }
        strong_step(*kinds.last()?, first).then_some(kinds)
    })
}

/// For each edge the kinds from which the rest can be chosen so that `first` may follow it.
fn kinds_that_close(sets: &[u8], first: u8) -> Vec<u8> {
    let mut reach = vec![0; sets.len()];
    let mut next = first;
    for at in (0..sets.len()).rev() {
        let usable = |k: &&u8| {
            sets[at] & **k != 0 && PREFERENCE.iter().any(|n| next & n != 0 && strong_step(**k, *n))
        };
        reach[at] = PREFERENCE.iter().filter(usable).fold(0, |set, k| set | k);
        next = reach[at];
    }
    reach
}

impl Lockdep {
    /// Order of classes that does not depend on when they were registered.
    pub(crate) fn compare_classes(&self, a: ClassId, b: ClassId) -> Ordering {
        let key = |id: ClassId| {
            let class = &self.classes[id.index()];
            (self.key_name(class.key), class.subclass, class.key)
        };
        key(a).cmp(&key(b))
    }

    /// The cycle through `classes`, where `sets[i]` are the kinds of the edge from class `i` to
    /// the next, started at its smallest rotation.
    pub(crate) fn canonical_cycle(&self, classes: &[ClassId], sets: &[u8]) -> Vec<CycleStep> {
        let n = classes.len();
        let rotation = |r: usize| (0..n).map(move |i| (r + i) % n);
        let compare = |a: &usize, b: &usize| {
            let pairs = rotation(*a).zip(rotation(*b));
            pairs
                .map(|(x, y)| {
                    self.compare_classes(classes[x], classes[y]).then(sets[x].cmp(&sets[y]))
                })
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        let Some(best) = (0..n).min_by(compare) else { return Vec::new() };
        let turned: Vec<u8> = rotation(best).map(|i| sets[i]).collect();
        let kinds = strong_kinds(&turned).unwrap_or(turned);
        rotation(best).zip(kinds).map(|(i, kind)| CycleStep { class: classes[i], kind }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_chosen_so_that_the_cycle_is_strong() {
        assert_eq!(strong_kinds(&[EN | ER, SN]), Some(vec![EN, SN]));
        assert_eq!(strong_kinds(&[ER, SN]), None);
        assert_eq!(strong_kinds(&[ER | SN, ER | SR]), Some(vec![ER, ER]));
        assert_eq!(strong_kinds(&[SR]), None);
    }
}
