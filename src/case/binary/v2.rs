//! Version 2, which is written: the codes of every registry.
//!
//! **A new entry of a registry takes a free code here**; without one the crate does not compile. An
//! assigned code keeps its meaning for ever, also where its entry is taken out of use. A code that
//! is not assigned folds onto the lists of version 1 and may get a meaning later; no encoder writes
//! one. Several codes may stand for one value (`Age = 13 | 45 | 77`): the first is written, the
//! others let random bytes draw it more often. A bug here would be a code that changes its meaning.

use super::codes::{Codes, Kind, RegistrantKind, TailKind, UntilKind, table};
use super::v1;
use crate::kvm::{Bug, Place, Variant};
use crate::machine::Policy;
use crate::mm::Opener;

/// The code that is written of each value, and what each assigned code stands for.
macro_rules! codes {
    ($($written:ident, $assigned:ident: $registry:ident {
        $($value:ident = $code:literal $(| $more:literal)*,)*
    })*) => { $(
        pub(in crate::case) const fn $written(value: $registry) -> u8 {
            match value { $($registry::$value => $code,)* }
        }

        const $assigned: &[(u8, $registry)] =
            &[$(($code, $registry::$value), $(($more, $registry::$value),)*)*];
    )* };
}

codes! {
    kind, KINDS: Kind {
        Open = 0,
        Split = 1,
        End = 2,
        Create = 3,
        Delete = 4,
        Move = 5,
        Flags = 6,
        Fault = 7,
        Burst = 8,
        Registrant = 9,
        Slot = 10,
        Config = 11,
        Tail = 12,
    }

    opener, OPENERS: Opener {
        Munmap = 0,
        Mremap = 1,
        Mprotect = 2,
        Madvise = 3,
        Fork = 4,
        Cow = 5,
        Swapout = 6,
        Migrate = 7,
        Reaper = 8,
    }

    until, UNTILS: UntilKind {
        Place = 0,
        Blocked = 4,
        Points = 6,
    }

    place, PLACES: Place {
        Op = 0,
        Start = 1,
        Split = 2,
        Change = 3,
        End = 4,
        Free = 5,
        Snapshot = 6,
        Gup = 7,
        Install = 8,
        Swap = 9,
        Publish = 10,
        Grace = 11,
        Zap = 12,
        MmuLock = 13,
    }

    registrant, REGISTRANTS: RegistrantKind {
        VmWithSlot = 0,
        Vm = 1,
        Sleeper = 2,
        Refuser = 3,
    }

    variant, VARIANTS: Variant {
        AlwaysLock = 0,
        NaiveElision = 1,
        Rwsem = 2,
        Counted = 3,
    }

    policy, POLICIES: Policy {
        WriterFair = 0,
        ReaderBiased = 1,
        PhaseFair = 2,
    }

    bug, BUGS: Bug {
        B01 = 1,
        B03i = 2,
        B11 = 3,
        B29 = 4,
        B31 = 5,
        B33 = 6,
        B34 = 7,
        B36 = 8,
        B41 = 9,
        B43 = 10,
        B46 = 11,
        B49 = 12,
        B50 = 13,
        EndKeepsSlotsLock = 14,
        EndReleasesUnheld = 15,
        RetryKeepsSrcu = 16,
        EarlyMemslots = 17,
        RetrySkipsSeq = 18,
        SecondTrySkipsSeq = 19,
        EarlyMemslotsNonblock = 20,
    }

    tail, TAILS: TailKind {
        Fair = 0,
        Pct = 1,
        Random = 2,
    }
}

/// Flags of a memslot: whether dirty pages are logged.
pub(super) const fn flags(log_dirty: bool) -> u8 {
    log_dirty as u8
}

const FLAGS: &[(u8, bool)] = &[(flags(false), false), (flags(true), true)];

/// The code of no bug.
pub(super) const NO_BUG: u8 = 0;

/// The bugs and none.
const BUGS_AND_NONE: [(u8, Option<Bug>); BUGS.len() + 1] = {
    let mut all = [(NO_BUG, None); BUGS.len() + 1];
    let mut i = 0;
    while i < BUGS.len() {
        all[i] = (BUGS[i].0, Some(BUGS[i].1));
        i += 1;
    }
    all
};

pub(in crate::case) static CODES: Codes = Codes {
    kinds: table(&v1::KINDS, KINDS),
    openers: table(&v1::OPENERS, OPENERS),
    flags: table(&v1::FLAGS, FLAGS),
    untils: table(&v1::UNTILS, UNTILS),
    places: table(&v1::PLACES, PLACES),
    registrants: table(&v1::REGISTRANTS, REGISTRANTS),
    variants: table(&v1::VARIANTS, VARIANTS),
    policies: table(&v1::POLICIES, POLICIES),
    bugs: table(&v1::BUGS, &BUGS_AND_NONE),
    tails: table(&v1::TAILS, TAILS),
};
