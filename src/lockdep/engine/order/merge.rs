//! What becomes of the components on a cycle: one component.

use super::super::graph::Direction;
use super::{Component, NONE, Order};

impl Order {
    /// Both sides are exhausted and have met: what both have reached becomes one component. The
    /// places taken are dealt out anew: first what leads into it, then it, then what it leads to.
    #[cold]
    pub(super) fn merge(&mut self) {
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
        let mut behind = std::mem::take(&mut self.behind);
        self.take_out(&places, &mut behind);
        for &component in &list[before + 1..before + merged] {
            self.absorb(list[before], component);
        }
        list.drain(before + 1..before + merged);
        self.put_back(&list, &places, &behind, before + 1..before + merged);
        (self.keys, self.list, self.behind) = (places, list, behind);
    }

    /// Makes the classes of one component, which is out of the list, members of another.
    fn absorb(&mut self, into: u16, component: u16) {
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
}
