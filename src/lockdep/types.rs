//! The words of the validator: identities, modes and what a caller says about a lock.
//!
//! Everything here is plain data. Identities are small indices handed out by
//! [`Lockdep`](super::Lockdep); one that this engine did not hand out is ignored, never a panic.

/// Declares a `Copy` index type with an `index()` accessor.
macro_rules! identity {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) $raw);

        impl $name {
            /// Position in order of creation, from 0.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

identity!(
    /// A lock key: the identity of a family of locks, usually one initialisation site.
    KeyId(u32)
);
identity!(
    /// One lock object.
    InstanceId(u32)
);
identity!(
    /// One task, which counts as running alone on its own CPU.
    TaskId(u32)
);
identity!(
    /// A lock class, i.e. a (key, subclass) pair, numbered in order of first use.
    ClassId(u16)
);

/// A code address that doubles as a stack trace token.
///
/// The engine stores it and compares nothing; rendering resolves it through
/// [`Symbols`](super::render::Symbols).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(pub u32);

impl Site {
    /// "Never happened": printed as address 0.
    pub const NEVER: Site = Site(u32::MAX);
}

/// How the validator behaves after, and how far it looks before, a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Linux 6.1: the first report switches the validator off, its blind spots are kept.
    #[default]
    Kernel,
    /// All reports, and none missed: see [`complete`](super::engine::complete).
    Complete,
}

/// Configuration of one [`Lockdep`](super::Lockdep).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What happens at a report.
    pub mode: Mode,
    /// `CONFIG_PROVE_RAW_LOCK_NESTING`: spinlocks count as weaker than raw spinlocks.
    pub raw_lock_nesting: bool,
}

/// Wait type of a lock: what its waiter may do meanwhile (`enum lockdep_wait_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitType {
    /// Not specified: neither checked nor limiting.
    #[default]
    Invalid,
    /// Wait free, e.g. RCU.
    Free,
    /// Raw spinlocks.
    Spin,
    /// Spinlocks, which sleep on some configurations.
    Config,
    /// Mutexes and semaphores.
    Sleep,
}

impl WaitType {
    /// The number behind the name, which depends on the raw-lock-nesting option.
    pub fn level(self, raw_lock_nesting: bool) -> u8 {
        match self {
            WaitType::Invalid => 0,
            WaitType::Free => 1,
            WaitType::Spin => 2,
            WaitType::Config => 2 + u8::from(raw_lock_nesting),
            WaitType::Sleep => 3 + u8::from(raw_lock_nesting),
        }
    }
}

/// Kind of a key (`enum lockdep_lock_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockType {
    /// An ordinary lock.
    #[default]
    Normal,
    /// CPU-local: skipped by the irq searches.
    Percpu,
    /// Not a lock but an annotation that replaces the wait-type limit.
    Override,
}

/// What a key's locks have in common.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyDesc<'a> {
    /// What reports print.
    pub name: &'a str,
    /// What is allowed while such a lock is held.
    pub inner: WaitType,
    /// What the context must allow; [`WaitType::Invalid`] means "same as inner".
    pub outer: WaitType,
    /// Kind of lock.
    pub lock_type: LockType,
}

/// Read mode of an acquisition, with the kernel's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// A writer.
    #[default]
    Exclusive = 0,
    /// A reader that also waits for waiting writers.
    Shared = 1,
    /// A reader that waits only for a writer that holds the lock.
    Recursive = 2,
}

impl Read {
    /// Any reader.
    #[inline]
    pub fn is_shared(self) -> bool {
        self != Read::Exclusive
    }
}

/// One acquisition, as `lock_acquire()` receives it.
#[derive(Clone, Copy, Debug)]
pub struct Acquire {
    /// The lock.
    pub instance: InstanceId,
    /// Nesting level, 0..7.
    pub subclass: u8,
    /// Read mode.
    pub read: Read,
    /// A *successful* trylock: cannot have waited.
    pub trylock: bool,
    /// Full validation; off for annotations in the style of RCU readers.
    pub check: bool,
    /// The lock that serialises nested acquisitions of this class.
    pub nest: Option<InstanceId>,
    /// Where.
    pub site: Site,
}

impl Acquire {
    /// A blocking acquisition in mode `read`.
    #[inline]
    pub fn new(instance: InstanceId, read: Read, site: Site) -> Self {
        Acquire { instance, subclass: 0, read, trylock: false, check: true, nest: None, site }
    }

    /// `mutex_lock`, `down_write`, `spin_lock`, `write_lock`, `lock_map_acquire`.
    #[inline]
    pub fn exclusive(instance: InstanceId, site: Site) -> Self {
        Self::new(instance, Read::Exclusive, site)
    }

    /// `down_read`; `read_lock` of a queued rwlock outside interrupts.
    #[inline]
    pub fn shared(instance: InstanceId, site: Site) -> Self {
        Self::new(instance, Read::Shared, site)
    }

    /// `read_lock` in an interrupt, `rcu_read_lock`.
    #[inline]
    pub fn recursive(instance: InstanceId, site: Site) -> Self {
        Self::new(instance, Read::Recursive, site)
    }

    /// The same as a successful trylock.
    #[inline]
    pub fn trylock(self) -> Self {
        Acquire { trylock: true, ..self }
    }

    /// The same with nesting level `subclass`.
    #[inline]
    pub fn subclass(self, subclass: u8) -> Self {
        Acquire { subclass, ..self }
    }

    /// The same, serialised by `nest`.
    #[inline]
    pub fn nest(self, nest: InstanceId) -> Self {
        Acquire { nest: Some(nest), ..self }
    }

    /// The same with the simple checks only.
    #[inline]
    pub fn unchecked(self) -> Self {
        Acquire { check: false, ..self }
    }
}
