//! The schedule of a search: it replays a prefix, then pauses; and it notes what a step touches.

use crate::machine::sim::{At, Marks, Object, PAUSE, Schedule};

/// Replays a list of tasks, one for every time the machine asks, and pauses at its end.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    pub(super) script: Vec<u8>,
    pub(super) at: usize,
    /// Note what is touched: off while a known prefix is replayed.
    pub(super) noting: bool,
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
        let Some(&task) = self.script.get(self.at) else { return PAUSE };
        debug_assert!(runnable & 1 << task != 0, "a replay went another way");
        self.at += 1;
        task
    }

    fn touched(&mut self, object: Object, changed: bool) {
        if self.noting {
            self.touched.push((object, changed));
        }
    }

    fn took(&mut self, object: Object) {
        if self.noting {
            self.taken.push(object);
        }
    }

    fn gave(&mut self, object: Object) {
        if self.noting {
            let taken = self.taken.iter().rposition(|&taken| taken == object);
            let foreign = taken.map(|at| self.taken.swap_remove(at)).is_none();
            self.touched.push((object, foreign));
        }
    }

    fn woke(&mut self, task: u8) {
        self.woken |= 1 << task;
    }

    fn marks(&self) -> Marks {
        self.marks.unwrap_or(Marks::Replace)
    }
}
