//! The held-lock stack of a task.

use super::super::types::{ClassId, InstanceId, Read, Site};

/// Entries a task's stack can have; the push that fills it is reported.
pub const MAX_LOCK_DEPTH: usize = 48;

const NO_INSTANCE: u32 = u32::MAX;

const TRYLOCK: u8 = 1;
const CHECK: u8 = 2;
const SYNC: u8 = 4;
const HARDIRQS_OFF: u8 = 8;

#[inline]
fn flags(acquire: &super::Acquire, sync: bool, hardirqs_off: bool) -> u8 {
    u8::from(acquire.trylock)
        | (u8::from(acquire.check) << 1)
        | (u8::from(sync) << 2)
        | (u8::from(hardirqs_off) << 3)
}

/// An entry of a held-lock stack (`struct held_lock`): 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeldLock {
    /// The task's chain value before this entry was pushed.
    pub(crate) prev_chain: u64,
    pub(crate) instance: InstanceId,
    pub(crate) site: Site,
    nest: u32,
    pub(crate) references: u16,
    pub(crate) class: ClassId,
    pub(crate) read: Read,
    flags: u8,
    pub(crate) context: u8,
    pub(crate) wait: WaitLimit,
}

/// What the entries of one context, up to and including this one, do to the wait-type limit.
///
/// The kernel walks the stack at every acquisition; the walk is a fold, so its value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitLimit {
    /// The lowest inner level held.
    level: u8,
    /// All ones where an override annotation replaced whatever the context allows.
    fixed: u8,
}

impl WaitLimit {
    /// Nothing held.
    pub(crate) const NONE: WaitLimit = WaitLimit { level: u8::MAX, fixed: 0 };

    /// The limit where the context by itself allows `context`.
    #[inline]
    pub(crate) fn apply(self, context: u8) -> u8 {
        self.level.min(context | self.fixed)
    }

    /// With one more ordinary lock, of inner level `inner` or, unspecified, the maximum.
    #[inline]
    pub(crate) fn with(self, inner: u8) -> WaitLimit {
        WaitLimit { level: self.level.min(inner), fixed: self.fixed }
    }

    /// With one more override annotation.
    pub(crate) fn overridden(self, inner: u8) -> WaitLimit {
        match inner {
            u8::MAX => self,
            _ => WaitLimit { level: inner, fixed: u8::MAX },
        }
    }
}

/// An acquisition on its way through the checks: a new one, or an old one acquired again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) instance: InstanceId,
    pub(crate) site: Site,
    nest: u32,
    pub(crate) references: u16,
    pub(crate) subclass: u8,
    pub(crate) read: Read,
    flags: u8,
}

impl Request {
    #[inline]
    pub(crate) fn new(acquire: &super::Acquire, sync: bool, hardirqs_off: bool) -> Request {
        Request {
            instance: acquire.instance,
            site: acquire.site,
            nest: acquire.nest.map_or(NO_INSTANCE, |nest| nest.0),
            references: 0,
            subclass: acquire.subclass,
            read: acquire.read,
            flags: flags(acquire, sync, hardirqs_off),
        }
    }

    /// What `reacquire_held_locks()` passes on.
    #[inline]
    pub(crate) fn again(held: &HeldLock, subclass: u8) -> Request {
        Request {
            instance: held.instance,
            site: held.site,
            nest: held.nest,
            references: held.references,
            subclass,
            read: held.read,
            flags: held.flags,
        }
    }

    /// How it acquires, as one number; zero bits where [`Task`](super::task::Task)'s have theirs.
    #[inline]
    pub(crate) fn word(&self) -> u64 {
        let nested = u64::from(self.nest != NO_INSTANCE || self.references != 0);
        (u64::from(self.subclass) << 32)
            | ((self.read as u64) << 40)
            | (u64::from(self.flags) << 48)
            | (nested << 56)
    }

    #[inline]
    pub(crate) fn nest(&self) -> Option<InstanceId> {
        (self.nest != NO_INSTANCE).then_some(InstanceId(self.nest))
    }

    #[inline]
    pub(crate) fn sync(&self) -> bool {
        self.flags & SYNC != 0
    }

    #[inline]
    pub(crate) fn entry(
        &self,
        class: ClassId,
        context: u8,
        wait: WaitLimit,
        prev_chain: u64,
    ) -> HeldLock {
        HeldLock {
            prev_chain,
            instance: self.instance,
            site: self.site,
            nest: self.nest,
            references: self.references,
            class,
            read: self.read,
            flags: self.flags,
            context,
            wait,
        }
    }
}

impl HeldLock {
    /// Filler of unused stack slots.
    pub(crate) const EMPTY: HeldLock = HeldLock {
        prev_chain: 0,
        instance: InstanceId(NO_INSTANCE),
        site: Site::NEVER,
        nest: NO_INSTANCE,
        references: 0,
        class: ClassId(super::class::NO_CLASS),
        read: Read::Exclusive,
        flags: 0,
        context: 0,
        wait: WaitLimit::NONE,
    };

    /// Its class when it was acquired.
    #[inline]
    pub fn class(&self) -> ClassId {
        self.class
    }

    /// The lock object.
    #[inline]
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Where it was acquired.
    #[inline]
    pub fn site(&self) -> Site {
        self.site
    }

    /// Read mode.
    #[inline]
    pub fn read(&self) -> Read {
        self.read
    }

    /// The lock that serialises nesting, if one was named.
    #[inline]
    pub fn nest(&self) -> Option<InstanceId> {
        (self.nest != NO_INSTANCE).then_some(InstanceId(self.nest))
    }

    /// Number of nested acquisitions merged into this entry; 0 where there is just one.
    #[inline]
    pub fn references(&self) -> u16 {
        self.references
    }

    /// Interrupt context: 0 process, 1 softirq, 2 hardirq, 3 hardirq inside softirq.
    #[inline]
    pub fn context(&self) -> u8 {
        self.context
    }

    /// It was a successful trylock.
    #[inline]
    pub fn trylock(&self) -> bool {
        self.flags & TRYLOCK != 0
    }

    /// It takes part in full validation.
    #[inline]
    pub fn check(&self) -> bool {
        self.flags & CHECK != 0
    }

    /// It only waits for the lock's users and is never held.
    #[inline]
    pub fn sync(&self) -> bool {
        self.flags & SYNC != 0
    }

    /// Hard interrupts were off at the call.
    #[inline]
    pub fn hardirqs_off(&self) -> bool {
        self.flags & HARDIRQS_OFF != 0
    }

    /// Everything about this entry that the checks of later acquisitions depend on, except which
    /// object it is.
    #[inline]
    pub(crate) fn shape(&self) -> u64 {
        let flags = u64::from(self.flags & (TRYLOCK | CHECK));
        (flags << 20) | (u64::from(self.context) << 18) | self.chain_key()
    }

    /// The kernel's chain element: class and read mode.
    #[inline]
    pub(crate) fn chain_key(&self) -> u64 {
        (u64::from(self.class.0) << 2) | self.read as u64
    }
}
