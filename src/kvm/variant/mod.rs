//! The variants of the protocol. One is a file here, its `mod` line and its entry in the registry
//! below: the entry writes the enum, the list, what is known of the variant and its arm of each seam.
//!
//! A bug in here would be a seam that runs another variant's code, or a fact of a release (the two
//! flags) that the release does not have.

pub(super) mod always_lock;
pub(super) mod counted;
mod naive_elision;
pub(super) mod rwsem;

use super::trace::Event;
use super::{Kvm, KvmTask, Place};
use crate::mm::NotifierRange;

/// What the registry knows of a variant.
#[derive(Debug)]
pub struct Info {
    /// The name used in cases, on the command line and in reports.
    pub name: &'static str,
    /// The kernel release whose report form a splat of this variant takes.
    pub release: &'static str,
    /// Commit or message that the variant mirrors.
    pub source: &'static str,
    /// One line: what it does.
    pub summary: &'static str,
    /// Findings of kind violation are expected.
    pub known_bad: bool,
    /// `mn_active_invalidate_count` counts its regions, and memslot updates wait until it is 0.
    pub counts_regions: bool,
    /// `slots_arch_lock` exists (b10a038e84d1, 5.14); `install_new_memslots` drops it.
    pub slots_arch_lock: bool,
}

macro_rules! variants {
    ($($(#[$attribute:meta])* $variant:ident in $file:ident { $($info:tt)* })*) => {
        /// One version of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
        #[repr(u8)]
        pub enum Variant { $($(#[$attribute])* $variant,)* }

        const COUNT: usize = [$(Variant::$variant),*].len();

        static REGISTRY: [Info; COUNT] = [$(Info { $($info)* }),*];

        impl Variant {
            /// Every variant, in the order of the registry.
            pub const ALL: [Variant; COUNT] = [$(Variant::$variant),*];
        }

        /// The seams' code of each version.
        impl Kvm {
            pub(super) async fn range_start_of_variant<T: KvmTask>(&self, t: T, range: &NotifierRange) {
                match self.variant {
                    $(Variant::$variant => $file::range_start(t, self, range).await,)*
                }
            }

            pub(super) async fn range_end_of_variant<T: KvmTask>(&self, t: T, range: &NotifierRange) {
                match self.variant {
                    $(Variant::$variant => $file::range_end(t, self, range).await,)*
                }
            }

            pub(super) async fn install_new_memslots_of_variant<T: KvmTask>(
                &self,
                t: T,
                old: usize,
                new: usize,
            ) {
                match self.variant {
                    $(Variant::$variant => $file::install_new_memslots(t, self, old, new).await,)*
                }
            }
        }
    };
}

variants! {
    /// Before 5.13: START and END always take mmu_lock.
    AlwaysLock in always_lock {
        name: "always-lock",
        release: "5.12",
        source: "e930bffe95e1 to v5.12, range tracking 4a42d848db95",
        summary: "START and END always take mmu_lock",
        known_bad: false,
        counts_regions: false,
        slots_arch_lock: false,
    }
    /// mmu_lock elided where no memslot overlaps, with nothing that freezes the memslots (B11).
    NaiveElision in naive_elision {
        name: "naive-elision",
        release: "5.12",
        source: "the hazard named in 52ac8b358b0c",
        summary: "mmu_lock is elided without a hit; nothing keeps memslots frozen in a region",
        known_bad: true,
        counts_regions: false,
        slots_arch_lock: false,
    }
    /// Sean Christopherson's v2 of April 2021: the rwsem `mmu_notifier_slots_lock`.
    Rwsem in rwsem {
        name: "rwsem",
        release: "5.12",
        source: "Message-Id 20210402005658.3024832-10, 2 April 2021 (v2 09/10)",
        summary: "elision; START to END holds the rwsem mmu_notifier_slots_lock for read",
        known_bad: true,
        counts_regions: false,
        slots_arch_lock: false,
    }
    /// Merged for 5.15: `mn_active_invalidate_count`, `mn_invalidate_lock`, rcuwait.
    #[default]
    Counted in counted {
        name: "counted",
        release: "5.15",
        source: "52ac8b358b0c and 071064f14d87",
        summary: "elision; memslot updates wait until mn_active_invalidate_count is 0",
        known_bad: false,
        counts_regions: true,
        slots_arch_lock: true,
    }
}

impl Variant {
    /// The variants that no violation is known of.
    pub fn sound() -> impl Iterator<Item = Variant> {
        Variant::ALL.into_iter().filter(|variant| !variant.info().known_bad)
    }

    /// The registry entry.
    pub fn info(self) -> &'static Info {
        &REGISTRY[self as usize]
    }

    /// The name used in cases, on the command line and in reports.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The variant of that name.
    pub fn from_name(name: &str) -> Option<Variant> {
        Variant::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// What every version of `install_new_memslots` ends with.
impl Kvm {
    /// `rcu_assign_pointer(kvm->memslots[as_id], slots)`; `one_section` says that
    /// mn_invalidate_lock has been held since the count was seen to be 0.
    pub(super) async fn publish<T: KvmTask>(&self, t: T, new: usize, one_section: bool) {
        t.place(Place::Publish as u8).await;
        t.write(self.memslots, new as u64).await;
        t.trace(Event::Publish {
            vm: self.vm,
            counted: self.variant.info().counts_regions,
            active: t.peek(self.mn_active_invalidate_count),
            one_section,
        });
    }

    /// `synchronize_srcu_expedited(&kvm->srcu)`: readers of the old array are gone on return.
    pub(super) async fn synchronize<T: KvmTask>(&self, t: T) {
        t.place(Place::Grace as u8).await;
        t.synchronize_srcu(self.srcu).await;
    }
}
