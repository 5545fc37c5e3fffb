//! Ranges of page numbers.

/// Pages of host virtual address space that a case can name: `0..HVA_PAGES`.
pub const HVA_PAGES: u16 = 0x400;

/// A half-open, non-empty range of page numbers (hva or gfn), `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pages {
    /// First page.
    pub start: u16,
    /// One past the last page.
    pub end: u16,
}

impl Pages {
    /// The range `start..end`; `start < end` is the caller's to keep.
    pub const fn new(start: u16, end: u16) -> Pages {
        Pages { start, end }
    }

    /// Number of pages.
    pub const fn len(self) -> u16 {
        self.end - self.start
    }

    /// Always false: a range holds at least one page.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether `page` lies in the range.
    pub const fn contains(self, page: u16) -> bool {
        self.start <= page && page < self.end
    }

    /// Whether the two ranges share a page.
    pub const fn overlaps(self, other: Pages) -> bool {
        self.start < other.end && other.start < self.end
    }
}
