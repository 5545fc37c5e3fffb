//! An incremental topological order: proof, without a search, that no path leads back.
//!
//! Every class belongs to a strongly connected component, every component has a place in a list
//! such that edges lead from earlier to later places. A new dependency that agrees with the list
//! costs nothing. One that does not makes a two-way search of the components between its ends,
//! which stops as soon as either side is exhausted; that side is then moved past the other end.
//! If the sides meet, the dependency closes a cycle and the components on it become one, so the
//! order also serves graphs with (weak) cycles.
//!
//! After Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs"
//! (2006), with the two-way search of Bender, Fineman, Gilbert and Tarjan, "A new approach to
//! incremental cycle detection" (2015), and list labels after Dietz and Sleator.

use std::collections::BinaryHeap;

use super::super::types::ClassId;
use super::bytes;
use super::graph::{Direction, Graph, NO_EDGE};

const NONE: u16 = u16::MAX;
/// Distance of neighbouring labels when the list is written anew.
const GAP: u64 = 1 << 44;
/// Label of the first component of a list written anew.
const FIRST: u64 = 1 << 62;

/// A component's place in the list, and the first of its classes.
#[derive(Clone, Copy, Debug)]
struct Component {
    label: u64,
    before: u16,
    after: u16,
    first_member: u16,
    last_member: u16,
}

/// The order of the classes of a [`Graph`].
#[derive(Debug)]
pub(crate) struct Order {
    /// Component of each class.
    component: Vec<u16>,
    /// Next class of the same component.
    next_member: Vec<u16>,
    components: Vec<Component>,
    first: u16,
    last: u16,
    sides: [Side; 2],
    /// Scratch.
    keys: Keys,
    list: Vec<u16>,
}

/// One side of the two-way search.
#[derive(Debug, Default)]
struct Side {
    /// Components reached, in order of discovery, and the mark of each component.
    reached: Vec<u16>,
    marks: Vec<u32>,
    generation: u32,
    /// Where it is: component (position in `reached`), class, edge.
    head: usize,
    member: u16,
    edge: u16,
}

/// What one step of a side found.
#[derive(PartialEq)]
enum Step {
    Exhausted,
    Goes,
    Met,
}

/// Things to be sorted, by number.
pub(crate) type Keys = Vec<(u64, u16)>;

/// The engine's only sort, by heap: a tenth of the branches of the library's other sorts, which an
/// instrumented build pays for at every execution.
#[inline(never)]
pub(crate) fn sort(keys: &mut Keys) {
    *keys = BinaryHeap::from(std::mem::take(keys)).into_sorted_vec();
}

impl Order {
    pub(crate) fn new() -> Self {
        Order {
            component: Vec::new(),
            next_member: Vec::new(),
            components: Vec::new(),
            first: NONE,
            last: NONE,
            sides: [Side::default(), Side::default()],
            keys: Keys::new(),
            list: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.component.clear();
        self.next_member.clear();
        self.components.clear();
        self.first = NONE;
        self.last = NONE;
    }

    pub(crate) fn memory(&self) -> usize {
        let sides = self.sides.iter().map(|side| bytes(&side.reached) + bytes(&side.marks));
        bytes(&self.component)
            + bytes(&self.next_member)
            + bytes(&self.components)
            + bytes(&self.keys)
            + bytes(&self.list)
            + sides.sum::<usize>()
    }

    /// A new class, at the end of the list.
    pub(crate) fn add_class(&mut self) {
        let id = self.components.len() as u16;
        self.component.push(id);
        self.next_member.push(NONE);
        self.components.push(Component {
            label: FIRST,
            before: NONE,
            after: NONE,
            first_member: id,
            last_member: id,
        });
        self.link(id, self.last, NONE);
        self.place(id, 1);
    }

    #[inline]
    fn label(&self, component: u16) -> u64 {
        self.components[usize::from(component)].label
    }

    /// Whether a path may lead from `to` back to `from`, a dependency of which is about to be
    /// added. Moves or merges components, so that afterwards the list agrees with it.
    pub(crate) fn agree(&mut self, graph: &Graph, from: ClassId, to: ClassId) -> bool {
        let ends = [self.component[from.index()], self.component[to.index()]];
        if self.label(ends[0]) < self.label(ends[1]) {
            return false;
        }
        ends[0] == ends[1] || self.reorder(graph, ends[0], ends[1])
    }

    /// The dependency goes against the list. True if it closes a cycle.
    #[cold]
    fn reorder(&mut self, graph: &Graph, from: u16, to: u16) -> bool {
        self.start(Direction::Backward, from);
        self.start(Direction::Forward, to);
        loop {
            match self.step(graph, Direction::Backward, to) {
                Step::Goes => {}
                Step::Met => break,
                Step::Exhausted => {
                    let before = self.components[usize::from(to)].before;
                    self.move_side(Direction::Backward, before, to);
                    return false;
                }
            }
            match self.step(graph, Direction::Forward, from) {
                Step::Goes => {}
                Step::Met => break,
                Step::Exhausted => {
                    let after = self.components[usize::from(from)].after;
                    self.move_side(Direction::Forward, from, after);
                    return false;
                }
            }
        }
        while self.step(graph, Direction::Backward, to) != Step::Exhausted {}
        while self.step(graph, Direction::Forward, from) != Step::Exhausted {}
        self.merge();
        true
    }

    fn start(&mut self, direction: Direction, at: u16) {
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

    fn is_reached(&self, direction: Direction, component: u16) -> bool {
        let side = &self.sides[direction as usize];
        side.marks[usize::from(component)] == side.generation
    }

    /// Follows one edge of a side, which stays between the two ends of the dependency; `goal` is
    /// the other end.
    fn step(&mut self, graph: &Graph, direction: Direction, goal: u16) -> Step {
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

    /// Lists components in the order of their labels.
    fn by_label(&self, keys: &mut Keys, components: impl Iterator<Item = u16>) {
        keys.clear();
        keys.extend(components.map(|component| (self.label(component), component)));
        sort(keys);
    }

    /// Moves what a side has reached, in its order, between two neighbours of the list.
    fn move_side(&mut self, direction: Direction, before: u16, after: u16) {
        let mut moved = std::mem::take(&mut self.keys);
        self.by_label(&mut moved, self.sides[direction as usize].reached.iter().copied());
        for &(_, component) in &moved {
            self.unlink(component);
        }
        // What moves lies on the far side of the neighbours, so both are still in place.
        let mut before = before;
        for (n, &(_, component)) in moved.iter().enumerate() {
            self.link(component, before, after);
            self.place(component, moved.len() - n);
            before = component;
        }
        self.keys = moved;
    }

    /// Gives a component just linked a label, leaving room for `count` in all.
    fn place(&mut self, component: u16, count: usize) {
        let Component { before, after, .. } = self.components[usize::from(component)];
        let room = count as u64 + 1;
        let label = match (before, after) {
            (NONE, NONE) => Some(FIRST),
            (NONE, after) => self.label(after).checked_sub(GAP * count as u64),
            (before, NONE) => self.label(before).checked_add(GAP),
            (before, after) => {
                let low = self.label(before);
                let step = (self.label(after) - low) / room;
                (step > 0).then_some(low + step)
            }
        };
        match label {
            Some(label) => self.components[usize::from(component)].label = label,
            None => self.relabel(),
        }
    }

    /// Writes all labels anew.
    #[cold]
    fn relabel(&mut self) {
        let (mut at, mut label) = (self.first, FIRST);
        while at != NONE {
            let component = &mut self.components[usize::from(at)];
            component.label = label;
            label += GAP;
            at = component.after;
        }
    }

    fn unlink(&mut self, component: u16) {
        let Component { before, after, .. } = self.components[usize::from(component)];
        self.set_after(before, after);
        self.set_before(after, before);
    }

    fn link(&mut self, component: u16, before: u16, after: u16) {
        let place = &mut self.components[usize::from(component)];
        place.before = before;
        place.after = after;
        self.set_after(before, component);
        self.set_before(after, component);
    }

    fn set_after(&mut self, component: u16, after: u16) {
        match self.components.get_mut(usize::from(component)) {
            Some(place) => place.after = after,
            None => self.first = after,
        }
    }

    fn set_before(&mut self, component: u16, before: u16) {
        match self.components.get_mut(usize::from(component)) {
            Some(place) => place.before = before,
            None => self.last = before,
        }
    }

    /// Both sides are exhausted and have met: what both have reached becomes one component. The
    /// places taken are dealt out anew: first what leads into it, then it, then what it leads to.
    #[cold]
    fn merge(&mut self) {
        let [forward, backward] = [Direction::Forward, Direction::Backward];
        let mut places = std::mem::take(&mut self.keys);
        let mut list = std::mem::take(&mut self.list);
        list.clear();
        let later = self.sides[forward as usize].reached.iter().copied();
        let later = later.filter(|c| !self.is_reached(backward, *c));
        let earlier = self.sides[backward as usize].reached.iter().copied();
        self.by_label(&mut places, earlier.chain(later));
        let part = |c: u16| match (self.is_reached(backward, c), self.is_reached(forward, c)) {
            (true, false) => 0,
            (true, true) => 1,
            (false, _) => 2,
        };
        for wanted in 0..3 {
            list.extend(places.iter().map(|key| key.1).filter(|c| part(*c) == wanted));
        }
        let count = |wanted| list.iter().filter(|c| part(**c) == wanted).count();
        let (before, merged) = (count(0), count(1));
        for &component in &list[before + 1..before + merged] {
            self.absorb(list[before], component);
        }
        list.drain(before + 1..before + merged);
        places.drain(before + 1..before + merged);
        for (&component, &(label, _)) in list.iter().zip(&places) {
            self.components[usize::from(component)].label = label;
        }
        (self.keys, self.list) = (places, list);
        self.relink();
    }

    /// Makes the classes of one component members of another.
    fn absorb(&mut self, into: u16, component: u16) {
        self.unlink(component);
        let Component { first_member, last_member, .. } = self.components[usize::from(component)];
        let mut member = first_member;
        while member != NONE {
            self.component[usize::from(member)] = into;
            member = self.next_member[usize::from(member)];
        }
        let target = &mut self.components[usize::from(into)];
        self.next_member[usize::from(target.last_member)] = first_member;
        target.last_member = last_member;
    }

    /// Puts the list in the order of its labels.
    fn relink(&mut self) {
        let mut keys = std::mem::take(&mut self.keys);
        let after = |&at: &u16| self.components.get(usize::from(at)).map(|c| c.after);
        let list = std::iter::successors(Some(self.first), after);
        self.by_label(&mut keys, list.take_while(|at| *at != NONE));
        (self.first, self.last) = (NONE, NONE);
        let mut before = NONE;
        for &(_, component) in &keys {
            self.link(component, before, NONE);
            before = component;
        }
        self.keys = keys;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::types::Site;
    use super::super::graph::EN;
    use super::*;

    /// Adds random edges and compares with the transitive closure.
    #[test]
    fn it_never_rules_out_a_path_and_rules_out_all_others() {
        let mut seed = 7_u64;
        let mut random = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((seed >> 33) % n) as u16
        };
        for round in 0..300 {
            let n = 2 + random(24);
            let (mut graph, mut order) = (Graph::new(), Order::new());
            for _ in 0..n {
                graph.add_class();
                order.add_class();
            }
            for _ in 0..3 * n {
                let (from, to) = (random(u64::from(n)), random(u64::from(n)));
                let (from, to) = (ClassId(from), ClassId(to));
                let path = leads(&graph, to, from, n);
                assert_eq!(order.agree(&graph, from, to), path, "round {round}");
                if graph.find(from, to).is_none() {
                    graph.add(from, to, EN, Site(0));
                }
            }
        }
    }

    fn leads(graph: &Graph, from: ClassId, to: ClassId, n: u16) -> bool {
        let mut seen = vec![false; usize::from(n)];
        let mut todo = vec![from];
        while let Some(class) = todo.pop() {
            if !std::mem::replace(&mut seen[class.index()], true) {
                todo.extend(graph.list(class, Direction::Forward).map(|(_, e)| e.to));
            }
        }
        seen[to.index()]
    }
}
