//! Places for the futures of a search's tasks: on the stack, so that neither heap nor unsafe is needed.

use std::future::Future;
use std::pin::{Pin, pin};

use super::Coverage;
use super::engine::{Search, Slots};
use super::model::{Model, Observer};
use crate::machine::MAX_TASKS;

/// Goes on with the search until everything was seen or `stop` says so, which is asked before every
/// step. Says what was covered so far.
pub fn search<M: Model, O: Observer<M::Event>>(
    search: &mut Search<'_, M, O>,
    mut stop: impl FnMut(&Search<'_, M, O>) -> bool,
) -> Coverage
where
    M::Event: Copy,
{
    let (sim, model) = (search.sim, search.model);
    let start = |i: usize| model.task(sim.task(i as u8), i);
    in_place(model.tasks(), &start, |slots| {
        let seen_all = search.go(slots, &start, |search| stop(search));
        if seen_all {
            search.run_again(slots, &start);
        }
        search.coverage(seen_all)
    })
}

/// Does something with places for that many tasks, [`MAX_TASKS`] at most.
pub(super) fn in_place<F: Future<Output = ()>, R>(
    tasks: usize,
    _: &impl Fn(usize) -> F,
    with: impl FnOnce(&mut Slots<'_, F>) -> R,
) -> R {
    let (a, b, c, d) = (pin!(None), pin!(None), pin!(None), pin!(None));
    let (e, f, g, h) = (pin!(None), pin!(None), pin!(None), pin!(None));
    let (i, j, k, l) = (pin!(None), pin!(None), pin!(None), pin!(None));
    let (m, n, o, p) = (pin!(None), pin!(None), pin!(None), pin!(None));
    let mut slots: [Pin<&mut Option<F>>; MAX_TASKS] =
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
    with(&mut slots[..tasks])
}
