//! Version 1 of the binary form: the layout of its records.
//!
//! | byte | operation | burst | registrant, slot | config | tail |
//! | --- | --- | --- | --- | --- | --- |
//! | 0 | kind | kind | kind | kind | kind |
//! | 1 | task | task | - | variant | which |
//! | 2 | opener / slot, vm / depth / write, vm | until | what / slot, vm | bug | depth |
//! | 3, 4 | first page / gfn, length | place or points | gfn, length | policy, mm | seed |
//! | 5, 6 | length / hva | - | hva | - | - |
//! | 7 | form | form | form | form | - |
//!
//! Every field is reduced into its range. The *form* says what the numbers mean: `EXACT` (and the
//! quarter of all bytes above it) what they say, everything else a place in a small *window* around
//! the default memslot, so that ranges drawn at random meet. The encoder writes exact forms only.
//!
//! What is not said: without a registrant that is a VM there is one, with slot 0 at gfn 0x00 and
//! hva 0x100; without an operation there is one munmap of that slot. A config record may turn the
//! first off; a registrant record may leave out its slot 0.

mod decode;
mod encode;

use super::RECORD;
use crate::case::legal::MAX_PCT_DEPTH;
use crate::case::{MAX_OPS, MAX_SPLIT_DEPTH, MAX_TASKS};
use crate::kvm::{GFN_PAGES, MAX_SLOTS, MAX_VMS};
use crate::mm::{HVA_PAGES, Pages};

pub(super) use decode::decode;
pub(super) use encode::encode;

pub(in crate::case) type Record = [u8; RECORD];

/// What a record is. Its code is its place in `KINDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::case) enum Kind {
    Open,
    Split,
    End,
    Create,
    Delete,
    Move,
    Flags,
    Fault,
    Burst,
    Registrant,
    Slot,
    Config,
    Tail,
}

/// Kind by tag, modulo the length: each kind once, then again those worth drawing more often.
static KINDS: [Kind; 32] = {
    use Kind::*;
    [
        Open, Split, End, Create, Delete, Move, Flags, Fault, Burst, Registrant, Slot, Config,
        Tail, Open, Open, Open, Open, Split, Split, Split, Create, Create, Delete, Delete, Fault,
        Fault, Fault, Burst, Burst, Burst, Burst, Tail,
    ]
};

/// Task by its byte, modulo the length: few tasks, so that a program gets more than one operation.
static TASKS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 1, 1, 1, 2];

/// Forms from here on are exact.
const FIRST_EXACT: u8 = 0xc0;
/// First host virtual page of the default memslot.
const DEFAULT_HVA: u16 = 0x100;
/// Guest frames of the default memslot.
const DEFAULT_GFN: Pages = Pages::new(0, 8);
/// Operations, each `end` included, that are decoded.
const MAX_STEPS: usize = 2 * MAX_OPS;

// What the fields below are reduced by must be what the caps say.
const _: () = assert!(MAX_SLOTS == 8 && MAX_TASKS == 8 && MAX_SPLIT_DEPTH == 4 && MAX_VMS == 2);
const _: () = assert!(HVA_PAGES == 0x400 && GFN_PAGES == 0x100 && MAX_PCT_DEPTH == 8);

impl Kind {
    pub(in crate::case) fn of(record: &Record) -> Kind {
        KINDS[record[0] as usize % KINDS.len()]
    }

    /// Whether the record is a step of a program.
    fn is_step(self) -> bool {
        self as u8 <= Kind::Fault as u8
    }
}
