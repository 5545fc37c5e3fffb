//! Named places of the protocol, where a burst of a schedule may end.

macro_rules! places {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A named place that a task passes. A burst `until PLACE` ends just before the step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Place { $($(#[$doc])* $variant,)* }

        impl Place {
            /// Every place.
            pub const ALL: &'static [Place] = &[$(Place::$variant,)*];

            /// The name used in cases.
            pub fn name(self) -> &'static str {
                match self { $(Place::$variant => $name,)* }
            }
        }
    };
}

places! {
    /// Before an operation of the task's program.
    Op = "op",
    /// Before `mmu_notifier_invalidate_range_start` of any region.
    Start = "start",
    /// Before a nested THP split inside a region.
    Split = "split",
    /// Before the page-table change inside a region.
    Change = "change",
    /// Before `mmu_notifier_invalidate_range_end` of any region.
    End = "end",
    /// Before pages that a region took out of the page tables are released.
    Free = "free",
    /// Before a fault reads its `mmu_notifier_seq` snapshot.
    Snapshot = "snapshot",
    /// Before a fault gets its host page (GUP).
    Gup = "gup",
    /// Before a fault takes mmu_lock to test and install.
    Install = "install",
    /// Before a memslot update waits for regions or takes the slots rwsem for write.
    Swap = "swap",
    /// Before a memslot update publishes the new memslots array.
    Publish = "publish",
    /// Before a memslot update waits for its SRCU grace period.
    Grace = "grace",
    /// Before a memslot update zaps a deleted or moved slot.
    Zap = "zap",
    /// Before a notifier callback takes mmu_lock; where the memslots decide, after they were looked
    /// up.
    MmuLock = "mmu-lock",
}

impl Place {
    /// The place of that name.
    pub fn from_name(name: &str) -> Option<Place> {
        Place::ALL.iter().copied().find(|p| p.name() == name)
    }
}
