//! Tasks with equal programs: states that differ only in which of them is which are one state.
//!
//! A search names the tasks of a state by rank: alike tasks are sorted by how they stand, and the
//! first of them takes the lowest of their numbers (Bosnacki, Dams, Holenderski: Symmetric Spin, STTT
//! 4, 2002). Where two stand alike except for what the sort does not see, one state may keep two names:
//! that costs time and nothing else, for names are compared whole.

use arrayvec::ArrayVec;

use super::fingerprint::Fingerprint;
use super::search::Object;
use super::tables::bits;
use crate::machine::MAX_TASKS;

/// For each task, the first one with the same program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    first: [u8; MAX_TASKS],
    /// Sets of alike tasks, those of two and more.
    peers: ArrayVec<u16, { MAX_TASKS / 2 }>,
}

impl Default for Alike {
    /// No two tasks are.
    fn default() -> Alike {
        Alike { first: own_numbers(), peers: ArrayVec::new() }
    }
}

impl Alike {
    /// Of that many tasks, those that `same` says so of: an equivalence.
    pub fn of(tasks: usize, same: impl Fn(usize, usize) -> bool) -> Alike {
        let mut alike = Alike::default();
        let mut sets = [0u16; MAX_TASKS];
        for task in 0..tasks.min(MAX_TASKS) {
            let first = (0..task).find(|&other| same(other, task)).unwrap_or(task);
            alike.first[task] = first as u8;
            sets[first] |= 1 << task;
        }
        alike.peers = sets.into_iter().filter(|set| set.count_ones() > 1).collect();
        alike
    }

    /// The object under the name that all alike tasks give it.
    pub fn object(&self, object: Object) -> Object {
        match object.as_task() {
            Some(task) => Object::task(self.first[usize::from(task) % MAX_TASKS]),
            None => object,
        }
    }

    /// Who has which rank where `standing` is how the tasks stand.
    pub(super) fn ranks(&self, standing: &[Fingerprint]) -> Ranks {
        let mut ranks = Ranks::default();
        for &peers in &self.peers {
            for task in bits(peers) {
                let stands = |q: u8| (standing[usize::from(q)], q);
                let before = bits(peers).filter(|&q| stands(q) < stands(task)).count();
                let rank = bits(peers).nth(before).unwrap_or(task);
                ranks.rank[usize::from(task)] = rank;
            }
        }
        ranks
    }
}

/// The names of a state's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Ranks {
    rank: [u8; MAX_TASKS],
}

impl Default for Ranks {
    /// Every task has its own number.
    fn default() -> Ranks {
        Ranks { rank: own_numbers() }
    }
}

impl Ranks {
    /// The rank of a task.
    pub fn of(&self, task: usize) -> usize {
        usize::from(self.rank[task])
    }

    /// The ranks of these tasks.
    pub fn of_all(&self, tasks: u16) -> u16 {
        bits(tasks).fold(0, |ranks, task| ranks | 1 << self.rank[usize::from(task)])
    }

    /// The tasks with these ranks.
    pub fn tasks(&self, ranks: u16) -> u16 {
        let has = |task: &usize| ranks >> self.rank[*task] & 1 != 0;
        (0..MAX_TASKS).filter(has).fold(0, |tasks, task| tasks | 1 << task)
    }

    /// What stands for each task, by rank.
    pub fn sorted<T: Copy>(&self, each: &[T; MAX_TASKS]) -> [T; MAX_TASKS] {
        let mut sorted = *each;
        for (task, &value) in each.iter().enumerate() {
            sorted[self.of(task)] = value;
        }
        sorted
    }
}

fn own_numbers() -> [u8; MAX_TASKS] {
    std::array::from_fn(|task| task as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_depend_on_how_alike_tasks_stand_and_not_on_who_they_are() {
        let alike = Alike::of(5, |a, b| a % 2 == b % 2);
        let stand = |values: [u64; 5]| alike.ranks(&values.map(|value| Fingerprint(value, 0)));
        let (one, other) = (stand([9, 1, 5, 2, 7]), stand([5, 2, 7, 1, 9]));
        let names = |ranks: Ranks| (0..5).map(|task| ranks.of(task)).collect::<Vec<_>>();
        assert_eq!(names(one), [4, 1, 0, 3, 2]);
        assert_eq!(names(other), [0, 3, 2, 1, 4]);
    }

    #[test]
    fn masks_and_tables_go_there_and_back() {
        let alike = Alike::of(6, |_, _| true);
        let ranks = alike.ranks(&[3, 1, 2, 3, 0, 9].map(|value| Fingerprint(0, value)));
        for mask in 0..64 {
            assert_eq!(ranks.tasks(ranks.of_all(mask)), mask);
        }
        let sorted = ranks.sorted(&std::array::from_fn(|task| task));
        assert!((0..6).all(|task| sorted[ranks.of(task)] == task));
        assert_eq!(sorted[6..], (6..MAX_TASKS).collect::<Vec<_>>());
    }

    #[test]
    fn where_none_are_alike_every_task_keeps_its_number() {
        let ranks = Alike::default().ranks(&[Fingerprint(3, 0), Fingerprint(1, 0)]);
        assert_eq!(ranks, Ranks::default());
    }
}
