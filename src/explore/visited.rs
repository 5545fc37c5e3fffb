//! The states that the search has been at, and what it saw from each.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::path::PerTask;
use super::sets::SetId;
#[cfg(feature = "cli")]
use super::sets::Sets;
use crate::machine::sim::Fingerprint;

/// Bytes of a hash table with so many entries, which has grown with them: what another process has read
/// counts as much.
pub(super) fn table<K, V>(entries: usize) -> usize {
    let slots = (entries * 8).div_ceil(7).next_power_of_two().max(4);
    slots * (size_of::<(K, V)>() + 1)
}

/// Bytes of a table that takes its place when one entry more does not fit.
pub(super) fn grown<K, V>(entries: usize) -> usize {
    let larger = table::<K, V>(entries + 1);
    if larger > table::<K, V>(entries) { larger } else { 0 }
}

/// What is known of a state.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Known {
    /// Tasks that were asleep when it was searched (preemptions left, where these are bounded).
    pub sleep: u16,
    /// Tasks that were tried, which the future tells.
    pub tried: u16,
    /// Which of the futures; none while the search is below it.
    future: u32,
}

const UNFINISHED: u32 = u32::MAX;

/// States and futures.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Visited {
    states: HashMap<Fingerprint, Known, FxBuildHasher>,
    futures: Vec<Box<[SetId]>>,
    ids: HashMap<Box<[SetId]>, u32, FxBuildHasher>,
    tasks: usize,
}

impl Visited {
    /// No state so far, of that many tasks.
    pub fn new(tasks: usize) -> Visited {
        Visited { states: HashMap::default(), futures: Vec::new(), ids: HashMap::default(), tasks }
    }

    /// What is known of the state.
    pub fn get(&self, key: Fingerprint) -> Option<Known> {
        self.states.get(&key).copied()
    }

    /// The search goes below the state.
    pub fn enter(&mut self, key: Fingerprint, sleep: u16) {
        self.states.insert(key, Known { sleep, tried: 0, future: UNFINISHED });
    }

    /// The search is done with the state.
    pub fn leave(&mut self, key: Fingerprint, tried: u16, future: &PerTask) {
        let future = self.intern(&future[..self.tasks]);
        if let Some(known) = self.states.get_mut(&key) {
            (known.tried, known.future) = (tried & !known.sleep, future);
        }
    }

    /// What each task does below the state; none while the search is there.
    pub fn future(&self, known: Known) -> Option<&[SetId]> {
        self.futures.get(known.future as usize).map(|future| &**future)
    }

    fn intern(&mut self, future: &[SetId]) -> u32 {
        if let Some(&id) = self.ids.get(future) {
            return id;
        }
        let id = self.futures.len() as u32;
        self.futures.push(future.into());
        self.ids.insert(future.into(), id);
        id
    }

    /// Whether these can be the states of a search of that many tasks with these sets.
    #[cfg(feature = "cli")]
    pub fn fits(&self, tasks: usize, sets: &Sets, bound: Option<u8>) -> bool {
        let all = ((1u32 << tasks) - 1) as u16;
        let sleeps = |known: &Known| match bound {
            Some(bound) => known.sleep <= bound.into(),
            None => known.sleep & !all == 0,
        };
        let futures = self.futures.iter().enumerate();
        self.tasks == tasks
            && self.ids.len() == self.futures.len()
            && futures.into_iter().all(|(i, future)| {
                future.len() == tasks
                    && future.iter().all(|&set| sets.knows(set))
                    && self.ids.get(future) == Some(&(i as u32))
            })
            && self.states.values().all(|known| {
                let finished = (known.future as usize) < self.futures.len();
                (finished || known.future == UNFINISHED) && sleeps(known) && known.tried & !all == 0
            })
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Bytes in use, roughly.
    pub fn memory(&self) -> usize {
        let futures = self.futures.len();
        // Each future stands twice, in a block of its own.
        let blocks = 2 * (16 + size_of::<SetId>() * self.tasks);
        table::<Fingerprint, Known>(self.states.len())
            + table::<Box<[SetId]>, u32>(futures)
            + futures.next_power_of_two() * size_of::<Box<[SetId]>>()
            + futures * blocks
    }

    /// Bytes more while one state more is entered.
    pub fn growth(&self) -> usize {
        grown::<Fingerprint, Known>(self.states.len())
            + grown::<Box<[SetId]>, u32>(self.futures.len())
    }

    /// Whether there is memory for one state more.
    pub fn has_room(&mut self) -> bool {
        self.states.try_reserve(1).is_ok()
            && self.ids.try_reserve(1).is_ok()
            && self.futures.try_reserve(1).is_ok()
    }
}
