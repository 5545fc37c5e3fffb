//! Usage summaries: proof, without a search, that no irq search would find anything.
//!
//! For every class: the "used in" bits of all classes from which it can be reached, and the
//! "enabled" bits of all classes that it leads to, its own included. Both only grow, and a change
//! is passed on along the edges, so that all of them together cost at most one visit per class,
//! bit and edge. Read modes are ignored: a summary says what a search might find, never that it
//! does. Until some class is used in an interrupt there is nothing to find, and nothing is kept.

use super::super::types::ClassId;
use super::super::usage::{ENABLED, USED_IN, exclusive_mask};
use super::bytes;
use super::class::Class;
use super::graph::{Direction, Graph, NO_EDGE};

/// Summary of one class; only bits 0..7 of a usage mask matter here.
#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    /// Irq searches neither count nor cross it.
    skipped: bool,
    /// Forward: "enabled" bits ahead. Backward: "used in" bits behind.
    bits: [u8; 2],
}

/// The summaries of all classes.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    classes: Vec<Summary>,
    todo: Vec<ClassId>,
    /// Some class has been used in an interrupt.
    kept: bool,
}

impl Reach {
    pub(crate) fn clear(&mut self) {
        self.classes.clear();
        self.kept = false;
    }

    pub(crate) fn memory(&self) -> usize {
        bytes(&self.classes) + bytes(&self.todo)
    }

    pub(crate) fn add_class(&mut self, skipped: bool) {
        self.classes.push(Summary { skipped, bits: [0; 2] });
    }

    #[inline]
    fn bits(&self, class: ClassId, direction: Direction) -> u16 {
        u16::from(self.classes[class.index()].bits[direction as usize])
    }

    /// No class that an irq search from `class` can reach has any usage in `mask`.
    #[inline]
    pub(crate) fn rules_out(&self, class: ClassId, direction: Direction, mask: u16) -> bool {
        self.bits(class, direction) & mask == 0
    }

    /// No class before `held` conflicts with one after `new`.
    #[inline]
    pub(crate) fn rules_out_order(&self, held: ClassId, new: ClassId) -> bool {
        let used_in = self.bits(held, Direction::Backward);
        used_in == 0 || self.rules_out(new, Direction::Forward, exclusive_mask(used_in))
    }

    /// A class gained usage, which `classes` has already.
    #[inline]
    pub(crate) fn add_usage(
        &mut self,
        graph: &Graph,
        classes: &[Class],
        class: ClassId,
        bits: u16,
    ) {
        if self.kept {
            self.summarise(graph, class, bits);
        } else if bits & USED_IN != 0 {
            self.keep(graph, classes);
        }
    }

    /// The first use in an interrupt: catches up on all that went before.
    #[cold]
    fn keep(&mut self, graph: &Graph, classes: &[Class]) {
        self.kept = true;
        for (index, class) in classes.iter().enumerate() {
            self.summarise(graph, ClassId(index as u16), class.usage);
        }
    }

    fn summarise(&mut self, graph: &Graph, class: ClassId, bits: u16) {
        self.spread(graph, class, (bits & USED_IN) as u8, Direction::Backward);
        self.spread(graph, class, (bits & ENABLED) as u8, Direction::Forward);
    }

    /// A dependency was added.
    #[inline]
    pub(crate) fn add_edge(&mut self, graph: &Graph, held: ClassId, new: ClassId) {
        if !self.kept {
            return;
        }
        let behind = self.bits(held, Direction::Backward) as u8;
        let ahead = self.bits(new, Direction::Forward) as u8;
        self.spread(graph, new, behind, Direction::Backward);
        self.spread(graph, held, ahead, Direction::Forward);
    }

    /// Adds bits to the summary of a class, and to those of all classes that look at it: what lies
    /// ahead concerns the classes behind, and the reverse.
    #[inline]
    fn spread(&mut self, graph: &Graph, class: ClassId, bits: u8, direction: Direction) {
        self.grow(class, bits, direction);
        if !self.todo.is_empty() {
            self.pass_on(graph, bits, direction);
        }
    }

    fn pass_on(&mut self, graph: &Graph, bits: u8, direction: Direction) {
        let against = match direction {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        };
        while let Some(class) = self.todo.pop() {
            let mut at = graph.first(class, against);
            while at != NO_EDGE {
                let edge = graph.edge(at);
                let next = if against == Direction::Forward { edge.to } else { edge.from };
                self.grow(next, bits, direction);
                at = graph.next(at, against);
            }
        }
    }

    #[inline]
    fn grow(&mut self, class: ClassId, bits: u8, direction: Direction) {
        let summary = &mut self.classes[class.index()];
        let known = &mut summary.bits[direction as usize];
        if !summary.skipped && *known | bits != *known {
            *known |= bits;
            self.todo.push(class);
        }
    }
}
