//! Stretches: dependencies in a row with no branch between them, which one search settles.
//!
//! A class with one dependency into it and one out of it, both within its component, lies on a
//! closed walk exactly if they do. A shortest strong walk takes a dependency once: cut where it
//! passes for the second time, one of the two parts is closed and strong by itself. So all
//! dependencies of a stretch have the same shortest walk, and the first one by names among equally
//! short ones is the same too, because the names along the stretch are common to them all.
//!
//! A bug here is a cycle that complete mode does not report, or a search that is made for nothing.

use super::super::types::ClassId;
use super::Lockdep;
use super::graph::{Direction, NO_EDGE};

/// What [`Lockdep::finish`] knows of the stretches of the graph.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// Of each class, its dependencies within the component by [`Direction`]; 2 stands for more.
    degrees: Vec<[u8; 2]>,
    /// Of each edge: its stretch is settled.
    settled: Vec<bool>,
}

impl Lockdep {
    /// Whether an edge may lie on a cycle of two or more classes: its ends are in one component.
    pub(super) fn is_cyclic(&self, edge: u16) -> bool {
        let edge = self.graph.edge(edge);
        edge.from != edge.to && self.order.together(edge.from, edge.to)
    }

    /// Prepares for the graph as it is now.
    pub(super) fn begin_stretches(&mut self) {
        let (classes, edges) = (self.classes.len(), self.graph.edges().len());
        let mut stretches = std::mem::take(&mut self.findings.stretches);
        stretches.degrees.clear();
        stretches.degrees.resize(classes, [0; 2]);
        stretches.settled.clear();
        stretches.settled.resize(edges, false);
        for edge in (0..edges as u16).filter(|edge| self.is_cyclic(*edge)) {
            let edge = self.graph.edge(edge);
            let ends = [(edge.from, Direction::Forward), (edge.to, Direction::Backward)];
            for (class, direction) in ends {
                let degree = &mut stretches.degrees[class.index()][direction as usize];
                *degree = (*degree + 1).min(2);
            }
        }
        self.findings.stretches = stretches;
    }

    /// Whether a search for this edge would repeat that for an earlier one. If not, all edges of
    /// its stretch are settled with it.
    pub(super) fn is_settled(&mut self, edge: u16) -> bool {
        let settled = self.findings.stretches.settled[usize::from(edge)];
        if !settled {
            self.findings.stretches.settled[usize::from(edge)] = true;
            self.settle_stretch(edge, Direction::Forward);
            self.settle_stretch(edge, Direction::Backward);
        }
        settled
    }

    fn settle_stretch(&mut self, edge: u16, direction: Direction) {
        let mut next = self.next_in_stretch(edge, direction);
        while let Some(edge) = next {
            if std::mem::replace(&mut self.findings.stretches.settled[usize::from(edge)], true) {
                return;
            }
            self.findings.work += 1;
            next = self.next_in_stretch(edge, direction);
        }
    }

    /// The edge after this one, or before it, unless there is a branch between them.
    fn next_in_stretch(&self, edge: u16, direction: Direction) -> Option<u16> {
        let class: ClassId = match direction {
            Direction::Forward => self.graph.edge(edge).to,
            Direction::Backward => self.graph.edge(edge).from,
        };
        if self.findings.stretches.degrees[class.index()] != [1, 1] {
            return None;
        }
        let mut at = self.graph.first(class, direction);
        while at != NO_EDGE && !self.is_cyclic(at) {
            at = self.graph.next(at, direction);
        }
        (at != NO_EDGE).then_some(at)
    }
}
