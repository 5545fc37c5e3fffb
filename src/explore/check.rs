//! The debug mode: equal fingerprints have to go on equally. What the search takes for one state must
//! let the same tasks run, each before the same operation, and each step from it must touch the same
//! objects and lead to one state.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::engine::Search;
use super::model::{Model, Observer};
use super::sets::SetId;
use crate::machine::sim::Fingerprint;

/// How a state lets tasks go on: which can run, and what each stands before.
type Stands = (u16, Fingerprint);

/// A step: what it touches, and where it leads.
type Led = (SetId, Fingerprint);

/// What was seen of states and steps.
#[derive(Debug, Default)]
pub struct Checks {
    states: HashMap<Fingerprint, Stands, FxBuildHasher>,
    steps: HashMap<(Fingerprint, u8), Led, FxBuildHasher>,
}

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O> {
    /// Counts it if the state that the path has come to, or the step that led here, is not what it
    /// was before.
    pub(super) fn check(&mut self, enabled: u16) {
        let observer = &self.observer;
        let (ranks, key) = self.sim.fingerprint(&self.alike, |tasks| observer.remember(tasks));
        let stands = (ranks.of_all(enabled), self.sim.stands(&ranks));
        let mut same = *self.checks.states.entry(key).or_insert(stands) == stands;
        let from = self.path.nodes.last().and_then(|node| node.name);
        if let (Some(name), Some(step)) = (from, self.path.steps.last()) {
            let (led, task) = ((step.set, key), name.ranks.of(step.task.into()) as u8);
            same &= *self.checks.steps.entry((name.key, task)).or_insert(led) == led;
        }
        self.counts.collisions += u32::from(!same);
    }
}
