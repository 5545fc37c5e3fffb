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
//!
//! `list` holds the places, `sides` the two-way search, `merge` what becomes of a cycle.

mod list;
mod merge;
mod sides;

use std::collections::BinaryHeap;

use super::super::types::ClassId;
use super::bytes;
use super::graph::{Direction, Graph};
use sides::{Side, Step};

const NONE: u16 = u16::MAX;
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
    behind: Vec<u16>,
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
            behind: Vec::new(),
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
            + bytes(&self.behind)
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

    /// Whether two classes are in one component: paths lead from each to the other.
    #[inline]
    pub(crate) fn together(&self, a: ClassId, b: ClassId) -> bool {
        self.component[a.index()] == self.component[b.index()]
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
                check_list(&order);
            }
        }
    }

    /// The list leads both ways through the same components, in order of their labels.
    fn check_list(order: &Order) {
        let next = |at: &u16| order.components.get(usize::from(*at)).map(|c| c.after);
        let list = std::iter::successors(Some(order.first), next);
        let list: Vec<u16> = list.take_while(|at| *at != NONE).collect();
        assert_eq!(list.last(), Some(&order.last));
        for pair in list.windows(2) {
            assert_eq!(order.components[usize::from(pair[1])].before, pair[0]);
            assert!(order.label(pair[0]) < order.label(pair[1]));
        }
        let used: std::collections::BTreeSet<_> = order.component.iter().collect();
        assert_eq!(list.iter().collect::<std::collections::BTreeSet<_>>(), used);
    }

    /// Components that a merge has not reached are left alone.
    #[test]
    fn a_merge_costs_what_it_reaches() {
        let n = 1_000;
        let (mut graph, mut order) = (Graph::new(), Order::new());
        for _ in 0..n {
            graph.add_class();
            order.add_class();
        }
        let mut add = |order: &mut Order, from: u16, to: u16| {
            let closes = order.agree(&graph, ClassId(from), ClassId(to));
            graph.add(ClassId(from), ClassId(to), EN, Site(0));
            closes
        };
        (1..n).for_each(|to| assert!(!add(&mut order, to - 1, to)));
        for from in (10..n).step_by(20) {
            assert!(add(&mut order, from, from - 5));
            check_list(&order);
            assert!(order.keys.capacity() < 20, "{}", order.keys.capacity());
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
