//! The schedule of a search: one step of one task, then a pause; and it notes what the step touches.

use crate::machine::sim::{At, Marks, Object, PAUSE, Schedule};

/// Lets the task run that the search has chosen, then pauses.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    pub(super) next: Option<u8>,
    /// What the running step touched, and whether it changed it.
    pub(super) touched: Vec<(Object, bool)>,
    /// What it took and still holds.
    pub(super) taken: Vec<Object>,
    /// Tasks that the running step woke.
    pub(super) woken: u16,
    pub(super) marks: Option<Marks>,
}

impl Schedule for Cursor {
    const SEARCHES: bool = true;

    fn next(&mut self, _: At, runnable: u16) -> u8 {
        let Some(task) = self.next.take() else { return PAUSE };
        debug_assert!(runnable & 1 << task != 0, "a task that cannot run was chosen");
        task
    }

    fn touched(&mut self, object: Object, changed: bool) {
        self.touched.push((object, changed));
    }

    fn took(&mut self, object: Object) {
        self.taken.push(object);
    }

    fn gave(&mut self, object: Object) {
        let taken = self.taken.iter().rposition(|&taken| taken == object);
        let foreign = taken.map(|at| self.taken.swap_remove(at)).is_none();
        self.touched.push((object, foreign));
    }

    fn woke(&mut self, task: u8) {
        self.woken |= 1 << task;
    }

    fn marks(&self) -> Marks {
        self.marks.unwrap_or(Marks::Replace)
    }
}
