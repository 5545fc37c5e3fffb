//! The layout of records, the same in every version; versions differ in what codes stand for.
//!
//! | byte | operation | burst | registrant, slot | config | tail |
//! | --- | --- | --- | --- | --- | --- |
//! | 0 | kind | kind | kind | kind | kind |
//! | 1 | task | task | - | variant | which |
//! | 2 | opener / slot, vm / depth / write, vm | until | what / slot, vm | bug | depth |
//! | 3, 4 | first page / gfn, length / flags | place or points | gfn, length | policy, mm | seed |
//! | 5, 6 | length / hva | - | hva | - | - |
//! | 7 | form | form | form | form | - |
//!
//! Codes (kind, opener, flags, until, place, what, variant, policy, bug, which) stand for what the
//! version's tables say; every other field is reduced into its range. The *form* says what the
//! numbers mean: `EXACT` (and the quarter of all bytes above it) what they say, everything else a
//! place in a small *window* around the default memslot, so that ranges drawn at random meet. The
//! encoder writes exact forms only.
//!
//! What is not said: without a registrant that is a VM there is one, with slot 0 at gfn 0x00 and
//! hva 0x100; without an operation there is one munmap of that slot. A config record may turn the
//! first off; a registrant record may leave out its slot 0.

use super::RECORD;
use crate::case::legal::MAX_PCT_DEPTH;
use crate::case::{MAX_OPS, MAX_SPLIT_DEPTH, MAX_TASKS};
use crate::kvm::{GFN_PAGES, MAX_SLOTS, MAX_VMS};
use crate::mm::{HVA_PAGES, Pages};

pub(in crate::case) type Record = [u8; RECORD];

/// Task by its byte, modulo the length: few tasks, so that a program gets more than one operation.
pub(super) static TASKS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 1, 1, 1, 2];

/// Forms from here on are exact.
pub(super) const FIRST_EXACT: u8 = 0xc0;
/// First host virtual page of the default memslot.
pub(super) const DEFAULT_HVA: u16 = 0x100;
/// Guest frames of the default memslot.
pub(super) const DEFAULT_GFN: Pages = Pages::new(0, 8);
/// Operations, each `end` included, that are decoded.
pub(super) const MAX_STEPS: usize = 2 * MAX_OPS;

// What the fields above are reduced by must be what the caps say.
const _: () = assert!(MAX_SLOTS == 8 && MAX_TASKS == 8 && MAX_SPLIT_DEPTH == 4 && MAX_VMS == 2);
const _: () = assert!(HVA_PAGES == 0x400 && GFN_PAGES == 0x100 && MAX_PCT_DEPTH == 8);
