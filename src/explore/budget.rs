//! What the answers beside a result may take, all of them together.
//!
//! A budget is dealt out in shares, and what one answer leaves goes on to those after it. It counts
//! schedules and states, so that an answer is the same on every machine. A run that shortens a case
//! counts as a schedule, and each step of the search for the shortest as a state.
//!
//! A bug here would be an answer that takes more than its share, or one that is cut while some of the
//! budget is left unused.

use super::limits::{Limits, Reached};

/// The part of a budget that is kept from the searches of all schedules, for what comes after them.
const REST: (u64, u64) = (1, 5);

/// What searches have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Schedules.
    pub schedules: u64,
    /// Different states, those of each search by themselves.
    pub states: usize,
    /// Bytes of the search that took most, by its own count.
    pub memory: usize,
    /// The first limit that cut one of them.
    pub cut: Option<Reached>,
}

impl Taken {
    /// Searches were made.
    pub fn is_some(&self) -> bool {
        self.schedules > 0
    }

    /// With what others took.
    #[must_use]
    pub fn and(self, more: Taken) -> Taken {
        Taken {
            schedules: self.schedules + more.schedules,
            states: self.states + more.states,
            memory: self.memory.max(more.memory),
            cut: self.cut.or(more.cut),
        }
    }
}

/// Limits that several searches share.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Limits,
    taken: Taken,
}

impl Budget {
    /// All of `limits`.
    pub fn new(limits: Limits) -> Budget {
        Budget { left: limits, taken: Taken::default() }
    }

    /// `limits` for the searches of all schedules, and a quarter as much for what comes after them: a
    /// last look among fewer tasks, and making cases short.
    pub fn beyond(limits: &Limits) -> Budget {
        Budget::new(limits.part(REST.1, REST.1 - REST.0))
    }

    /// The part of it that searches of all schedules may take.
    pub(super) fn main(&self) -> Budget {
        Budget::new(self.left.part(REST.1 - REST.0, REST.1))
    }

    /// What has been taken of it.
    pub fn taken(&self) -> Taken {
        self.taken
    }

    /// What is left of it.
    pub(super) fn left(&self) -> &Limits {
        &self.left
    }

    /// What is due to `part` answers where `whole` are still to come, they included.
    pub fn share(&self, part: usize, whole: usize) -> Budget {
        Budget::new(self.left.part(part as u64, whole.max(part) as u64))
    }

    /// Takes something out of it.
    pub(super) fn take(&mut self, taken: Taken) {
        self.left = self.left.after(taken.schedules, taken.states);
        self.taken = self.taken.and(taken);
    }

    /// A share comes back, less what was taken of it.
    pub fn settle(&mut self, share: &Budget) {
        self.take(share.taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(budget: &mut Budget, schedules: u64, states: usize) {
        budget.take(Taken { schedules, states, ..Taken::default() });
    }

    #[test]
    fn what_a_share_leaves_goes_on() {
        let mut budget = Budget::new(Limits { schedules: 90, states: 300, ..Limits::default() });
        let mut all = Vec::new();
        for still in (1..=3).rev() {
            let mut share = budget.share(1, still);
            all.push((share.left().schedules, share.left().states));
            let used = if still == 3 { 0 } else { share.left().schedules };
            take(&mut share, used, 10);
            budget.settle(&share);
        }
        assert_eq!(all, [(30, 100), (45, 145), (45, 280)]);
        assert_eq!((budget.taken().schedules, budget.taken().states), (90, 30));
        assert_eq!(budget.left().schedules, 0);
    }

    #[test]
    fn taken_memory_is_that_of_the_largest_and_the_first_cut_stays() {
        let one = Taken { memory: 7, cut: Some(Reached::States), ..Taken::default() };
        let both = one.and(Taken { memory: 5, cut: Some(Reached::Memory), ..Taken::default() });
        assert_eq!((both.memory, both.cut), (7, Some(Reached::States)));
    }
}
