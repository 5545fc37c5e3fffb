//! What was covered, in words.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Serialize;

use super::{Actor, Saturation, Seen, registered};
use crate::kvm::{Place, Variant};

/// What executions of a variant covered, and what not. Everything is sorted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The variant.
    pub variant: &'static str,
    /// Executions observed.
    pub executions: u32,
    /// Operations of tasks.
    pub operations: Part,
    /// Named places, where a burst may end.
    pub places: Part,
    /// Steps: the call, its object and the function.
    pub steps: Part,
    /// Lock-order edges: `held -KIND-> taken`, as lockdep has them.
    pub edges: Vec<String>,
    /// Alias pairs: `operation: step, then operation: step`.
    pub pairs: Vec<String>,
    /// What more executions would show; null without any.
    pub saturation: Option<Saturation>,
}

/// What there is of one sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What some execution reached.
    pub seen: Vec<String>,
    /// What none did.
    pub unseen: Vec<String>,
}

impl Part {
    fn new<T: Display>(
        seen: impl IntoIterator<Item = T>,
        all: impl IntoIterator<Item = String>,
    ) -> Part {
        let seen: BTreeSet<String> = seen.into_iter().map(|one| one.to_string()).collect();
        let unseen: BTreeSet<String> = all.into_iter().filter(|one| !seen.contains(one)).collect();
        Part { seen: seen.into_iter().collect(), unseen: unseen.into_iter().collect() }
    }

    /// How many there are.
    pub fn all(&self) -> usize {
        self.seen.len() + self.unseen.len()
    }
}

impl Seen {
    /// What was covered of that variant.
    pub fn summary(&self, variant: Variant) -> Summary {
        let places = Place::ALL.iter().map(|place| place.name().to_string());
        Summary {
            variant: variant.name(),
            executions: self.executions,
            operations: Part::new(&self.operations, Actor::all().map(|actor| actor.to_string())),
            places: Part::new(self.places.iter().map(|place| place.name()), places),
            steps: Part::new(&self.steps, registered(variant).map(str::to_string)),
            edges: sorted(&self.edges),
            pairs: sorted(self.pairs.keys()),
            saturation: Saturation::of(self),
        }
    }
}

fn sorted<T: Display>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    let all: BTreeSet<String> = all.into_iter().map(|one| one.to_string()).collect();
    all.into_iter().collect()
}
