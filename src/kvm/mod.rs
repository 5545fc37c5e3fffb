//! The secondary MMU: memslots, SPTEs, faults.

pub mod bugs;
pub mod place;
pub mod variant;

pub use bugs::Bug;
pub use place::Place;
pub use variant::Variant;

/// Guest frames that a case can name: `0..GFN_PAGES`.
pub const GFN_PAGES: u16 = 0x100;
/// Memslot ids of a VM: `0..MAX_SLOTS`.
pub const MAX_SLOTS: u8 = 8;
/// Virtual machines in a case.
pub const MAX_VMS: usize = 2;
