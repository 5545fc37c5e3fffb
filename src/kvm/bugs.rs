//! The bug zoo: one entry per named bug. A bug is one deviation from one variant.

use super::Variant;

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident = $id:literal in $variant:ident: $summary:literal, $source:literal;)*) => {
        /// A planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Bug { $($(#[$doc])* $bug,)* }

        impl Bug {
            /// Every bug.
            pub const ALL: &'static [Bug] = &[$(Bug::$bug,)*];

            /// The id used in cases and on the command line.
            pub fn id(self) -> &'static str {
                match self { $(Bug::$bug => $id,)* }
            }

            /// The variant that it deviates from.
            pub fn variant(self) -> Variant {
                match self { $(Bug::$bug => Variant::$variant,)* }
            }

            /// One line: the deviation.
            pub fn summary(self) -> &'static str {
                match self { $(Bug::$bug => $summary,)* }
            }

            /// Where it happened, was proposed, or which ordering it negates.
            pub fn source(self) -> &'static str {
                match self { $(Bug::$bug => $source,)* }
            }
        }
    };
}

bugs! {
    /// A refused non-blockable START leaves the other subscribers without their END.
    B01 = "B01" in Counted: "a failed start_nonblock does not replay END to the subscribers that started",
        "fixed by c2655835fd8c";
    /// RNG is overwritten where it should widen.
    B03i = "B03i" in AlwaysLock: "a second region overwrites mmu_notifier_range_start/_end",
        "mutant of 4a42d848db95";
    /// The elision is decided twice against memslots that may differ.
    B11 = "B11" in Counted: "the memslot swap publishes without waiting for the regions",
        "rationale of 52ac8b358b0c";
    /// The count rises only after the memslots were walked.
    B29 = "B29" in Counted: "mn_active_invalidate_count rises after the memslot walk of START",
        "negates count before walk";
    /// The memslots pointer is stored outside the section of the zero check.
    B31 = "B31" in Counted: "the swap publishes after it dropped mn_invalidate_lock",
        "negates check and publish in one section";
    /// Non-blockable regions are not counted.
    B33 = "B33" in Counted: "only blockable regions raise mn_active_invalidate_count",
        "first sketch of 19 April 2021 without must_lock";
    /// The waiter's state is set after the unlock.
    B34 = "B34" in Counted: "the swap sets TASK_UNINTERRUPTIBLE after it dropped mn_invalidate_lock",
        "negates state before unlock";
    /// The waiter does not test again.
    B36 = "B36" in Counted: "the swap tests mn_active_invalidate_count with `if`, not `while`",
        "negates the wait loop";
    /// The fault's snapshot comes too late.
    B41 = "B41" in AlwaysLock: "the fault takes its mmu_notifier_seq snapshot after GUP",
        "negates snapshot before GUP";
    /// The count rises in a section of its own, after the zap.
    B43 = "B43" in AlwaysLock: "mmu_notifier_count rises in another mmu_lock section, after the zap",
        "negates count and zap in one section";
    /// A non-blockable START sleeps.
    B46 = "B46" in Counted: "a non-blockable START runs the zap as if it may block",
        "negates may_block";
    /// mmap_lock stands in for the region count.
    B49 = "B49" in Counted: "the swap takes mmap_lock for write and does not wait for regions",
        "proposed and refused 31 March 2021";
    /// The old array is freed while readers may walk it.
    B50 = "B50" in Counted: "the old memslots array is freed before the SRCU grace period",
        "negates free after synchronize_srcu";
    /// END leaves the rwsem held.
    EndKeepsSlotsLock = "end-skips-up-read" in Rwsem: "range_end returns without up_read(mmu_notifier_slots_lock)",
        "mutant of v2 09/10";
    /// END releases what a non-blockable START never took.
    EndReleasesUnheld = "end-up-read-nonblock" in Rwsem: "range_end calls up_read for non-blockable regions too",
        "mutant of v2 09/10";
    /// A retrying fault stays in its SRCU section.
    RetryKeepsSrcu = "retry-keeps-srcu" in Counted: "a fault retries without leaving kvm->srcu",
        "mutant of the fault path";
    /// The memslots pointer is read too early.
    EarlyMemslots = "early-memslots" in AlwaysLock: "START reads the memslots pointer before mmu_notifier_count goes up",
        "mutant of the baseline";
}

impl Bug {
    /// The bug of that id.
    pub fn from_id(id: &str) -> Option<Bug> {
        Bug::ALL.iter().copied().find(|b| b.id() == id)
    }
}
