//! Releasing: which held lock is meant, and acquiring again what lies above it.

use super::{Fired, Held, Reference, Step};

impl Reference<'_> {
    pub(super) fn matches(&self, held: &Held, lock: usize) -> bool {
        let key = self.script.locks[lock].class;
        held.lock == lock
            || (held.references > 0
                && self.cache[lock][0].or_else(|| self.find_class(key, 0)) == Some(held.class))
    }

    pub(super) fn find(&mut self, lock: usize) -> Result<usize, Fired> {
        let stack = self.stack();
        for at in (0..stack.len()).rev() {
            if at + 1 < stack.len() && stack[at].context != stack[at + 1].context {
                break;
            }
            if self.matches(&stack[at], lock) {
                return Ok(at);
            }
        }
        Err(self.report_bad_unlock(lock))
    }

    pub(super) fn release(&mut self, lock: usize) -> Step {
        let at = self.find(lock)?;
        let held = &mut self.me().stack[at];
        if held.references > 0 {
            held.references -= 1;
            if held.references > 0 {
                return Ok(());
            }
        }
        self.again(at, at + 1)
    }

    pub(super) fn again(&mut self, at: usize, from: usize) -> Step {
        let rest = self.stack()[from..].to_vec();
        self.me().chain = self.stack()[at].previous.clone();
        self.me().stack.truncate(at);
        for held in rest {
            let subclass = self.classes[held.class].subclass;
            self.acquire(held, subclass)?;
        }
        Ok(())
    }
}
