//! Usage bits: marking them, and which ones exclude each other.

use super::search::Found;
use super::{Held, Reference, Step, USED_IN, WRITE};

pub(super) fn opposite(bit: u8) -> u8 {
    match bit {
        0 | 1 => 2,
        2 | 3 => 0,
        4 | 5 => 6,
        _ => 4,
    }
}

pub(super) fn conflicting(mask: u16) -> u16 {
    let mut wanted = 0;
    for bit in 0..8 {
        if mask & (1 << bit) != 0 {
            wanted |= 3 << opposite(bit);
        }
    }
    wanted
}

impl Reference<'_> {
    pub(super) fn mark_usage(&mut self, new: &Held) -> Step {
        let task = self.tasks[self.task].clone();
        let read = u8::from(new.read != 0);
        if new.check {
            if !new.trylock {
                if task.hardirq_depth > 0 {
                    self.mark(new, read)?;
                }
                if task.softirq_depth > 0 {
                    self.mark(new, 4 + read)?;
                }
            }
            if !new.hardirqs_off && !new.sync {
                self.mark(new, 2 + read)?;
                if !task.softirqs_off {
                    self.mark(new, 6 + read)?;
                }
            }
        }
        self.mark(new, 8 + read)
    }

    pub(super) fn mark(&mut self, held: &Held, bit: u8) -> Step {
        let event = self.event;
        let class = &mut self.classes[held.class];
        if class.usage & (1 << bit) != 0 {
            return Ok(());
        }
        class.usage |= 1 << bit;
        class.traces[usize::from(bit)] = event;
        if bit >= 8 {
            return Ok(());
        }
        let usage = class.usage;
        let ex = opposite(bit);
        if usage & (1 << ex) != 0 {
            return self.report_inconsistent(held, ex, bit);
        }
        if bit & 1 == 0 && usage & (2 << ex) != 0 {
            return self.report_inconsistent(held, ex + 1, bit);
        }
        let forwards = USED_IN & (1 << bit) != 0;
        let weak = if forwards { held.read == 2 } else { held.read != 0 };
        let test = |me: &Self, f: &Found| me.usage_hits(f, 3 << ex);
        match self.search(held.class, weak, forwards, true, &test) {
            Some(path) => self.report_inversion(held, bit, &path),
            None => Ok(()),
        }
    }

    pub(super) fn usage_hits(&self, found: &Found, mask: u16) -> bool {
        let usage = self.classes[found.class].usage;
        let usage = if found.only_recursive { usage & WRITE } else { usage };
        usage & mask != 0
    }
}
