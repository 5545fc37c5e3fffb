//! Runs that a search makes once more: to stand where it stood, or to learn what they taught.

use std::future::Future;

use super::engine::{Search, Slots};
use super::model::{Model, Observer};

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O>
where
    M::Event: Copy,
{
    /// Comes to the end of the path from the start, in places that hold no futures yet.
    pub(super) fn stand_again<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) {
        let script: Vec<u8> = self.path.steps.iter().map(|step| step.task).collect();
        self.repeat(slots, start, &script, true);
    }

    /// Runs these tasks, one step each, from the first state; `keeping` the states between, to go back to.
    /// Gives the tasks that can run then.
    pub(super) fn repeat<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        script: &[u8],
        keeping: bool,
    ) -> u16 {
        // These steps do not count; their stamps are lower than those of steps to come.
        let counts = std::mem::take(&mut self.counts);
        let mut runnable = self.enter(slots, start);
        // A kept schedule says the steps before the path too, the path does not.
        let script = if keeping { script } else { script.get(self.before.len()..).unwrap_or(&[]) };
        self.catch_up();
        for (i, &task) in script.iter().enumerate() {
            if keeping {
                self.keep(i);
            }
            if runnable & 1 << task == 0 {
                break;
            }
            runnable = self.run(slots, task);
            self.catch_up();
        }
        self.counts = counts;
        if keeping {
            self.keep(script.len());
        }
        runnable
    }
}
