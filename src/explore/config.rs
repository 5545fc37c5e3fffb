//! How a search is made.

use super::model::Model;
use super::visited::Known;
use crate::machine::sim::{Alike, Marks, Object};

/// What a search leaves out because it would show nothing new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Orders of steps that commute, and what comes after states that are known.
    #[default]
    Full,
    /// What comes after states that are known.
    States,
    /// Nothing.
    None,
}

/// How a search is made.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// What it leaves out.
    pub reduction: Reduction,
    /// Preemptions of a schedule: switches away from a task that could go on. With a bound, orders of
    /// steps are not reduced, because an equivalent schedule may need more preemptions.
    pub max_preemptions: Option<u8>,
    /// Whether states that differ only in which of several tasks with one program is which count once.
    pub symmetry: bool,
    /// What marks do.
    pub marks: Marks,
    /// A deliberate mistake, to see it caught.
    pub mistake: Option<Mistake>,
    /// Whether equal fingerprints are checked to go on equally, which takes time and memory.
    pub check: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config::DEFAULT
    }
}

impl Config {
    /// Every reduction, and no bound.
    pub const DEFAULT: Config = Config {
        reduction: Reduction::Full,
        max_preemptions: None,
        symmetry: true,
        marks: Marks::Replace,
        mistake: None,
        check: false,
    };

    /// At most that many preemptions.
    pub fn bounded(max_preemptions: Option<u8>) -> Config {
        let reduction = match max_preemptions {
            Some(_) => Reduction::States,
            None => Reduction::Full,
        };
        Config { reduction, max_preemptions, ..Config::default() }
    }

    /// The tasks of the model that states do not tell apart.
    pub(super) fn alike(&self, model: &impl Model) -> Alike {
        match (self.symmetry, self.mistake) {
            (_, Some(Mistake::Alike)) => Alike::of(model.tasks(), |_, _| true),
            (true, _) => model.alike(),
            (false, _) => Alike::default(),
        }
    }

    /// Whether the search from a known state has seen what one would from there with these tasks
    /// asleep, by rank, or with so many preemptions left.
    pub(super) fn covers(&self, known: Known, sleep: u16, budget: u8) -> bool {
        match self.max_preemptions {
            Some(_) => known.sleep >= u16::from(budget),
            None => known.sleep & !sleep == 0,
        }
    }

    /// What is kept with a state to decide that.
    pub(super) fn covering(&self, sleep: u16, budget: u8) -> u16 {
        match self.max_preemptions {
            Some(_) => u16::from(budget),
            None => sleep,
        }
    }
}

/// Ways to get the dependency relation wrong. Each loses schedules, except `Wakes`: a step whose waker
/// is forgotten races with more, and what would have to come before its waker cannot run there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Mistake {
    /// Steps on one lock commute.
    Locks,
    /// Steps on one location commute.
    Words,
    /// Readers and grace periods commute.
    Srcu,
    /// Sleepers and their wakers commute.
    Waiters,
    /// What only oracles compare commutes.
    Observed,
    /// A woken task owes its waker nothing.
    Wakes,
    /// What is known below a state races with nothing.
    Futures,
    /// Any two tasks have the same program.
    Alike,
}

impl Mistake {
    /// Takes out of a step's touches what the mistake overlooks.
    pub(super) fn spoil(self, touched: &mut Vec<(Object, bool)>) {
        let kinds: &[u16] = match self {
            Mistake::Words => &[0],
            Mistake::Locks => &[1],
            Mistake::Srcu => &[2],
            Mistake::Waiters => &[3, 4],
            Mistake::Observed => &[5],
            Mistake::Wakes | Mistake::Futures | Mistake::Alike => return,
        };
        // The kind stands in the upper bits of the object's number.
        touched.retain(|(object, _)| !kinds.contains(&(object.number() >> 13)));
    }
}
