//! The variants of the protocol: one file each, one line in the registry.

pub(super) mod always_lock;
pub(super) mod counted;
pub(super) mod naive_elision;
pub(super) mod rwsem;

use super::trace::Event;
use super::{Kvm, KvmTask, Place};

/// One version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Variant {
    /// Before 5.13: START and END always take mmu_lock.
    AlwaysLock,
    /// mmu_lock elided where no memslot overlaps, with nothing that freezes the memslots (B11).
    NaiveElision,
    /// Sean Christopherson's v2 of April 2021: the rwsem `mmu_notifier_slots_lock`.
    Rwsem,
    /// Merged for 5.15: `mn_active_invalidate_count`, `mn_invalidate_lock`, rcuwait.
    #[default]
    Counted,
}

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
}

/// The registry, in the order of `Variant`.
static REGISTRY: [Info; 4] = [
    Info {
        name: "always-lock",
        release: "5.12",
        source: "e930bffe95e1 to v5.12, range tracking 4a42d848db95",
        summary: "START and END always take mmu_lock",
        known_bad: false,
    },
    Info {
        name: "naive-elision",
        release: "5.12",
        source: "the hazard named in 52ac8b358b0c",
        summary: "mmu_lock is elided without a hit; nothing keeps memslots frozen in a region",
        known_bad: true,
    },
    Info {
        name: "rwsem",
        release: "5.12",
        source: "Message-Id 20210402005658.3024832-10, 2 April 2021 (v2 09/10)",
        summary: "elision; START to END holds the rwsem mmu_notifier_slots_lock for read",
        known_bad: true,
    },
    Info {
        name: "counted",
        release: "5.15",
        source: "52ac8b358b0c and 071064f14d87",
        summary: "elision; memslot updates wait until mn_active_invalidate_count is 0",
        known_bad: false,
    },
];

impl Variant {
    /// Every variant.
    pub const ALL: [Variant; 4] =
        [Variant::AlwaysLock, Variant::NaiveElision, Variant::Rwsem, Variant::Counted];

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

impl Variant {
    /// Whether `slots_arch_lock` exists (b10a038e84d1, 5.14).
    pub(super) fn has_slots_arch_lock(self) -> bool {
        self == Variant::Counted
    }

    /// Whether memslot updates wait for counted regions.
    fn counts_regions(self) -> bool {
        self == Variant::Counted
    }
}

/// What every version of `install_new_memslots` ends with.
impl Kvm {
    /// `rcu_assign_pointer(kvm->memslots[as_id], slots)`; `one_section` says that
    /// mn_invalidate_lock has been held since the count was seen to be 0.
    async fn publish<T: KvmTask>(&self, t: T, new: usize, one_section: bool) {
        t.place(Place::Publish as u8).await;
        t.write(self.memslots, new as u64).await;
        t.trace(Event::Publish {
            vm: self.vm,
            counted: self.variant.counts_regions(),
            active: t.peek(self.mn_active_invalidate_count),
            one_section,
        });
    }

    /// `synchronize_srcu_expedited(&kvm->srcu)`: readers of the old array are gone on return.
    async fn synchronize<T: KvmTask>(&self, t: T) {
        t.place(Place::Grace as u8).await;
        t.synchronize_srcu(self.srcu).await;
    }
}
