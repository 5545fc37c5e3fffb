//! Usage bits: setting them, and what a new bit must not meet.
//!
//! Mirrors `mark_usage()`, `mark_lock()`, `mark_lock_irq()` and `mark_held_locks()`.

use super::super::types::{ClassId, Mode};
use super::super::usage::{
    HARDIRQ_ON, IN_HARDIRQ, IN_SOFTIRQ, INITIAL, SOFTIRQ_ON, USED_IN, exclusive_bit,
};
use super::Lockdep;
use super::dependency::irq_query;
use super::graph::Direction;
use super::held::HeldLock;
use super::log::Draft;
use super::report::{Detail, Kind, Silence};
use super::search::{Goal, Rule};

/// The order in which one acquisition sets its bits (write forms).
const ORDER: [u8; 5] = [IN_HARDIRQ, IN_SOFTIRQ, HARDIRQ_ON, SOFTIRQ_ON, INITIAL];

impl Lockdep {
    /// Sets the usage bits in `wanted` that the class of `held` lacks.
    pub(super) fn mark_usage(&mut self, t: usize, held: &HeldLock, wanted: u16) -> bool {
        let read = u8::from(held.read.is_shared());
        ORDER
            .iter()
            .map(|bit| bit + read)
            .filter(|bit| wanted & 1 << bit != 0)
            .all(|bit| self.mark(t, held, bit))
    }

    /// Marks all held locks with an "enabled" bit, from the bottom.
    pub(super) fn mark_held(&mut self, t: usize, bit: u8) -> bool {
        (0..usize::from(self.tasks[t].depth)).all(|i| {
            let held = self.tasks[t].stack[i];
            !held.check() || self.mark(t, &held, bit + u8::from(held.read.is_shared()))
        })
    }

    /// Sets one bit and checks what that changes (`mark_lock()`).
    fn mark(&mut self, t: usize, held: &HeldLock, bit: u8) -> bool {
        let class = &mut self.classes[held.class.index()];
        if class.usage & 1 << bit != 0 {
            return true;
        }
        class.usage |= 1 << bit;
        class.usage_sites[usize::from(bit)] = self.event;
        if bit >= INITIAL {
            return true;
        }
        let exclusive = exclusive_bit(bit);
        self.reach.add_usage(&self.graph, &self.classes, held.class, 1 << bit);
        self.check_state(t, held, bit, exclusive)
            && (bit & 1 != 0 || self.check_state(t, held, bit, exclusive + 1))
            && self.check_inversion(t, held, bit)
    }

    /// One class must not have both bits (`valid_state()`).
    fn check_state(&mut self, t: usize, held: &HeldLock, new_bit: u8, old_bit: u8) -> bool {
        let class = &self.classes[held.class.index()];
        if class.usage & 1 << old_bit == 0 {
            return true;
        }
        let old_site = class.usage_sites[usize::from(old_bit)];
        let detail = Detail::Inconsistent { old_bit, new_bit, old_site };
        self.fire(t, Draft { subject: Some(*held), detail, ..Draft::new(Kind::Inconsistent) })
    }

    /// A class that is now used in interrupts must not lead to one taken with interrupts enabled,
    /// and the reverse (`check_usage_forwards()`, `check_usage_backwards()`).
    fn check_inversion(&mut self, t: usize, held: &HeldLock, bit: u8) -> bool {
        let used_in = (1 << bit) & USED_IN != 0;
        let direction = if used_in { Direction::Forward } else { Direction::Backward };
        let mask = 3 << exclusive_bit(bit);
        if self.reach.rules_out(held.class, direction, mask) {
            return true;
        }
        let rules: &[Rule] = match self.config.mode {
            Mode::Kernel => &[Rule::Kernel],
            Mode::Complete => &[Rule::Kernel, Rule::Exact],
        };
        for &rule in rules {
            let query = irq_query(direction, held, Goal::Usage(mask), rule);
            if let Some(found) = self.search(&query) {
                return self.fire_inversion(t, held, bit, found, rule);
            }
        }
        true
    }

    fn fire_inversion(
        &mut self,
        t: usize,
        held: &HeldLock,
        new_bit: u8,
        found: ClassId,
        rule: Rule,
    ) -> bool {
        let exclusive = exclusive_bit(new_bit);
        let read_only = self.classes[found.index()].usage & (1 << exclusive) == 0;
        let found_bit = exclusive + u8::from(read_only);
        let detail = Detail::IrqInversion { new_bit, found_bit };
        let silence = (rule == Rule::Exact).then_some(Silence::VisitedFirst);
        let paths = [self.keep_path(rule), 0..0];
        let draft = Draft::new(Kind::IrqInversion);
        self.fire(t, Draft { subject: Some(*held), detail, silence, paths, ..draft })
    }
}
