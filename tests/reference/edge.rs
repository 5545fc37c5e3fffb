//! Dependencies: which ones an acquisition adds, and what each may not close.

use super::search::Found;
use super::usage::{conflicting, opposite};
use super::{ENABLED, Entry, Held, Reference, Step, USED_IN, WRITE};

impl Reference<'_> {
    pub(super) fn add_edges(&mut self, new: &Held) -> Step {
        let stack = self.stack().to_vec();
        for (n, held) in stack.iter().enumerate().rev() {
            if held.check {
                self.add_edge(held, new)?;
                if !held.trylock {
                    break;
                }
            }
            if n == 0 || stack[n - 1].context != held.context {
                break;
            }
        }
        Ok(())
    }

    fn add_edge(&mut self, held: &Held, new: &Held) -> Step {
        let test =
            |_: &Self, f: &Found| f.class == held.class && (held.read == 0 || !f.only_recursive);
        if let Some(path) = self.search(new.class, new.read == 2, true, false, &test) {
            return self.report_circular(held, new, &path);
        }
        self.check_irq(held, new)?;
        let (recursive, shared) = (new.read == 2, held.read != 0);
        let kind = 1 << (u8::from(!recursive) * 2 + u8::from(!shared));
        let mirror = 1 << (u8::from(!recursive) + u8::from(!shared) * 2);
        let trace = self.event;
        Self::add_entry(&mut self.classes[held.class].after, new.class, kind, trace);
        Self::add_entry(&mut self.classes[new.class].before, held.class, mirror, trace);
        Ok(())
    }

    fn add_entry(list: &mut Vec<Entry>, class: usize, kinds: u8, trace: usize) {
        match list.iter_mut().find(|entry| entry.class == class) {
            Some(entry) => entry.kinds |= kinds,
            None => list.push(Entry { class, kinds, trace }),
        }
    }

    fn check_irq(&mut self, held: &Held, new: &Held) -> Step {
        let collected = std::cell::Cell::new(0);
        let collect = |me: &Self, f: &Found| {
            let usage = me.classes[f.class].usage;
            collected.set(collected.get() | if f.only_recursive { usage & WRITE } else { usage });
            false
        };
        self.search(held.class, held.read != 0, false, true, &collect);
        let used_in = collected.get() & USED_IN;
        if used_in == 0 {
            return Ok(());
        }
        let wanted = conflicting(used_in);
        let test = |me: &Self, f: &Found| me.usage_hits(f, wanted);
        let Some(unsafe_path) = self.search(new.class, new.read == 2, true, true, &test) else {
            return Ok(());
        };
        let enabled = self.classes[unsafe_path[0].0].usage & ENABLED;
        let test = |me: &Self, f: &Found| me.usage_hits(f, conflicting(enabled));
        let Some(safe_path) = self.search(held.class, held.read != 0, false, true, &test) else {
            return Ok(());
        };
        let (safe, unsafe_) =
            (self.classes[safe_path[0].0].usage, self.classes[unsafe_path[0].0].usage);
        for bit in (0..8).filter(|bit| safe & (1 << bit) != 0) {
            for ex in [opposite(bit), opposite(bit) + 1] {
                if unsafe_ & (1 << ex) != 0 {
                    let paths = (&safe_path[..], &unsafe_path[..]);
                    return self.report_irq_order(held, new, paths, (bit, ex));
                }
            }
        }
        Ok(())
    }
}
