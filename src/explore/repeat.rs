//! Runs that a search makes once more: to stand where it stood, or to learn what they taught.

use std::future::Future;

use super::engine::{Search, Slots};
use super::model::{Model, Observer};
use super::path::bit;

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
    /// Gives the tasks that can run then; none where the schedule leads nowhere.
    pub(super) fn repeat<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        script: &[u8],
        keeping: bool,
    ) -> Option<u16> {
        // These steps do not count; their stamps are lower than those of steps to come.
        let counts = std::mem::take(&mut self.counts);
        let mut runnable = self.enter(slots, start);
        // A kept schedule says the steps before the path too, the path does not.
        let rest = if keeping { Some(script) } else { script.strip_prefix(&*self.before) };
        let script = rest.unwrap_or(&[]);
        let mut leads = rest.is_some();
        self.catch_up();
        for (i, &task) in script.iter().enumerate() {
            if keeping {
                self.keep(i);
            }
            leads &= runnable & bit(task) != 0;
            if !leads {
                break;
            }
            runnable = self.run(slots, task);
            self.catch_up();
        }
        self.counts = counts;
        if keeping {
            self.keep(script.len());
        }
        leads.then_some(runnable)
    }
}
