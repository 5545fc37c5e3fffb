//! Releasing a lock, and everything else that happens to held locks.
//!
//! Mirrors `find_held_lock()`, `__lock_release()`, `reacquire_held_locks()`, `__lock_downgrade()`,
//! `__lock_set_class()`, `debug_check_no_locks_freed()` and the two checks for leftovers.

use super::super::types::{InstanceId, Read, Site, TaskId};
use super::Lockdep;
use super::held::{HeldLock, Request};
use super::log::Draft;
use super::report::{Detail, Kind};

impl Lockdep {
    /// A task releases a lock. True if this event had something to report.
    #[inline]
    pub fn release(&mut self, task: TaskId, instance: InstanceId, site: Site) -> bool {
        let Some((t, before)) = self.begin(task, site) else { return false };
        let state = &mut self.tasks[t];
        match state.top() {
            Some(top) if top.instance == instance && top.references == 0 => {
                state.chain = top.prev_chain;
                state.depth -= 1;
                false
            }
            _ => {
                self.release_slow(t, instance);
                self.log.events != before
            }
        }
    }

    /// Not simply the top of the stack.
    fn release_slow(&mut self, t: usize, instance: InstanceId) -> bool {
        let Some(at) = self.find_held(t, instance) else {
            return self.fire_bad_unlock(t, instance);
        };
        let held = &mut self.tasks[t].stack[at];
        if held.references > 0 {
            held.references -= 1;
            if held.references > 0 {
                return true;
            }
        }
        self.reacquire(t, at, at + 1)
    }

    /// Cuts the stack at `at` and acquires the old entries from `from` on once more, which adds
    /// what they now depend on.
    fn reacquire(&mut self, t: usize, at: usize, from: usize) -> bool {
        let task = &mut self.tasks[t];
        let end = usize::from(task.depth);
        task.chain = task.stack[at].prev_chain;
        task.depth = at as u8;
        // An entry is read before the pushes, which never overtake it, can reach its slot.
        (from..end).all(|i| {
            let held = self.tasks[t].stack[i];
            let subclass = self.classes[held.class.index()].subclass;
            let request = Request::again(&held, subclass);
            self.acquire_again(t, &request) || self.lock_acquire(t, &request)
        })
    }

    /// The entry that a release of `instance` means (`find_held_lock()`). The top entry counts
    /// whatever its context; the search below it does not cross into another one.
    fn find_held(&self, t: usize, instance: InstanceId) -> Option<usize> {
        let held = self.tasks[t].held();
        let top = held.len().checked_sub(1)?;
        if self.matches(&held[top], instance) {
            return Some(top);
        }
        let context = held[top].context;
        (0..top)
            .rev()
            .take_while(|&i| held[i].context == context)
            .find(|&i| self.matches(&held[i], instance))
    }

    /// Does a stack entry stand for `instance` (`match_held_lock()`)? One with merged
    /// acquisitions stands for every lock of its class.
    pub(super) fn matches(&self, held: &HeldLock, instance: InstanceId) -> bool {
        held.instance == instance
            || (held.references > 0 && self.known_class(instance) == Some(held.class))
    }

    /// Does any stack entry stand for `instance`?
    pub(super) fn is_held(&self, t: usize, instance: InstanceId) -> bool {
        self.tasks[t].held().iter().any(|held| self.matches(held, instance))
    }

    fn fire_bad_unlock(&mut self, t: usize, instance: InstanceId) -> bool {
        if self.tasks[t].untracked > 0 {
            self.tasks[t].untracked -= 1;
            return true;
        }
        let detail = Detail::Instance(instance);
        self.fire(t, Draft { detail, ..Draft::new(Kind::BadUnlock) })
    }

    /// Turns an exclusive hold into a shared one (`lock_downgrade()`). True if this event had
    /// something to report.
    pub fn downgrade(&mut self, task: TaskId, instance: InstanceId, site: Site) -> bool {
        let Some((t, before)) = self.begin(task, site) else { return false };
        match self.find_held(t, instance) {
            None => self.fire_bad_unlock(t, instance),
            Some(at) => {
                let held = &mut self.tasks[t].stack[at];
                held.read = Read::Shared;
                held.site = site;
                self.reacquire(t, at, at)
            }
        };
        self.log.events != before
    }

    /// Changes the subclass of a held lock (`lock_set_subclass()`). True if this event had
    /// something to report.
    pub fn set_subclass(
        &mut self,
        task: TaskId,
        instance: InstanceId,
        subclass: u8,
        site: Site,
    ) -> bool {
        let Some((t, before)) = self.begin(task, site) else { return false };
        let Some(at) = self.find_held(t, instance) else {
            self.fire_bad_unlock(t, instance);
            return self.log.events != before;
        };
        self.uncache_classes(instance);
        self.memos.clear();
        if let Some(class) = self.find_class(instance, subclass) {
            self.tasks[t].stack[at].class = class;
            self.reacquire(t, at, at);
        }
        self.log.events != before
    }

    /// The memory of a lock is freed or initialised again (`debug_check_no_locks_freed()`). True
    /// if this event had something to report.
    pub fn free(&mut self, task: TaskId, instance: InstanceId, site: Site) -> bool {
        let Some((t, before)) = self.begin(task, site) else { return false };
        if let Some(&held) = self.tasks[t].held().iter().find(|h| h.instance == instance) {
            let detail = Detail::Instance(instance);
            self.fire(t, Draft { subject: Some(held), detail, ..Draft::new(Kind::Freed) });
        }
        self.log.events != before
    }

    /// Return to user space: nothing may be held (`lockdep_sys_exit()`). True if this event had
    /// something to report.
    pub fn user_exit(&mut self, task: TaskId, site: Site) -> bool {
        self.leave(task, site, Kind::UserHeld)
    }

    /// Death of a task: nothing may be held (`debug_check_no_locks_held()`). True if this event
    /// had something to report.
    pub fn task_exit(&mut self, task: TaskId, site: Site) -> bool {
        self.leave(task, site, Kind::ExitHeld)
    }

    fn leave(&mut self, task: TaskId, site: Site, kind: Kind) -> bool {
        let Some((t, before)) = self.begin(task, site) else { return false };
        if self.tasks[t].depth > 0 {
            self.fire(t, Draft::new(kind));
        }
        self.log.events != before
    }
}
