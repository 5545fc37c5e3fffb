//! The oracles: one file per property, each named by what it forbids.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What a finding is a case of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of the table of results.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// The name used in JSON, reports and signatures.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// A strong cycle in the dependency graph.
    LockOrder = "lock-order",
    /// Re-acquisition of a held class that no read rule or nesting annotation allows.
    RecursiveLock = "recursive-lock",
    /// A conflict between irq-safe and irq-unsafe locks.
    IrqOrder = "irq-order",
    /// Release of what is not held.
    UnlockBalance = "unlock-balance",
    /// An operation or task that ends with locks held that its contract forbids.
    HeldAtExit = "held-at-exit",
    /// Sleeping in a non-blockable section or under a spinning lock.
    SleepInAtomic = "sleep-in-atomic",
    /// Tasks that no running task can ever wake.
    Deadlock = "deadlock",
    /// A waiter asleep whose condition holds and whom nobody will wake.
    LostWakeup = "lost-wakeup",
    /// A fault waits to retry, nobody else can step, no region of its VM is open.
    Livelock = "livelock",
    /// A waiter bypassed at least once by a later arrival.
    Starvation = "starvation",
    /// A notifier count that underflows, leaks, or changes outside its lock.
    UnbalancedCount = "unbalanced-count",
    /// START and END of one region deciding differently about taking mmu_lock.
    ElisionDisagreement = "elision-disagreement",
    /// A memslots array published between the deciding lookups of one region.
    MemslotsNotFrozen = "memslots-not-frozen",
    /// A subscriber that sees START without END, or END without START.
    UnpairedRegion = "unpaired-region",
    /// A secondary mapping of a page that the primary MMU has unmapped or freed.
    StaleMapping = "stale-mapping",
    /// A touch of a memslot array, slot or page after it was freed.
    UseAfterFree = "use-after-free",
    /// A WARN, BUG or lockdep_assert of the modelled code firing.
    Assertion = "assertion",
}

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Breaks the verdict.
    Violation,
    /// Known to and stated by the variant's (or policy's) own source; leaves the verdict clean.
    Documented,
}

impl Severity {
    /// The name used in JSON and reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Violation => "violation",
            Severity::Documented => "documented",
        }
    }
}

/// Identity of a finding across runs: a hash of kind and canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature(pub u64);
