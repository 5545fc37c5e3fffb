//! A schedule that is run again has to go the same way: a run is a function of who runs when. Where
//! something outside of the machine decides, a search has seen some of the runs and knows not which.

use std::future::Future;

use super::engine::{Search, Slots};
use super::model::{Model, Observer};
use super::sets::SetId;
use crate::machine::sim::Fingerprint;

/// A run to its end: who ran, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Played {
    script: Vec<u8>,
    /// What each step touched, and whom it woke.
    steps: Vec<(SetId, u16)>,
    /// All that tasks saw and did.
    history: Fingerprint,
}

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O>
where
    M::Event: Copy,
{
    /// Keeps the first run that comes to its end.
    pub(super) fn keep_first(&mut self) {
        if self.first.is_none() {
            let steps = &self.path.steps;
            self.first = Some(Played {
                script: steps.iter().map(|step| step.task).collect(),
                steps: steps.iter().map(|step| (step.set, step.woken)).collect(),
                history: self.sim.history(),
            });
        }
    }

    /// Runs it twice more, and counts it where one of these goes another way. Between them a task begins
    /// and is given up: what counts its calls does not come out even.
    pub(super) fn run_again<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) {
        let Some(first) = self.first.take() else { return };
        let mut same = self.play(slots, start, &first.script).as_ref() == Some(&first);
        let counts = self.counts;
        self.begin(slots, start);
        self.run(slots, 0);
        self.counts = counts;
        same &= self.play(slots, start, &first.script).as_ref() == Some(&first);
        self.counts.strayed += u32::from(!same);
        self.first = Some(first);
    }

    /// Runs these tasks from the first state; none if one of them cannot run.
    fn play<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        script: &[u8],
    ) -> Option<Played> {
        let counts = std::mem::take(&mut self.counts);
        let mut runnable = self.enter(slots, start);
        self.catch_up();
        let mut steps = Vec::new();
        for &task in script {
            if runnable & 1 << task == 0 {
                break;
            }
            runnable = self.run(slots, task);
            steps.push(self.touched());
        }
        (self.counts, self.in_place) = (counts, false);
        let over = runnable == 0 && steps.len() == script.len();
        over.then(|| Played { script: script.to_vec(), steps, history: self.sim.history() })
    }
}
