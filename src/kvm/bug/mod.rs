//! The bug zoo. A bug is one deviation from one variant: an entry in the registry below, and a file that
//! holds whole functions for the seams that it changes. What it does not change, its variant runs.
//!
//! B01 and B03i change code that all variants share, and are tested for there. A bug in here would be a
//! planted bug that shows in another variant's code, or one that changes more than its summary says.

mod b11;
mod b29;
mod b31;
mod b33;
mod b34;
mod b36;
mod b41;
mod b43;
mod b46;
mod b49;
mod b50;
mod early_memslots;
mod early_memslots_nonblock;
mod end_keeps_slots_lock;
mod end_releases_unheld;
mod retry_keeps_srcu;
mod retry_skips_seq;
mod second_try_skips_seq;
mod wait;
mod walk;

use super::fault::Fault;
use super::{Kvm, KvmTask, Subscription, Variant, function as f};
use crate::mm::{Mm, NotifierRange, Subscriber};

macro_rules! bugs {
    ($(
        $(#[$doc:meta])* $bug:ident = $id:literal in $variant:ident: $summary:literal, $source:literal
        $(, range_start: $start:path)?
        $(, range_end: $end:path)?
        $(, install_new_memslots: $install:path)?
        $(, page_fault: $page_fault:path)?
        $(, direct_page_fault: $attempt:path)?;
    )*) => {
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

        /// The seams: the planted bug's function, or else the variant's.
        impl Kvm {
            /// `kvm_mmu_notifier_invalidate_range_start`.
            pub(super) async fn range_start<T: KvmTask>(&self, t: T, range: &NotifierRange) {
                let t = t.enter(f::RANGE_START);
                match self.bug {
                    $($(Some(Bug::$bug) => $start(t, self, range).await,)?)*
                    _ => self.range_start_of_variant(t, range).await,
                }
            }

            /// `kvm_mmu_notifier_invalidate_range_end`.
            pub(super) async fn range_end<T: KvmTask>(&self, t: T, range: &NotifierRange) {
                let t = t.enter(f::RANGE_END);
                match self.bug {
                    $($(Some(Bug::$bug) => $end(t, self, range).await,)?)*
                    _ => self.range_end_of_variant(t, range).await,
                }
                self.bug_on_negative_count(t).await;
            }

            /// `install_new_memslots`: makes `new` the active array; on return nothing reads `old`.
            pub(super) async fn install_new_memslots<T: KvmTask>(&self, t: T, old: usize, new: usize) {
                let t = t.enter(f::INSTALL_NEW_MEMSLOTS);
                match self.bug {
                    $($(Some(Bug::$bug) => $install(t, self, old, new).await,)?)*
                    _ => self.install_new_memslots_of_variant(t, old, new).await,
                }
            }

            /// `vcpu_run`: the vCPU faults until the fault is handled.
            pub async fn page_fault<T: KvmTask>(
                &self,
                t: T,
                mm: &Mm<Subscription>,
                gfn: u16,
                write: bool,
            ) where
                Subscription: Subscriber<T>,
            {
                let t = t.enter(f::VCPU_RUN);
                match self.bug {
                    $($(Some(Bug::$bug) => $page_fault(t, self, mm, gfn, write).await,)?)*
                    _ => self.vcpu_run(t, mm, gfn, write).await,
                }
            }

            /// `direct_page_fault`.
            pub(super) async fn direct_page_fault<T: KvmTask>(
                &self,
                t: T,
                mm: &Mm<Subscription>,
                gfn: u16,
                write: bool,
            ) -> Fault
            where
                Subscription: Subscriber<T>,
            {
                let t = t.enter(f::DIRECT_PAGE_FAULT);
                match self.bug {
                    $($(Some(Bug::$bug) => $attempt(t, self, mm, gfn, write).await,)?)*
                    _ => self.fault_in_order(t, mm, gfn, write).await,
                }
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
        "rationale of 52ac8b358b0c",
        install_new_memslots: b11::install_new_memslots;
    /// The count rises only after the memslots were walked.
    B29 = "B29" in Counted: "mn_active_invalidate_count rises after the memslot walk of START",
        "negates count before walk",
        range_start: b29::range_start;
    /// The memslots pointer is stored outside the section of the zero check.
    B31 = "B31" in Counted: "the swap publishes after it dropped mn_invalidate_lock",
        "negates check and publish in one section",
        install_new_memslots: b31::install_new_memslots;
    /// Non-blockable regions are not counted.
    B33 = "B33" in Counted: "only blockable regions raise mn_active_invalidate_count",
        "first sketch of 19 April 2021 without must_lock",
        range_start: b33::range_start,
        range_end: b33::range_end;
    /// The waiter's state is set after the unlock.
    B34 = "B34" in Counted: "the swap sets TASK_UNINTERRUPTIBLE after it dropped mn_invalidate_lock",
        "negates state before unlock",
        install_new_memslots: b34::install_new_memslots;
    /// The waiter does not test again.
    B36 = "B36" in Counted: "the swap tests mn_active_invalidate_count with `if`, not `while`",
        "negates the wait loop",
        install_new_memslots: b36::install_new_memslots;
    /// The fault's snapshot comes too late.
    B41 = "B41" in AlwaysLock: "the fault takes its mmu_notifier_seq snapshot after GUP",
        "negates snapshot before GUP",
        direct_page_fault: b41::direct_page_fault;
    /// The count rises in a section of its own, after the zap.
    B43 = "B43" in AlwaysLock: "mmu_notifier_count rises in another mmu_lock section, after the zap",
        "negates count and zap in one section",
        range_start: b43::range_start;
    /// A non-blockable START sleeps.
    B46 = "B46" in Counted: "a non-blockable START runs the zap as if it may block",
        "negates may_block",
        range_start: b46::range_start;
    /// mmap_lock stands in for the region count.
    B49 = "B49" in Counted: "the swap takes mmap_lock for write and does not wait for regions",
        "proposed and refused 31 March 2021",
        install_new_memslots: b49::install_new_memslots;
    /// The old array is freed while readers may walk it.
    B50 = "B50" in Counted: "the old memslots array is freed before the SRCU grace period",
        "negates free after synchronize_srcu",
        install_new_memslots: b50::install_new_memslots;
    /// END leaves the rwsem held.
    EndKeepsSlotsLock = "end-skips-up-read" in Rwsem: "range_end returns without up_read(mmu_notifier_slots_lock)",
        "mutant of v2 09/10",
        range_end: end_keeps_slots_lock::range_end;
    /// END releases what a non-blockable START never took.
    EndReleasesUnheld = "end-up-read-nonblock" in Rwsem: "range_end calls up_read for non-blockable regions too",
        "mutant of v2 09/10",
        range_end: end_releases_unheld::range_end;
    /// A retrying fault stays in its SRCU section.
    RetryKeepsSrcu = "retry-keeps-srcu" in Counted: "a fault retries without leaving kvm->srcu",
        "mutant of the fault path",
        page_fault: retry_keeps_srcu::page_fault;
    /// The memslots pointer is read too early.
    EarlyMemslots = "early-memslots" in AlwaysLock: "START reads the memslots pointer before mmu_notifier_count goes up",
        "mutant of the baseline",
        range_start: early_memslots::range_start;
    /// The sequence is compared only where no region is open.
    RetrySkipsSeq = "retry-skips-seq" in Counted: "a fault outside the open regions does not compare mmu_notifier_seq",
        "mutant of mmu_notifier_retry_hva",
        direct_page_fault: retry_skips_seq::direct_page_fault;
    /// The sequence is compared by the first attempt only.
    SecondTrySkipsSeq = "second-try-skips-seq" in Counted: "a fault that retried does not compare mmu_notifier_seq",
        "mutant of the fault path",
        page_fault: second_try_skips_seq::page_fault;
    /// Too early where the region may not block.
    EarlyMemslotsNonblock = "early-memslots-nonblock" in AlwaysLock: "START of a non-blockable region reads the memslots pointer before mmu_notifier_count goes up",
        "mutant of the baseline",
        range_start: early_memslots_nonblock::range_start;
}

impl Bug {
    /// The bug of that id.
    pub fn from_id(id: &str) -> Option<Bug> {
        Bug::ALL.iter().copied().find(|b| b.id() == id)
    }
}
