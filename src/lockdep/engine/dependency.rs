//! Adding a dependency: the cycle check, the irq-order check, the edge.
//!
//! Mirrors `check_prev_add()`, `check_noncircular()` and `check_irq_usage()`.

use std::ops::Range;

use super::super::types::{ClassId, Mode, Read};
use super::super::usage::{ENABLED, USED_IN, exclusive_mask, exclusive_match};
use super::Lockdep;
use super::graph::{Direction, SR, dependency_kind};
use super::held::HeldLock;
use super::report::{Detail, Draft, Kind, Limit};
use super::search::Goal;

impl Lockdep {
    /// `new` is acquired while `held` is held. False when validation has ended.
    pub(super) fn add_dependency(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        if self.config.mode == Mode::Complete {
            return self.add_dependency_complete(t, held, new);
        }
        self.check_circular(t, held, new)
            && self.check_irq_order(t, held, new)
            && self.insert_dependency(t, held, new)
    }

    /// Does the new lock already lead to the held one?
    fn check_circular(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        if self.graph.no_path(new.class, held.class) {
            return true;
        }
        let start = (new.class, new.read == Read::Recursive);
        let goal = Goal::Held { class: held.class, exclusive: !held.read.is_shared() };
        let Some(found) = self.search(Direction::Forward, start, goal, false) else {
            return true;
        };
        let paths = [self.keep_path(Direction::Forward, found), 0..0];
        let (subject, other) = (Some(*new), Some(*held));
        self.fire(t, Draft { subject, other, paths, ..Draft::new(Kind::Circular) })
    }

    /// Would this dependency let an interrupt-safe class wait for an interrupt-unsafe one?
    pub(super) fn check_irq_order(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        if self.graph.irq_order_safe(held.class, new.class) {
            return true;
        }
        let before = (held.class, held.read.is_shared());
        self.search(Direction::Backward, before, Goal::Collect, true);
        let used_in = self.search.collected & USED_IN;
        if used_in == 0 {
            return true;
        }
        let after = (new.class, new.read == Read::Recursive);
        let goal = Goal::Usage(exclusive_mask(used_in));
        let Some(unsafe_) = self.search(Direction::Forward, after, goal, true) else {
            return true;
        };
        let unsafe_path = self.keep_path(Direction::Forward, unsafe_);
        let enabled = self.classes[unsafe_.index()].usage & ENABLED;
        let goal = Goal::Usage(exclusive_mask(enabled));
        let Some(safe) = self.search(Direction::Backward, before, goal, true) else {
            return true;
        };
        let safe_path = self.keep_path(Direction::Backward, safe);
        self.fire_irq_order(t, held, new, [safe_path, unsafe_path])
    }

    fn fire_irq_order(
        &mut self,
        t: usize,
        held: &HeldLock,
        new: &HeldLock,
        paths: [Range<usize>; 2],
    ) -> bool {
        let usage = |path: &Range<usize>| self.log.steps[path.start].usage;
        let Some((safe_bit, unsafe_bit)) = exclusive_match(usage(&paths[0]), usage(&paths[1]))
        else {
            return true;
        };
        let detail = Detail::IrqOrder { safe_bit, unsafe_bit };
        let (subject, other) = (Some(*new), Some(*held));
        self.fire(t, Draft { subject, other, detail, paths, ..Draft::new(Kind::IrqOrder) })
    }

    /// Adds the kind to the edge, or the edge to the graph.
    pub(super) fn insert_dependency(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        let kind = dependency_kind(held.read, new.read);
        if let Some(edge) = self.graph.find(held.class, new.class) {
            self.graph.edge_mut(edge).kinds |= kind;
            return true;
        }
        if self.graph.add(held.class, new.class, kind, self.event).is_some() {
            return true;
        }
        let detail = Detail::Limit(Limit::Edges);
        self.fire(t, Draft { detail, ..Draft::new(Kind::Limit) })
    }

    /// Complete mode: the acquisition counts as checked whatever the checks say, and cycles are
    /// judged on the final edges.
    fn add_dependency_complete(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        let kind = dependency_kind(held.read, new.read);
        if held.class == new.class && kind != SR {
            return true;
        }
        let known = self.graph.find(held.class, new.class);
        if known.is_some_and(|edge| self.graph.edge(edge).kinds & kind != 0) {
            return true;
        }
        self.check_irq_order(t, held, new);
        self.insert_dependency(t, held, new)
    }

    /// Runs the kernel's search.
    pub(super) fn search(
        &mut self,
        direction: Direction,
        start: (ClassId, bool),
        goal: Goal,
        skip_cpu_local: bool,
    ) -> Option<ClassId> {
        self.search.run(&self.graph, &self.classes, direction, start, goal, skip_cpu_local)
    }

    /// Keeps the way of the last search for a report.
    pub(super) fn keep_path(&mut self, direction: Direction, found: ClassId) -> Range<usize> {
        let start = self.log.steps.len();
        self.search.path(&self.graph, &self.classes, direction, found, &mut self.log.steps);
        start..self.log.steps.len()
    }
}
