//! The two-way search between the ends of a dependency that goes against the list.

use super::super::super::types::ClassId;
use super::super::graph::{Direction, Graph, NO_EDGE};
use super::{NONE, Order};

/// One side of the two-way search.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Components reached, in order of discovery, and the mark of each component.
    pub(super) reached: Vec<u16>,
    pub(super) marks: Vec<u32>,
    generation: u32,
    /// Where it is: component (position in `reached`), class, edge.
    head: usize,
    member: u16,
    edge: u16,
}

/// What one step of a side found.
#[derive(PartialEq)]
pub(super) enum Step {
    Exhausted,
    Goes,
    Met,
}

impl Order {
    pub(super) fn start(&mut self, direction: Direction, at: u16) {
        let components = self.components.len();
        let side = &mut self.sides[direction as usize];
        side.reached.clear();
        side.generation = side.generation.wrapping_add(1);
        if side.generation == 0 {
            side.marks.clear();
            side.generation = 1;
        }
        if side.marks.len() < components {
            side.marks.resize(components, 0);
        }
        side.head = 0;
        side.member = NONE;
        side.edge = NO_EDGE;
        self.reach(direction, at);
    }

    fn reach(&mut self, direction: Direction, component: u16) {
        let side = &mut self.sides[direction as usize];
        side.marks[usize::from(component)] = side.generation;
        side.reached.push(component);
    }

    pub(super) fn is_reached(&self, direction: Direction, component: u16) -> bool {
        let side = &self.sides[direction as usize];
        side.marks[usize::from(component)] == side.generation
    }

    /// Follows one edge of a side, which stays between the two ends of the dependency; `goal` is
    /// the other end.
    pub(super) fn step(&mut self, graph: &Graph, direction: Direction, goal: u16) -> Step {
        let Some(edge) = self.next_edge(graph, direction) else { return Step::Exhausted };
        let edge = graph.edge(edge);
        let class = if direction == Direction::Forward { edge.to } else { edge.from };
        let component = self.component[class.index()];
        let (label, limit) = (self.label(component), self.label(goal));
        let outside = match direction {
            Direction::Forward => label > limit,
            Direction::Backward => label < limit,
        };
        if outside || self.is_reached(direction, component) {
            return Step::Goes;
        }
        self.reach(direction, component);
        if component == goal { Step::Met } else { Step::Goes }
    }

    /// The next edge out of what a side has reached.
    fn next_edge(&mut self, graph: &Graph, direction: Direction) -> Option<u16> {
        let side = &mut self.sides[direction as usize];
        loop {
            if side.edge != NO_EDGE {
                let edge = side.edge;
                side.edge = graph.next(edge, direction);
                return Some(edge);
            }
            side.member = match side.member {
                NONE => {
                    let component = *side.reached.get(side.head)?;
                    self.components[usize::from(component)].first_member
                }
                member => self.next_member[usize::from(member)],
            };
            match side.member {
                NONE => side.head += 1,
                member => side.edge = graph.first(ClassId(member), direction),
            }
        }
    }
}
