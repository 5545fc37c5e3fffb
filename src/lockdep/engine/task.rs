//! A task: its held locks and the interrupt state of the CPU it runs on.

use super::super::types::{Read, Site};
use super::super::usage::{HARDIRQ_ON, IN_HARDIRQ, IN_SOFTIRQ, INITIAL, SOFTIRQ_ON};
use super::chain::EMPTY_CHAIN;
use super::held::{HeldLock, MAX_LOCK_DEPTH, WaitLimit};

/// When an interrupt switch was last thrown: event number and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// Value of the task's irq event counter; 0 for never.
    pub stamp: u32,
    /// Where.
    pub site: Site,
}

const NEVER: LastChange = LastChange { stamp: 0, site: Site::NEVER };

/// Interrupt state and its history, as irq reports print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IrqState {
    /// Hard interrupts are enabled.
    pub hardirqs_on: bool,
    /// Soft interrupts are enabled.
    pub softirqs_on: bool,
    /// The hard interrupt handler is one that may be threaded.
    pub threaded: bool,
    /// Nesting of hard interrupts.
    pub hardirq_depth: u32,
    /// Nesting of softirq processing.
    pub softirq_depth: u32,
    /// Softirq part of the preempt count.
    pub softirq_count: u32,
    /// Counter of changes.
    pub events: u32,
    /// Last enabling of hard interrupts.
    pub last_hardirqs_on: LastChange,
    /// Last disabling of hard interrupts.
    pub last_hardirqs_off: LastChange,
    /// Last enabling of soft interrupts.
    pub last_softirqs_on: LastChange,
    /// Last disabling of soft interrupts.
    pub last_softirqs_off: LastChange,
    /// Hard interrupts were on when the outermost handler began.
    pub(crate) on_before_hardirq: bool,
}

impl IrqState {
    pub(crate) const INITIAL: IrqState = IrqState {
        hardirqs_on: true,
        softirqs_on: true,
        threaded: false,
        hardirq_depth: 0,
        softirq_depth: 0,
        softirq_count: 0,
        events: 0,
        last_hardirqs_on: NEVER,
        last_hardirqs_off: NEVER,
        last_softirqs_on: NEVER,
        last_softirqs_off: NEVER,
        on_before_hardirq: false,
    };

    /// The context number of an acquisition now (`task_irq_context()`).
    pub fn context(&self) -> u8 {
        u8::from(self.hardirq_depth > 0) << 1 | u8::from(self.softirq_depth > 0)
    }

    /// Softirqs were disabled by more than the processing of softirqs.
    pub(crate) fn can_enable_softirqs(&self) -> bool {
        self.softirq_count > self.softirq_depth
    }

    /// Counts an event and returns its record.
    pub(crate) fn change(&mut self, site: Site) -> LastChange {
        self.events = self.events.wrapping_add(1);
        LastChange { stamp: self.events, site }
    }

    /// Wait level that the context allows (`task_wait_context()`).
    fn wait_level(&self, raw_lock_nesting: bool) -> u8 {
        let config = 2 + u8::from(raw_lock_nesting);
        match (self.hardirq_depth > 0, self.softirq_depth > 0) {
            (true, _) if self.threaded => config,
            (true, _) => 2,
            (_, true) => config,
            _ => config + 2,
        }
    }

    /// Usage bits that an exclusive blocking acquisition sets now, if hard interrupts are on.
    fn usage(&self) -> u16 {
        let bit = |set: bool, bit: u8| u16::from(set) << bit;
        bit(self.hardirq_depth > 0, IN_HARDIRQ)
            | bit(self.softirq_depth > 0, IN_SOFTIRQ)
            | 1 << HARDIRQ_ON
            | bit(self.softirqs_on, SOFTIRQ_ON)
            | 1 << INITIAL
    }
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) chain: u64,
    /// Everything below about interrupts, as one number in the low half; the highest bit is set
    /// until the task is touched, so that its first acquisition is never taken for a known one.
    pub(crate) state: u64,
    /// What [`IrqState`] means for an acquisition, recomputed when it changes.
    pub(crate) usage: u16,
    pub(crate) context: u8,
    pub(crate) wait_level: u8,
    pub(crate) depth: u8,
    /// Listed among those that the next reset puts back.
    pub(crate) touched: bool,
    /// Acquisitions beyond a limit, whose releases are let pass (complete mode).
    pub(crate) untracked: u32,
    pub(crate) irq: IrqState,
    pub(crate) stack: [HeldLock; MAX_LOCK_DEPTH],
}

/// What a task held at some moment, to go back to.
#[derive(Clone, Debug, Default)]
pub struct SavedTask {
    chain: u64,
    untracked: u32,
    irq: Option<IrqState>,
    held: Vec<HeldLock>,
}

impl Task {
    pub(crate) fn save(&self, saved: &mut SavedTask) {
        (saved.chain, saved.untracked, saved.irq) = (self.chain, self.untracked, Some(self.irq));
        saved.held.clear();
        saved.held.extend_from_slice(self.held());
    }

    pub(crate) fn load(&mut self, saved: &SavedTask, raw_lock_nesting: bool) {
        (self.chain, self.untracked) = (saved.chain, saved.untracked);
        self.irq = saved.irq.unwrap_or(IrqState::INITIAL);
        self.depth = saved.held.len() as u8;
        self.stack[..saved.held.len()].copy_from_slice(&saved.held);
        self.update(raw_lock_nesting);
    }

    pub(crate) fn new(raw_lock_nesting: bool) -> Self {
        let mut task = Task {
            chain: EMPTY_CHAIN,
            state: 0,
            usage: 0,
            context: 0,
            wait_level: 0,
            depth: 0,
            touched: false,
            untracked: 0,
            irq: IrqState::INITIAL,
            stack: [HeldLock::EMPTY; MAX_LOCK_DEPTH],
        };
        task.update(raw_lock_nesting);
        task
    }

    /// Back to the beginning; the unused part of the stack stays as it is.
    pub(crate) fn reset(&mut self, raw_lock_nesting: bool) {
        self.depth = 0;
        self.chain = EMPTY_CHAIN;
        self.untracked = 0;
        self.touched = false;
        self.irq = IrqState::INITIAL;
        self.update(raw_lock_nesting);
    }

    /// Recomputes what follows from the interrupt state.
    pub(crate) fn update(&mut self, raw_lock_nesting: bool) {
        self.usage = self.irq.usage();
        self.context = self.irq.context();
        self.wait_level = self.irq.wait_level(raw_lock_nesting);
        self.state = u64::from(self.usage)
            | (u64::from(self.context) << 16)
            | (u64::from(self.wait_level) << 24)
            | (u64::from(!self.touched) << 63);
    }

    /// Held locks, oldest first.
    #[inline]
    pub(crate) fn held(&self) -> &[HeldLock] {
        &self.stack[..usize::from(self.depth)]
    }

    #[inline]
    pub(crate) fn top(&self) -> Option<&HeldLock> {
        self.held().last()
    }

    /// Pushes an entry once more, unless that fills the stack: then nothing happens.
    #[inline]
    pub(crate) fn push_again(&mut self, held: &HeldLock, site: Site, chain: u64) -> bool {
        let at = usize::from(self.depth);
        if at + 1 >= MAX_LOCK_DEPTH {
            return false;
        }
        self.stack[at] = *held;
        self.stack[at].site = site;
        self.depth += 1;
        self.chain = chain;
        true
    }

    /// The wait limit set by what is held in the current context.
    #[inline]
    pub(crate) fn wait_limit(&self) -> WaitLimit {
        match self.top() {
            Some(top) if top.context == self.context => top.wait,
            _ => WaitLimit::NONE,
        }
    }

    /// The task reads a queued rwlock in mode [`Recursive`](Read::Recursive) or
    /// [`Shared`](Read::Shared) now (`queued_read_lock_slowpath()` and its annotation).
    pub(crate) fn queued_read(&self) -> Read {
        let in_interrupt = self.irq.hardirq_depth > 0 || self.irq.softirq_count > 0;
        if in_interrupt { Read::Recursive } else { Read::Shared }
    }
}
