//! The registry of kinds: what a finding is a case of. One line for each, which gives its name and the
//! function that a fuzz target panics in.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $panics:ident;)*) => {
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

        /// Hands every kind, and the function that it panics in, to another macro.
        macro_rules! with_kinds {
            ($use:ident) => { $use! { $($kind => $panics,)* } };
        }
        pub(crate) use with_kinds;
    };
}

kinds! {
    /// A strong cycle in the dependency graph.
    LockOrder = "lock-order", violation_lock_order;
    /// Re-acquisition of a held class that no read rule or nesting annotation allows.
    RecursiveLock = "recursive-lock", violation_recursive_lock;
    /// A conflict between irq-safe and irq-unsafe locks.
    IrqOrder = "irq-order", violation_irq_order;
    /// Release of what is not held.
    UnlockBalance = "unlock-balance", violation_unlock_balance;
    /// An operation or task that ends with locks held that its contract forbids.
    HeldAtExit = "held-at-exit", violation_held_at_exit;
    /// Sleeping in a non-blockable section or under a spinning lock.
    SleepInAtomic = "sleep-in-atomic", violation_sleep_in_atomic;
    /// Tasks that no running task can ever wake.
    Deadlock = "deadlock", violation_deadlock;
    /// A waiter asleep whose condition holds and that no task will wake.
    LostWakeup = "lost-wakeup", violation_lost_wakeup;
    /// A fault waits to retry, no other task can step, no region of its VM is open.
    Livelock = "livelock", violation_livelock;
    /// A waiter bypassed at least once by a later arrival.
    Starvation = "starvation", violation_starvation;
    /// A notifier count that underflows, leaks, or changes outside its lock.
    UnbalancedCount = "unbalanced-count", violation_unbalanced_count;
    /// START and END of one region deciding differently about taking mmu_lock.
    ElisionDisagreement = "elision-disagreement", violation_elision_disagreement;
    /// A memslots array published between the deciding lookups of one region.
    MemslotsNotFrozen = "memslots-not-frozen", violation_memslots_not_frozen;
    /// A subscriber that sees START without END, or END without START.
    UnpairedRegion = "unpaired-region", violation_unpaired_region;
    /// A secondary mapping of a page that the primary MMU has unmapped or freed.
    StaleMapping = "stale-mapping", violation_stale_mapping;
    /// A touch of a memslot array, slot or page after it was freed.
    UseAfterFree = "use-after-free", violation_use_after_free;
    /// A WARN, BUG or lockdep_assert of the modelled code firing.
    Assertion = "assertion", violation_assertion;
}
