//! Adding a dependency: the cycle check, the irq-order check, the edge.
//!
//! Mirrors `check_prev_add()`, `check_noncircular()` and `check_irq_usage()`.

use std::ops::Range;

use super::super::types::{ClassId, Mode, Read};
use super::super::usage::{ENABLED, USED_IN, exclusive_mask, exclusive_match};
use super::Lockdep;
use super::graph::{Direction, Edge, SR, dependency_kind};
use super::held::HeldLock;
use super::log::Draft;
use super::report::{Detail, Kind, Limit, Silence};
use super::search::{Goal, Query, Rule};

const ALL_STATES: u16 = 0xff;
const HARDIRQ_STATES: u16 = 0x0f;
const SOFTIRQ_STATES: u16 = 0xf0;

/// What an irq-order check found: the way from the safe class, the way to the unsafe one, and the
/// usage bits that conflict.
struct IrqOrder {
    paths: [Range<usize>; 2],
    bits: (u8, u8),
}

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
    fn check_irq_order(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        if self.reach.rules_out_order(held.class, new.class) {
            return true;
        }
        match self.find_irq_order(held, new, Rule::Kernel, ALL_STATES) {
            Some(found) => self.fire_irq_order(t, held, new, found, None),
            None => {
                self.log.drop_lists();
                true
            }
        }
    }

    /// The same in complete mode: the states one by one, and the pair that conflicts by name.
    fn check_irq_order_complete(&mut self, t: usize, held: &HeldLock, new: &HeldLock) {
        if self.reach.rules_out_order(held.class, new.class) {
            return;
        }
        let silence = match self.find_irq_order(held, new, Rule::Kernel, ALL_STATES) {
            _ if self.kernel_skips => Some(Silence::ChainCache),
            None => Some(Silence::VisitedFirst),
            Some(_) => None,
        };
        self.log.drop_lists();
        for states in [HARDIRQ_STATES, SOFTIRQ_STATES] {
            if let Some(found) = self.find_irq_order(held, new, Rule::Exact, states) {
                self.fire_irq_order(t, held, new, found, silence);
            }
        }
    }

    /// The searches of the irq-order check, for the usage bits `states`. The paths stay listed.
    fn find_irq_order(
        &mut self,
        held: &HeldLock,
        new: &HeldLock,
        rule: Rule,
        states: u16,
    ) -> Option<IrqOrder> {
        let before = |goal| irq_query(Direction::Backward, held, goal, rule);
        self.search(&before(Goal::Collect));
        let used_in = self.search.collected & USED_IN & states;
        let goal = Goal::Usage(exclusive_mask(used_in));
        let unsafe_ = self.search(&irq_query(Direction::Forward, new, goal, rule))?;
        let unsafe_path = self.keep_path(rule);
        let unsafe_usage = self.classes[unsafe_.index()].usage & states;
        let goal = Goal::Usage(exclusive_mask(unsafe_usage & ENABLED));
        let safe = self.search(&before(goal))?;
        let safe_path = self.keep_path(rule);
        // The kernel looks at all bits of the safe class and may name another pair.
        let named = if rule == Rule::Kernel { !0 } else { USED_IN & states };
        let bits = exclusive_match(self.classes[safe.index()].usage & named, unsafe_usage)?;
        Some(IrqOrder { paths: [safe_path, unsafe_path], bits })
    }

    fn fire_irq_order(
        &mut self,
        t: usize,
        held: &HeldLock,
        new: &HeldLock,
        found: IrqOrder,
        silence: Option<Silence>,
    ) -> bool {
        let (safe_bit, unsafe_bit) = found.bits;
        let detail = Detail::IrqOrder { safe_bit, unsafe_bit };
        let (subject, other, paths) = (Some(*new), Some(*held), found.paths);
        let draft = Draft::new(Kind::IrqOrder);
        self.fire(t, Draft { subject, other, detail, silence, paths, ..draft })
    }

    /// Adds the kind to the edge, or the edge to the graph.
    fn insert_dependency(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        let kind = dependency_kind(held.read, new.read);
        let unseen = if self.kernel_skips { kind } else { 0 };
        if let Some(edge) = self.graph.find(held.class, new.class) {
            let unseen = self.graph.edge(edge).unseen | unseen;
            self.graph.set_kinds(edge, kind, unseen);
            return true;
        }
        if let Some(edge) = self.graph.add(held.class, new.class, kind, self.event) {
            self.graph.set_kinds(edge, kind, unseen);
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
            let Edge { kinds, unseen, .. } = *self.graph.edge(edge);
            if kinds & kind != 0 {
                let seen = if self.kernel_skips { 0 } else { kind };
                self.graph.set_kinds(edge, kind, unseen & !seen);
                return true;
            }
        }
        self.note_closing(t, held, new);
        self.check_irq_order_complete(t, held, new);
        self.insert_dependency(t, held, new)
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
