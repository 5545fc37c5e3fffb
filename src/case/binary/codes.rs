//! Tables from the codes in a record to what they stand for: 256 entries each, so that decoding is
//! an index and no branch.

use crate::kvm::{Bug, Place, Variant};
use crate::machine::Policy;
use crate::mm::Opener;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// How a burst ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UntilKind {
    Place,
    Blocked,
    Points,
}

/// Who registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegistrantKind {
    /// A VM with the default memslot.
    VmWithSlot,
    Vm,
    Sleeper,
    Refuser,
}

/// How the schedule goes on after the bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TailKind {
    Fair,
    Pct,
    Random,
}

/// What every code of a version stands for.
pub(in crate::case) struct Codes {
    pub kinds: [Kind; CODES],
    pub(super) openers: [Opener; CODES],
    /// Whether dirty pages are logged.
    pub(super) flags: [bool; CODES],
    pub(super) untils: [UntilKind; CODES],
    pub(super) places: [Place; CODES],
    pub(super) registrants: [RegistrantKind; CODES],
    pub(super) variants: [Variant; CODES],
    pub(super) policies: [Policy; CODES],
    pub(super) bugs: [Option<Bug>; CODES],
    pub(super) tails: [TailKind; CODES],
}

/// Values of a byte.
const CODES: usize = 256;

/// The table with these codes assigned; every other code is its remainder in `folds`. Two values of
/// one code do not compile.
pub(super) const fn table<T: Copy>(folds: &[T], assigned: &[(u8, T)]) -> [T; CODES] {
    let mut table = [folds[0]; CODES];
    let mut taken = [false; CODES];
    let mut code = 0;
    while code < CODES {
        table[code] = folds[code % folds.len()];
        code += 1;
    }
    let mut i = 0;
    while i < assigned.len() {
        let (code, value) = assigned[i];
        assert!(!taken[code as usize], "two values have one code");
        taken[code as usize] = true;
        table[code as usize] = value;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_assigned_later_moves_no_other() {
        const FOLDS: [char; 3] = ['a', 'b', 'a'];
        let before = table(&FOLDS, &[(0, 'a'), (1, 'b')]);
        let after = table(&FOLDS, &[(0, 'a'), (1, 'b'), (2, 'c'), (0x40, 'c')]);
        let moved: Vec<usize> = (0..CODES).filter(|&code| before[code] != after[code]).collect();
        assert_eq!(moved, [2, 0x40]);
        assert_eq!((after[2], after[0x40], after[0xff]), ('c', 'c', 'a'));
    }

    #[test]
    #[should_panic(expected = "two values have one code")]
    fn no_two_values_share_a_code() {
        table(&['a', 'b'], &[(7, 'a'), (7, 'b')]);
    }
}
