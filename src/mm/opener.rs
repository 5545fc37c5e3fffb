//! The mm operations that open a region: which locks they hold at START, what they do inside.

use super::function as f;
use crate::machine::Function;

/// The mm operation that opens a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opener {
    /// munmap: mmap_lock for write, downgraded before the region; frees the pages after END.
    Munmap,
    /// mremap (`move_page_tables`): mmap_lock for write, rmap locks inside the region.
    Mremap,
    /// mprotect: mmap_lock for write; frees nothing.
    Mprotect,
    /// madvise(MADV_DONTNEED): mmap_lock for read; frees the pages after END.
    Madvise,
    /// fork (`copy_page_range`): mmap_lock for write; pages become copy-on-write.
    Fork,
    /// Copy-on-write (`wp_page_copy`) of one page: mmap_lock for read.
    Cow,
    /// Swap-out by rmap walk (`try_to_unmap_one`): anon_vma for read, no mmap_lock.
    Swapout,
    /// Migration by rmap walk (`try_to_migrate_one`): anon_vma for read, no mmap_lock.
    Migrate,
    /// The OOM reaper: mmap_lock by trylock, the only non-blocking START.
    Reaper,
}

/// The lock held from before START until after END.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Under {
    /// mmap_lock for write, downgraded before START where said.
    MmapWrite {
        downgrade: bool,
    },
    MmapRead,
    /// mmap_lock for read if that needs no wait.
    MmapReadTry,
    /// The rmap lock, for read.
    AnonVma,
}

/// What happens to the page-table entries inside the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Entries go, pages are freed after END.
    Unmap,
    /// Entries go, the pages live on elsewhere.
    Move,
    /// Entries become read-only; a child shares the pages.
    Share,
    /// Entries stay as they are for the model.
    Protect,
    /// Entries point to new pages, the old ones are freed after END.
    Replace,
}

impl Opener {
    /// Every opener.
    pub const ALL: [Opener; 9] = [
        Opener::Munmap,
        Opener::Mremap,
        Opener::Mprotect,
        Opener::Madvise,
        Opener::Fork,
        Opener::Cow,
        Opener::Swapout,
        Opener::Migrate,
        Opener::Reaper,
    ];

    /// The word used in cases.
    pub fn name(self) -> &'static str {
        match self {
            Opener::Munmap => "munmap",
            Opener::Mremap => "mremap",
            Opener::Mprotect => "mprotect",
            Opener::Madvise => "madvise",
            Opener::Fork => "fork",
            Opener::Cow => "cow",
            Opener::Swapout => "swapout",
            Opener::Migrate => "migrate",
            Opener::Reaper => "reaper",
        }
    }

    /// Whether a THP split may stand inside its region.
    pub fn may_split(self) -> bool {
        matches!(
            self,
            Opener::Munmap | Opener::Mremap | Opener::Mprotect | Opener::Madvise | Opener::Fork
        )
    }

    /// Whether its region spans one page only.
    pub fn single_page(self) -> bool {
        self == Opener::Cow
    }

    /// Whether its START may sleep.
    pub fn blockable(self) -> bool {
        self != Opener::Reaper
    }

    pub(super) fn under(self) -> Under {
        match self {
            Opener::Munmap => Under::MmapWrite { downgrade: true },
            Opener::Mremap | Opener::Mprotect | Opener::Fork => {
                Under::MmapWrite { downgrade: false }
            }
            Opener::Madvise | Opener::Cow => Under::MmapRead,
            Opener::Reaper => Under::MmapReadTry,
            Opener::Swapout | Opener::Migrate => Under::AnonVma,
        }
    }

    pub(super) fn change(self) -> Change {
        match self {
            Opener::Munmap | Opener::Madvise | Opener::Swapout | Opener::Reaper => Change::Unmap,
            Opener::Mremap => Change::Move,
            Opener::Mprotect => Change::Protect,
            Opener::Fork => Change::Share,
            Opener::Cow | Opener::Migrate => Change::Replace,
        }
    }

    pub(super) fn function(self) -> Function {
        match self {
            Opener::Munmap => f::DO_MUNMAP,
            Opener::Mremap => f::MOVE_PAGE_TABLES,
            Opener::Mprotect => f::CHANGE_PROTECTION,
            Opener::Madvise => f::ZAP_PAGE_RANGE,
            Opener::Fork => f::COPY_PAGE_RANGE,
            Opener::Cow => f::WP_PAGE_COPY,
            Opener::Swapout => f::TRY_TO_UNMAP_ONE,
            Opener::Migrate => f::TRY_TO_MIGRATE_ONE,
            Opener::Reaper => f::OOM_REAP_TASK_MM,
        }
    }
}
