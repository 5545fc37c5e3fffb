//! Tracepoints of the primary MMU: what oracles see of it.

use super::Pages;

/// A region, told apart from all others open at the same time: its task is the record's.
pub type Depth = u8;

/// Something that the primary MMU did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A task is about to call START.
    RegionStart {
        /// Regions of this task that are open outside it.
        depth: Depth,
        /// Host virtual pages.
        hva: Pages,
        /// Whether the callbacks may sleep.
        blockable: bool,
    },
    /// START returned to the caller; refused where not `ok`: there will be no END.
    RegionOpen {
        /// Which region.
        depth: Depth,
        /// It returned 0.
        ok: bool,
    },
    /// END returned to the caller.
    RegionClosed {
        /// Which region.
        depth: Depth,
    },
    /// A subscriber's START callback returned.
    SubscriberStart {
        /// Position in order of registration.
        subscriber: u8,
        /// Which region.
        depth: Depth,
        /// It returned 0.
        ok: bool,
        /// It has an END callback.
        has_end: bool,
    },
    /// A subscriber's END callback was called.
    SubscriberEnd {
        /// Position in order of registration.
        subscriber: u8,
        /// Which region.
        depth: Depth,
    },
    /// The page tables map a page.
    PteSet {
        /// Host virtual page.
        hva: u16,
        /// Page frame.
        pfn: u16,
    },
    /// The page tables no longer map that page there.
    PteClear {
        /// Host virtual page.
        hva: u16,
        /// Page frame.
        pfn: u16,
    },
    /// The last reference to a page went; it can be reused.
    PageFree {
        /// Page frame.
        pfn: u16,
    },
}
