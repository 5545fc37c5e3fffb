//! The steps as a stateright model, searched depth first; it keeps 64-bit fingerprints of states.

use ::stateright::{Checker, HasDiscoveries, Model, Property};

use crate::form::Form;
use crate::row::Seen;
use crate::steps::{Programs, State};

const LOST: &str = "lost invalidation";
const DEADLOCK: &str = "deadlock";

impl Model for Programs {
    type State = State;
    type Action = usize;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, _: &State, actions: &mut Vec<usize>) {
        actions.extend(0..self.len());
    }

    fn next_state(&self, state: &State, task: usize) -> Option<State> {
        state.step(self, task)
    }

    /// Properties are named by what breaks them. A finished state is the end of every path, so
    /// the joins that mislead an `eventually` elsewhere do no harm here.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(LOST, |model, state: &State| {
                !state.finished(model) || state.consistent()
            }),
            Property::eventually(DEADLOCK, |model, state: &State| state.finished(model)),
        ]
    }
}

pub fn run(form: &Form) -> Seen {
    let checker = Programs::new(form).checker();
    let checker = checker.finish_when(HasDiscoveries::Any).spawn_dfs().join();
    let found = match checker.discoveries().into_iter().next() {
        Some((name, path)) => format!("{name} after {} steps", path.into_actions().len()),
        None => "exhausted".into(),
    };
    // Its count of states includes the first one; transitions lead to all others.
    let (states, transitions) = (checker.unique_state_count(), checker.state_count() - 1);
    Seen { counts: format!("{states} states, {transitions} transitions"), found }
}
