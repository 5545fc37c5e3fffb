//! The list of the components: places, labels, and moving what one side has reached.

use std::ops::Range;

use super::super::graph::Direction;
use super::{Component, FIRST, Keys, NONE, Order, sort};

/// Behind the place before; no component has that number.
const SAME: u16 = NONE - 1;

/// Distance of neighbouring labels when the list is written anew.
const GAP: u64 = 1 << 44;

impl Order {
    /// Lists components in the order of their labels.
    pub(super) fn by_label(&self, keys: &mut Keys, components: impl Iterator<Item = u16>) {
        keys.clear();
        keys.extend(components.map(|component| (self.label(component), component)));
        sort(keys);
    }

    /// Moves what a side has reached, in its order, between two neighbours of the list.
    pub(super) fn move_side(&mut self, direction: Direction, before: u16, after: u16) {
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
    pub(super) fn place(&mut self, component: u16, count: usize) {
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

    pub(super) fn unlink(&mut self, component: u16) {
        let Component { before, after, .. } = self.components[usize::from(component)];
        self.set_after(before, after);
        self.set_before(after, before);
    }

    pub(super) fn link(&mut self, component: u16, before: u16, after: u16) {
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

    /// Takes the components at these places out of the list, and notes behind what each place is:
    /// behind the place before it, or behind a component that stays.
    pub(super) fn take_out(&mut self, places: &Keys, behind: &mut Vec<u16>) {
        behind.clear();
        let mut last = SAME;
        for &(_, component) in places {
            let before = self.components[usize::from(component)].before;
            behind.push(if before == last { SAME } else { before });
            last = component;
        }
        places.iter().for_each(|&(_, component)| self.unlink(component));
    }

    /// Puts components, in their order, at the places that were taken out, those of number `gone` left
    /// empty.
    pub(super) fn put_back(
        &mut self,
        components: &[u16],
        places: &Keys,
        behind: &[u16],
        gone: Range<usize>,
    ) {
        let (mut before, mut components) = (NONE, components.iter());
        for (n, (&(label, _), &behind)) in places.iter().zip(behind).enumerate() {
            if behind != SAME {
                before = behind;
            }
            if gone.contains(&n) {
                continue;
            }
            let Some(&component) = components.next() else { return };
            let after = self.components.get(usize::from(before)).map_or(self.first, |c| c.after);
            self.link(component, before, after);
            self.components[usize::from(component)].label = label;
            before = component;
        }
    }
}
