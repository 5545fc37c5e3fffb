//! Interrupt events: what is enabled, and which handler runs.
//!
//! Mirrors `lockdep_hardirqs_on_prepare()`, `lockdep_hardirqs_on()`, `lockdep_hardirqs_off()`,
//! `lockdep_softirqs_on()`, `lockdep_softirqs_off()` and the entry and exit of handlers. An event
//! that the kernel would call an error of its caller (enabling hard interrupts inside their
//! handler, leaving what was not entered) is ignored.

use super::super::types::{Read, Site, TaskId};
use super::super::usage::{HARDIRQ_ON, SOFTIRQ_ON};
use super::Lockdep;

/// What `local_bh_disable()` adds to the softirq count, and what softirq processing adds.
const DISABLE: u32 = 2;
const SERVING: u32 = 1;

impl Lockdep {
    /// Disables hard interrupts; nothing if they are off.
    pub fn hardirqs_off(&mut self, task: TaskId, site: Site) -> bool {
        if let Some((t, _)) = self.begin_irq(task, site) {
            self.disable_hardirqs(t, site);
            self.update(t);
        }
        false
    }

    /// Enables hard interrupts; nothing if they are on. True if this had something to report.
    pub fn hardirqs_on(&mut self, task: TaskId, site: Site) -> bool {
        let Some((t, before)) = self.begin_irq(task, site) else { return false };
        if self.tasks[t].irq.hardirq_depth == 0 {
            self.enable_hardirqs(t, site);
            self.update(t);
        }
        self.log.events != before
    }

    /// Disables soft interrupts; nests.
    pub fn softirqs_off(&mut self, task: TaskId, site: Site) -> bool {
        if let Some((t, _)) = self.begin_irq(task, site) {
            self.disable_softirqs(t, DISABLE, site);
            self.update(t);
        }
        false
    }

    /// Undoes one [`softirqs_off`](Self::softirqs_off). True if this had something to report.
    pub fn softirqs_on(&mut self, task: TaskId, site: Site) -> bool {
        let Some((t, before)) = self.begin_irq(task, site) else { return false };
        if self.tasks[t].irq.can_enable_softirqs() {
            self.enable_softirqs(t, DISABLE, site);
            self.update(t);
        }
        self.log.events != before
    }

    /// A hard interrupt begins; `threaded` if its handler is one that may run in a thread.
    pub fn hardirq_enter(&mut self, task: TaskId, threaded: bool, site: Site) -> bool {
        let Some((t, _)) = self.begin_irq(task, site) else { return false };
        let was_on = self.tasks[t].irq.hardirqs_on;
        self.disable_hardirqs(t, site);
        let irq = &mut self.tasks[t].irq;
        irq.hardirq_depth += 1;
        if irq.hardirq_depth == 1 {
            irq.threaded = false;
            irq.on_before_hardirq = was_on;
        }
        irq.threaded |= threaded;
        self.update(t);
        false
    }

    /// A hard interrupt ends. True if this had something to report.
    pub fn hardirq_exit(&mut self, task: TaskId, site: Site) -> bool {
        let Some((t, before)) = self.begin_irq(task, site) else { return false };
        let irq = &mut self.tasks[t].irq;
        if irq.hardirq_depth == 0 {
            return false;
        }
        irq.hardirq_depth -= 1;
        if irq.hardirq_depth == 0 && irq.on_before_hardirq {
            self.update(t);
            self.enable_hardirqs(t, site);
        }
        self.update(t);
        self.log.events != before
    }

    /// Softirq processing begins.
    pub fn softirq_enter(&mut self, task: TaskId, site: Site) -> bool {
        let Some((t, _)) = self.begin_irq(task, site) else { return false };
        self.disable_softirqs(t, SERVING, site);
        self.tasks[t].irq.softirq_depth += 1;
        self.update(t);
        false
    }

    /// Softirq processing ends. True if this had something to report.
    pub fn softirq_exit(&mut self, task: TaskId, site: Site) -> bool {
        let Some((t, before)) = self.begin_irq(task, site) else { return false };
        let irq = &mut self.tasks[t].irq;
        if irq.softirq_depth == 0 {
            return false;
        }
        irq.softirq_depth -= 1;
        self.enable_softirqs(t, SERVING, site);
        self.update(t);
        self.log.events != before
    }

    /// How a reader of a queued rwlock acquires it now: recursively in an interrupt or with
    /// softirqs disabled, else not.
    pub fn queued_read(&self, task: TaskId) -> Read {
        self.tasks.get(task.index()).map_or(Read::Shared, |task| task.queued_read())
    }

    fn disable_hardirqs(&mut self, t: usize, site: Site) {
        let irq = &mut self.tasks[t].irq;
        if irq.hardirqs_on {
            irq.hardirqs_on = false;
            irq.last_hardirqs_off = irq.change(site);
        }
    }

    /// Marks what is held while the switch is still off, then throws it.
    fn enable_hardirqs(&mut self, t: usize, site: Site) {
        if self.tasks[t].irq.hardirqs_on {
            return;
        }
        let goes_on = self.mark_held(t, HARDIRQ_ON)
            && (!self.tasks[t].irq.softirqs_on || self.mark_held(t, SOFTIRQ_ON));
        if goes_on {
            let irq = &mut self.tasks[t].irq;
            irq.hardirqs_on = true;
            irq.last_hardirqs_on = irq.change(site);
        }
    }

    fn disable_softirqs(&mut self, t: usize, count: u32, site: Site) {
        let irq = &mut self.tasks[t].irq;
        irq.softirq_count = irq.softirq_count.saturating_add(count);
        if irq.softirqs_on {
            irq.softirqs_on = false;
            irq.last_softirqs_off = irq.change(site);
        }
    }

    /// Throws the switch, then marks what is held.
    fn enable_softirqs(&mut self, t: usize, count: u32, site: Site) {
        let irq = &mut self.tasks[t].irq;
        let outermost = irq.softirq_count == count;
        if outermost {
            irq.softirqs_on = true;
            irq.last_softirqs_on = irq.change(site);
            if irq.hardirqs_on {
                self.mark_held(t, SOFTIRQ_ON);
            }
        }
        let irq = &mut self.tasks[t].irq;
        irq.softirq_count = irq.softirq_count.saturating_sub(count);
    }

    fn begin_irq(&mut self, task: TaskId, site: Site) -> Option<(usize, u64)> {
        let (t, before) = self.begin(task, site)?;
        if !self.tasks[t].touched {
            self.touch(t);
        }
        Some((t, before))
    }

    fn update(&mut self, t: usize) {
        let raw = self.config.raw_lock_nesting;
        self.tasks[t].update(raw);
    }
}
