//! Acquiring a lock: the order of the checks.
//!
//! Mirrors `lock_acquire()`, `__lock_acquire()`, `check_wait_context()` and `validate_chain()`.
//! The order in which one event can be reported is: invalid subclass, wait context, usage bits,
//! nest lock, same class, then for each dependency cycle before irq order.

use super::super::types::{Acquire, ClassId, InstanceId, LockType, Mode, Read, TaskId};
use super::super::usage::{ENABLED, INITIAL, USED_IN};
use super::Lockdep;
use super::chain::{EMPTY_CHAIN, MAX_LOCKDEP_CHAIN_HLOCKS, MAX_LOCKDEP_CHAINS, extend};
use super::held::{HeldLock, MAX_LOCK_DEPTH, Request};
use super::log::Draft;
use super::memo::Memo;
use super::report::{Detail, Kind, Limit, Silence};

/// Highest count of nested acquisitions that one entry can stand for.
const MAX_REFERENCES: u16 = 2047;

/// Note in the chain cache: the sequence holds a class twice.
const REPEATS: u32 = 1;

/// Answer of the same-class check (`check_deadlock()`).
enum SameClass {
    Clear,
    /// A nest lock held since before the first lock of the class makes it legal.
    Covered,
    /// Reported, and that ends it.
    Stop,
}

impl Lockdep {
    /// A task acquires a lock. True if this event had something to report.
    #[inline]
    pub fn acquire(&mut self, task: TaskId, acquire: &Acquire) -> bool {
        let t = task.index();
        match self.tasks.get(t) {
            None => return false,
            // So that its first acquisition can be a known one.
            Some(task) if !task.touched => self.touch(t),
            Some(_) => {}
        }
        let request = Request::new(acquire, false, !self.tasks[t].irq.hardirqs_on);
        !self.acquire_again(t, &request) && self.lock_event(task, &request)
    }

    /// Waits for the users of a lock: checked like a blocking acquisition, but nothing stays held
    /// (`lock_sync()`). True if this event had something to report.
    pub fn sync(&mut self, task: TaskId, acquire: &Acquire) -> bool {
        let hardirqs_off = !self.irq_state(task).hardirqs_on;
        self.lock_event(task, &Request::new(acquire, true, hardirqs_off))
    }

    /// The common case, complete in itself: the same lock was acquired before in the same way, in
    /// the same interrupt state, after the same chain, and nothing was new about it.
    #[inline]
    pub(super) fn acquire_again(&mut self, t: usize, request: &Request) -> bool {
        let Some(task) = self.tasks.get_mut(t) else { return false };
        let state = task.state | request.word();
        let Some(memo) = self.memos.get(task.chain, request.instance, state) else { return false };
        let same_context = task.top().is_none_or(|top| top.context == task.context);
        // An untouched task must go through `push`, or the next reset would pass it by.
        let plain = same_context && task.touched;
        plain && !self.off && task.push_again(&memo.entry, request.site, memo.chain)
    }

    /// Notes an acquisition that was not new in any respect.
    #[inline]
    fn remember(&mut self, t: usize, held: &HeldLock, chain: u64, head: bool) {
        let task = &self.tasks[t];
        let plain = held.nest().is_none() && held.references == 0 && !held.sync();
        if plain && task.touched && (!head || task.depth == 0) {
            let subclass = self.classes[held.class.index()].subclass;
            let state = task.state | Request::again(held, subclass).word();
            self.memos.put(Memo { state, chain, entry: *held });
        }
    }

    /// Any acquisition.
    #[cold]
    #[inline(never)]
    fn lock_event(&mut self, task: TaskId, request: &Request) -> bool {
        let Some((t, before)) = self.begin(task, request.site) else { return false };
        self.lock_acquire(t, request);
        self.log.events != before
    }

    /// `__lock_acquire()`. False when validation has ended.
    pub(super) fn lock_acquire(&mut self, t: usize, request: &Request) -> bool {
        let Some(class) = self.class_of(request.instance, request.subclass) else {
            self.tasks[t].untracked += u32::from(!request.sync());
            self.touch(t);
            return !self.off;
        };
        if request.nest().is_some() && !request.sync() && self.merge(t, class, request) {
            return true;
        }
        let task = &self.tasks[t];
        let c = &self.classes[class.index()];
        let limit = task.wait_limit();
        let wait = match c.lock_type {
            LockType::Override => limit.overridden(c.allows),
            _ => limit.with(c.allows),
        };
        let held = request.entry(class, task.context, wait, task.chain);
        let too_weak = c.needs > limit.apply(task.wait_level) && !held.trylock();
        if too_weak && !self.fire_wait_context(t, &held) {
            return false;
        }
        let wanted = usage_to_mark(self.tasks[t].usage, &held);
        let known = self.classes[class.index()].usage & wanted == wanted;
        (known || self.mark_usage(t, &held, wanted)) && self.validate(t, &held)
    }

    /// Chain value, nest lock, full validation, push.
    #[inline]
    fn validate(&mut self, t: usize, held: &HeldLock) -> bool {
        let task = &self.tasks[t];
        let head = task.top().is_none_or(|top| top.context != held.context);
        let chain = chain_after(self.config.mode, task.chain, head, held);
        if let Some(nest) = held.nest()
            && !self.is_held(t, nest)
            && !self.fire_nest_not_held(t, held, nest)
        {
            return false;
        }
        if held.trylock() || !held.check() || self.chains.get(chain) == Some(0) {
            self.remember(t, held, chain, head);
        } else if !self.validate_chain(t, held, chain, head) {
            return false;
        }
        held.sync() || self.push(t, held, chain)
    }

    #[inline]
    fn push(&mut self, t: usize, held: &HeldLock, chain: u64) -> bool {
        let task = &mut self.tasks[t];
        let Some(slot) = task.stack.get_mut(usize::from(task.depth)) else {
            task.untracked += 1;
            return true;
        };
        *slot = *held;
        task.depth += 1;
        task.chain = chain;
        if !task.touched {
            self.touch(t);
        }
        if usize::from(self.tasks[t].depth) < MAX_LOCK_DEPTH {
            return true;
        }
        let detail = Detail::Limit(Limit::Depth);
        self.fire(t, Draft { detail, ..Draft::new(Kind::Limit) })
    }

    /// Counts a nested acquisition on top of one of the same class in that entry.
    fn merge(&mut self, t: usize, class: ClassId, request: &Request) -> bool {
        let task = &mut self.tasks[t];
        let Some(top) = task.stack[..usize::from(task.depth)].last_mut() else { return false };
        if top.class != class {
            return false;
        }
        let merged = top.references.max(1) + request.references.max(1);
        top.references = merged.min(MAX_REFERENCES);
        true
    }

    fn fire_wait_context(&mut self, t: usize, held: &HeldLock) -> bool {
        let task = &self.tasks[t];
        let limit = task.wait_limit().apply(task.wait_level);
        let allows = |below: &&HeldLock| {
            below.context == held.context && self.classes[below.class.index()].allows == limit
        };
        // The lock that sets the limit, if it is not the context by itself.
        let other = task.held().iter().find(allows).copied();
        let detail = Detail::WaitContext { context: task.wait_level };
        let subject = Some(*held);
        self.fire(t, Draft { subject, other, detail, ..Draft::new(Kind::WaitContext) })
    }

    fn fire_nest_not_held(&mut self, t: usize, held: &HeldLock, nest: InstanceId) -> bool {
        let detail = Detail::Instance(nest);
        self.fire(t, Draft { subject: Some(*held), detail, ..Draft::new(Kind::NestNotHeld) })
    }

    /// `validate_chain()`, for a chain that is not simply known.
    fn validate_chain(&mut self, t: usize, held: &HeldLock, chain: u64, head: bool) -> bool {
        let repeats = self.tasks[t].held().iter().any(|below| conflicts(below, held));
        // A repeated class is legal or not by the lock objects, which no chain value knows.
        let known = self.chains.get(chain).is_some();
        self.kernel_skips = known;
        if !known && !self.add_chain(t, held, chain, repeats) {
            return false;
        }
        match if repeats { self.check_same_class(t, held) } else { SameClass::Clear } {
            SameClass::Stop => false,
            SameClass::Covered => true,
            SameClass::Clear => head || self.add_dependencies(t, held),
        }
    }

    /// Inserts a new chain (`add_chain_cache()`).
    fn add_chain(&mut self, t: usize, held: &HeldLock, chain: u64, repeats: bool) -> bool {
        let context = held.context;
        let task = &self.tasks[t];
        let below = task.held().iter().rev().take_while(|h| h.context == context).count();
        if self.chains.len() >= MAX_LOCKDEP_CHAINS {
            return self.chain_limit(t, Limit::Chains);
        }
        if self.chain_elements + below + 1 > MAX_LOCKDEP_CHAIN_HLOCKS {
            return self.chain_limit(t, Limit::ChainElements);
        }
        self.chain_elements += below + 1;
        self.chain_counts[if context & 2 != 0 { 2 } else { usize::from(context & 1) }] += 1;
        let note = match self.config.mode {
            Mode::Kernel => 0,
            Mode::Complete => u32::from(repeats) * REPEATS,
        };
        self.chains.insert(chain, note);
        self.kernel_skips = self.config.mode == Mode::Complete && self.kernel_knows(t, held);
        true
    }

    fn chain_limit(&mut self, t: usize, limit: Limit) -> bool {
        self.kernel_skips = false;
        let detail = Detail::Limit(limit);
        self.fire(t, Draft { detail, ..Draft::new(Kind::Limit) })
    }

    /// Complete mode: would the kernel's chain cache have answered this? Remembers its chain.
    fn kernel_knows(&mut self, t: usize, held: &HeldLock) -> bool {
        let stack = self.tasks[t].held();
        let from = stack.iter().rposition(|h| h.context != held.context).map_or(0, |i| i + 1);
        let chain = stack[from..].iter().fold(EMPTY_CHAIN, |c, h| extend(c, h.chain_key()));
        let chain = extend(chain, held.chain_key());
        let known = self.kernel_chains.get(chain).is_some();
        if !known {
            self.kernel_chains.insert(chain, 0);
        }
        known
    }

    /// The same-class check over the whole stack, from the bottom (`check_deadlock()`).
    ///
    /// The kernel ends with the first conflict; complete mode goes on, because another entry of
    /// the class may be the very same lock.
    fn check_same_class(&mut self, t: usize, new: &HeldLock) -> SameClass {
        let (mut nested, mut fired) = (false, false);
        for i in 0..usize::from(self.tasks[t].depth) {
            let held = self.tasks[t].stack[i];
            nested |= Some(held.instance) == new.nest();
            if !conflicts(&held, new) {
                continue;
            }
            if nested {
                return if fired { SameClass::Clear } else { SameClass::Covered };
            }
            if !self.fire_recursive(t, &held, new) {
                return SameClass::Stop;
            }
            fired = true;
        }
        SameClass::Clear
    }

    fn fire_recursive(&mut self, t: usize, held: &HeldLock, new: &HeldLock) -> bool {
        let silence = self.kernel_skips.then_some(Silence::ChainCache);
        let (subject, other) = (Some(*new), Some(*held));
        self.fire(t, Draft { subject, other, silence, ..Draft::new(Kind::Recursive) })
    }

    /// Edges from the nearest blocking held lock, and from the trylocked ones above it
    /// (`check_prevs_add()`).
    fn add_dependencies(&mut self, t: usize, new: &HeldLock) -> bool {
        for i in (0..usize::from(self.tasks[t].depth)).rev() {
            let held = self.tasks[t].stack[i];
            if held.context != new.context {
                break;
            }
            if held.check() && !self.add_dependency(t, &held, new) {
                return false;
            }
            if held.check() && !held.trylock() {
                break;
            }
        }
        true
    }
}

/// Two acquisitions of a class, one after the other, unless both are readers and the second is
/// recursive.
#[inline]
fn conflicts(held: &HeldLock, new: &HeldLock) -> bool {
    held.class == new.class && !(new.read == Read::Recursive && held.read.is_shared())
}

/// Usage bits that an acquisition sets, where one without restrictions sets `usage`
/// (`mark_usage()`). An old acquisition that is made again keeps its own view of the hard
/// interrupts.
#[inline]
fn usage_to_mark(usage: u16, held: &HeldLock) -> u16 {
    let mut wanted = usage;
    if held.hardirqs_off() || held.sync() {
        wanted &= !ENABLED;
    }
    if held.trylock() {
        wanted &= !USED_IN;
    }
    if !held.check() {
        wanted = 1 << INITIAL;
    }
    wanted << u8::from(held.read.is_shared())
}

/// The chain with one more lock, which is the first of its context or not.
///
/// The kernel's chains begin anew in every context and know class and read mode only. Those of
/// complete mode know everything that the checks depend on.
#[inline]
fn chain_after(mode: Mode, chain: u64, head: bool, held: &HeldLock) -> u64 {
    match mode {
        Mode::Kernel => extend(if head { EMPTY_CHAIN } else { chain }, held.chain_key()),
        Mode::Complete => extend(chain, held.shape()),
    }
}
