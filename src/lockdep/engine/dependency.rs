//! Adding a dependency: the cycle check, the irq-order check, the edge.
//!
//! Mirrors `check_prev_add()`, `check_noncircular()` and `check_irq_usage()`.

use std::ops::Range;

use super::super::types::{ClassId, Mode, Read};
use super::super::usage::{ENABLED, USED_IN, exclusive_mask, exclusive_match};
use super::Lockdep;
use super::graph::{Direction, SR, dependency_kind};
use super::held::HeldLock;
use super::report::{Detail, Draft, Kind, Limit, Silence};
use super::search::{Goal, Query, Rule};

impl Lockdep {
    /// `new` is acquired while `held` is held. False when validation has ended.
    pub(super) fn add_dependency(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        if self.config.mode == Mode::Complete {
            return self.add_dependency_complete(t, held, new);
        }
        self.check_circular(t, held, new)
            && self.check_irq_order(t, held, new, Rule::Kernel)
            && self.insert_dependency(t, held, new)
    }

    /// Does the new lock already lead to the held one?
    fn check_circular(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        // The start of a search is visited, so no search leads back to it.
        if held.class == new.class || !self.order.agree(&self.graph, held.class, new.class) {
            return true;
        }
        if self.search(&circular_query(held, new, Rule::Kernel)).is_none() {
            return true;
        }
        let paths = [self.keep_path(Rule::Kernel), 0..0];
        let (subject, other) = (Some(*new), Some(*held));
        self.fire(t, Draft { subject, other, paths, ..Draft::new(Kind::Circular) })
    }

    /// Would this dependency let an interrupt-safe class wait for an interrupt-unsafe one?
    fn check_irq_order(&mut self, t: usize, held: &HeldLock, new: &HeldLock, rule: Rule) -> bool {
        if self.reach.rules_out_order(held.class, new.class) {
            return true;
        }
        let before = |goal| irq_query(Direction::Backward, held, goal, rule);
        self.search(&before(Goal::Collect));
        let used_in = self.search.collected & USED_IN;
        let goal = Goal::Usage(exclusive_mask(used_in));
        let Some(unsafe_) = self.search(&irq_query(Direction::Forward, new, goal, rule)) else {
            return true;
        };
        let unsafe_path = self.keep_path(rule);
        let enabled = self.classes[unsafe_.index()].usage & ENABLED;
        if self.search(&before(Goal::Usage(exclusive_mask(enabled)))).is_none() {
            return true;
        }
        let safe_path = self.keep_path(rule);
        self.fire_irq_order(t, held, new, rule, [safe_path, unsafe_path])
    }

    fn fire_irq_order(
        &mut self,
        t: usize,
        held: &HeldLock,
        new: &HeldLock,
        rule: Rule,
        paths: [Range<usize>; 2],
    ) -> bool {
        let usage = |path: &Range<usize>| self.log.steps[path.start].usage;
        let Some((safe_bit, unsafe_bit)) = exclusive_match(usage(&paths[0]), usage(&paths[1]))
        else {
            return true;
        };
        let detail = Detail::IrqOrder { safe_bit, unsafe_bit };
        let (subject, other) = (Some(*new), Some(*held));
        let silence = self.silence(rule);
        let draft = Draft::new(Kind::IrqOrder);
        self.fire(t, Draft { subject, other, detail, silence, paths, ..draft })
    }

    /// Adds the kind to the edge, or the edge to the graph.
    fn insert_dependency(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        let kind = dependency_kind(held.read, new.read);
        let unseen = if self.kernel_skips { kind } else { 0 };
        if let Some(edge) = self.graph.find(held.class, new.class) {
            let edge = self.graph.edge_mut(edge);
            edge.kinds |= kind;
            edge.unseen |= unseen;
            return true;
        }
        if let Some(edge) = self.graph.add(held.class, new.class, kind, self.event) {
            self.graph.edge_mut(edge).unseen = unseen;
            self.reach.add_edge(&self.graph, held.class, new.class);
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
        if let Some(edge) = self.graph.find(held.class, new.class) {
            let edge = self.graph.edge_mut(edge);
            if edge.kinds & kind != 0 {
                edge.unseen &= if self.kernel_skips { !0 } else { !kind };
                return true;
            }
        }
        self.note_closing(t, held, new);
        let before = self.log.events;
        self.check_irq_order(t, held, new, Rule::Kernel);
        if self.log.events == before {
            self.check_irq_order(t, held, new, Rule::Exact);
        }
        self.insert_dependency(t, held, new)
    }

    /// Why the kernel does not report what the search just found.
    pub(super) fn silence(&self, rule: Rule) -> Option<Silence> {
        match rule {
            _ if self.kernel_skips => Some(Silence::ChainCache),
            Rule::Kernel => None,
            Rule::Exact => Some(Silence::VisitedFirst),
        }
    }

    /// Runs a search.
    pub(super) fn search(&mut self, query: &Query) -> Option<ClassId> {
        self.search.run(&self.graph, &self.classes, query)
    }

    /// Keeps the way of the last search for a report.
    pub(super) fn keep_path(&mut self, rule: Rule) -> Range<usize> {
        let start = self.log.steps.len();
        self.search.path(&self.graph, &self.classes, rule, &mut self.log.steps);
        start..self.log.steps.len()
    }
}

/// From the new lock to the held one.
pub(super) fn circular_query(held: &HeldLock, new: &HeldLock, rule: Rule) -> Query {
    Query {
        direction: Direction::Forward,
        start: new.class,
        weak: new.read == Read::Recursive,
        goal: Goal::Held { class: held.class, exclusive: !held.read.is_shared() },
        skip_cpu_local: false,
        rule,
    }
}

/// From a lock on one side of a new dependency, or whose state changed, to usage.
pub(super) fn irq_query(direction: Direction, lock: &HeldLock, goal: Goal, rule: Rule) -> Query {
    let weak = match direction {
        Direction::Forward => lock.read == Read::Recursive,
        Direction::Backward => lock.read.is_shared(),
    };
    Query { direction, start: lock.class, weak, goal, skip_cpu_local: true, rule }
}
