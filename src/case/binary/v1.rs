//! Version 1, frozen: what its bytes mean, as the registries were when version 2 came.
//!
//! A code is its remainder in one of these lists. They are not the registries and do not grow with
//! them: an entry added, moved or taken away here changes the meaning of committed bytes. Lists may
//! name a value several times, which makes random bytes draw it more often.

use super::codes::{Codes, Kind, RegistrantKind, TailKind, UntilKind, table};
use crate::kvm::{Bug, Place, Variant};
use crate::machine::Policy;
use crate::mm::Opener;

/// Each kind once, then again those worth drawing more often.
pub(super) const KINDS: [Kind; 32] = {
    use Kind::*;
    [
        Open, Split, End, Create, Delete, Move, Flags, Fault, Burst, Registrant, Slot, Config,
        Tail, Open, Open, Open, Open, Split, Split, Split, Create, Create, Delete, Delete, Fault,
        Fault, Fault, Burst, Burst, Burst, Burst, Tail,
    ]
};

pub(super) const OPENERS: [Opener; 9] = {
    use Opener::*;
    [Munmap, Mremap, Mprotect, Madvise, Fork, Cow, Swapout, Migrate, Reaper]
};

/// Memslot flags: whether dirty pages are logged.
pub(super) const FLAGS: [bool; 2] = [false, true];

pub(super) const UNTILS: [UntilKind; 8] = {
    use UntilKind::*;
    [Place, Place, Place, Place, Blocked, Blocked, Points, Points]
};

pub(super) const PLACES: [Place; 14] = {
    use Place::*;
    [
        Op, Start, Split, Change, End, Free, Snapshot, Gup, Install, Swap, Publish, Grace, Zap,
        MmuLock,
    ]
};

pub(super) const REGISTRANTS: [RegistrantKind; 4] = {
    use RegistrantKind::*;
    [VmWithSlot, Vm, Sleeper, Refuser]
};

pub(super) const VARIANTS: [Variant; 4] = {
    use Variant::*;
    [AlwaysLock, NaiveElision, Rwsem, Counted]
};

pub(super) const POLICIES: [Policy; 3] = {
    use Policy::*;
    [WriterFair, ReaderBiased, PhaseFair]
};

pub(super) const BUGS: [Option<Bug>; 18] = {
    use Bug::*;
    [
        None,
        Some(B01),
        Some(B03i),
        Some(B11),
        Some(B29),
        Some(B31),
        Some(B33),
        Some(B34),
        Some(B36),
        Some(B41),
        Some(B43),
        Some(B46),
        Some(B49),
        Some(B50),
        Some(EndKeepsSlotsLock),
        Some(EndReleasesUnheld),
        Some(RetryKeepsSrcu),
        Some(EarlyMemslots),
    ]
};

pub(super) const TAILS: [TailKind; 4] = {
    use TailKind::*;
    [Fair, Pct, Random, Random]
};

pub(super) static CODES: Codes = Codes {
    kinds: table(&KINDS, &[]),
    openers: table(&OPENERS, &[]),
    flags: table(&FLAGS, &[]),
    untils: table(&UNTILS, &[]),
    places: table(&PLACES, &[]),
    registrants: table(&REGISTRANTS, &[]),
    variants: table(&VARIANTS, &[]),
    policies: table(&POLICIES, &[]),
    bugs: table(&BUGS, &[]),
    tails: table(&TAILS, &[]),
};
