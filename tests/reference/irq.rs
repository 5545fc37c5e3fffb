//! Interrupt events: what they switch, and the usage that switching on marks.

use kvm_lock_fuzz::lockdep::script::Op;

use super::{Change, Reference, Step};

impl Reference<'_> {
    pub(super) fn irq_event(&mut self, op: Op) -> Step {
        match op {
            Op::HardirqsOff => self.hardirqs_off(),
            Op::HardirqsOn => return self.hardirqs_on(),
            Op::SoftirqsOff => self.softirqs_off(2),
            Op::SoftirqsOn => return self.softirqs_on(2),
            Op::HardirqEnter(threaded) => {
                let on = !self.me().hardirqs_off;
                self.me().on_before.push(on);
                self.hardirqs_off();
                self.me().hardirq_depth += 1;
                if self.me().hardirq_depth == 1 {
                    self.me().threaded = false;
                }
                if threaded {
                    self.me().threaded = true;
                }
            }
            Op::HardirqExit => {
                self.me().hardirq_depth -= 1;
                if self.me().on_before.pop() == Some(true) {
                    return self.hardirqs_on();
                }
            }
            Op::SoftirqEnter => {
                self.softirqs_off(1);
                self.me().softirq_depth += 1;
            }
            Op::SoftirqExit => {
                self.me().softirq_depth -= 1;
                return self.softirqs_on(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self) -> Change {
        let event = Some(self.event);
        self.me().events += 1;
        Change { stamp: self.me().events, event }
    }

    fn hardirqs_off(&mut self) {
        if !self.me().hardirqs_off {
            self.me().hardirqs_off = true;
            self.me().hard_off = self.change();
        }
    }

    fn hardirqs_on(&mut self) -> Step {
        if !self.me().hardirqs_off {
            return Ok(());
        }
        self.mark_all(2)?;
        if !self.me().softirqs_off {
            self.mark_all(6)?;
        }
        self.me().hardirqs_off = false;
        self.me().hard_on = self.change();
        Ok(())
    }

    fn softirqs_off(&mut self, count: u32) {
        self.me().softirq_count += count;
        if !self.me().softirqs_off {
            self.me().softirqs_off = true;
            self.me().soft_off = self.change();
        }
    }

    fn softirqs_on(&mut self, count: u32) -> Step {
        if self.me().softirq_count == count {
            self.me().softirqs_off = false;
            self.me().soft_on = self.change();
            if !self.me().hardirqs_off {
                self.mark_all(6)?;
            }
        }
        self.me().softirq_count -= count;
        Ok(())
    }

    fn mark_all(&mut self, bit: u8) -> Step {
        for held in self.stack().to_vec() {
            if held.check {
                self.mark(&held, bit + u8::from(held.read != 0))?;
            }
        }
        Ok(())
    }
}
