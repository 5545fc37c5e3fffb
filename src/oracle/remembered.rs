//! What oracles remember, as part of the state of a search.

use std::hash::{Hash, Hasher};

use super::key::Regions;
use crate::machine::sim::Fingerprint;

/// Takes in what oracles remember, task by task: states are told apart by it.
#[derive(Debug)]
pub struct Remembered<'a> {
    /// What stands for each task.
    tasks: &'a mut [Fingerprint],
    /// Things taken in so far, which numbers them.
    things: usize,
}

impl<'a> Remembered<'a> {
    /// Nothing so far.
    pub fn new(tasks: &'a mut [Fingerprint]) -> Remembered<'a> {
        Remembered { tasks, things: 0 }
    }

    /// All of a value. It may name tasks by number, which says nothing where tasks with one program
    /// have changed places: so these are told apart.
    pub fn whole(&mut self, value: &impl Hash) {
        let mut printer = Printer(Fingerprint::of(self.things as u64));
        value.hash(&mut printer);
        for (i, task) in self.tasks.iter_mut().enumerate() {
            *task = task.plus(printer.0.with(i as u64));
        }
        self.things += 1;
    }

    /// A set of regions, each of its own task.
    pub(super) fn regions(&mut self, regions: Regions) {
        if !regions.is_empty() {
            regions.add(self.things, self.tasks);
        }
        self.things += 1;
    }

    /// Sets of regions.
    pub(super) fn all<'r>(&mut self, sets: impl IntoIterator<Item = &'r Regions>) {
        sets.into_iter().for_each(|&regions| self.regions(regions));
    }
}

/// A hash of 128 bits.
struct Printer(Fingerprint);

impl Hasher for Printer {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 = self.0.with(u64::from_le_bytes(word));
        }
        // Parts of other lengths are other parts.
        self.0 = self.0.with(bytes.len() as u64);
    }

    fn finish(&self) -> u64 {
        self.0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(value: &impl Hash) -> [Fingerprint; 3] {
        let mut tasks = [Fingerprint::ZERO; 3];
        Remembered::new(&mut tasks).whole(value);
        tasks
    }

    #[test]
    fn other_values_are_other_states_and_no_two_tasks_are_alike() {
        assert_eq!(whole(&(1u8, "a")), whole(&(1u8, "a")));
        assert_ne!(whole(&(1u8, "a")), whole(&(2u8, "a")));
        assert_ne!(whole(&["ab", "c"]), whole(&["a", "bc"]));
        assert_ne!(whole(&vec![0u8; 3]), whole(&vec![0u8; 4]));
        let [a, b, c] = whole(&0u8);
        assert!(a != b && b != c && a != c);
    }

    #[test]
    fn regions_are_those_of_their_tasks() {
        let mut tasks = [Fingerprint::ZERO; 3];
        let mut one = Regions::default();
        one.insert(1, 0);
        Remembered::new(&mut tasks).all([&Regions::default(), &one]);
        assert_eq!((tasks[0], tasks[2]), (Fingerprint::ZERO, Fingerprint::ZERO));
        assert_ne!(tasks[1], Fingerprint::ZERO);
        let mut others = [Fingerprint::ZERO; 3];
        Remembered::new(&mut others).all([&one, &Regions::default()]);
        assert_ne!(tasks, others, "another set");
    }
}
