//! Random cases: what the total decoder makes of random bytes. Case `index` of a seed is a function
//! of the two, so that any number of workers can share the cases of one seed.
//!
//! A bug in here would be a case that depends on more than seed and index: on what was drawn before,
//! or on the machine.

use super::binary::{RECORD, VERSION};
use crate::prng::Prng;

/// Fewest records of a case.
const FEWEST: u32 = 4;
/// Most records of a case. Measured: around 40 records find the most in a given time; few find little.
const MOST: u32 = 47;

/// Writes case `index` of a seed, in the binary form, over what `bytes` holds.
///
/// ```
/// use kvm_lock_fuzz::case::{Case, random};
/// let mut bytes = Vec::new();
/// random::draw(1, 7, &mut bytes);
/// let case = Case::decode(&bytes);
/// assert!(case.programs.tasks() > 0);
/// ```
pub fn draw(seed: u64, index: u64, bytes: &mut Vec<u8>) {
    // Two rounds, because states that differ by one step of the generator give shifted sequences.
    let start = Prng(seed).next().wrapping_add(index);
    let mut prng = Prng(Prng(start).next());
    let records = FEWEST + prng.below(MOST - FEWEST + 1);
    bytes.clear();
    bytes.push(VERSION);
    for _ in 0..records {
        bytes.extend_from_slice(&prng.next().to_le_bytes());
    }
    const { assert!(RECORD == size_of::<u64>()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;

    fn drawn(seed: u64, index: u64) -> Vec<u8> {
        let mut bytes = vec![9; 5];
        draw(seed, index, &mut bytes);
        bytes
    }

    /// FNV-1a.
    fn hash(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    #[test]
    fn the_cases_of_a_seed_stay_what_they_are() {
        let hashes = [(0, 0), (1, 0), (1, 1), (1, 1_000_000), (u64::MAX, u64::MAX)]
            .map(|(seed, index)| hash(&drawn(seed, index)));
        assert_eq!(hashes, GOLDEN);
        assert_eq!(Case::decode(&drawn(1, 1)).to_string(), TEXT);
    }

    const GOLDEN: [u64; 5] = [
        13_026_764_775_310_731_498,
        297_705_079_105_020_488,
        5_277_017_987_340_785_136,
        18_275_023_997_279_728_677,
        3_459_844_151_531_357_075,
    ];
    const TEXT: &str = "\
variant rwsem\n\
vm vm0\n\
\x20 slot 0  gfn 0x00..0x08  hva 0x100\n\
\x20 slot 2  gfn 0x11..0x18  hva 0x103\n\
task vcpu0\n\
\x20 fault gfn 0x02\n\
\x20 fork 0x10b..0x113\n\
\x20   split 0x102..0x104\n\
\x20 end\n\
\x20 memslot create 2  gfn 0x14..0x17  hva 0x10b\n\
\x20 memslot delete 1\n\
\x20 memslot create 1  gfn 0x13..0x17  hva 0x10a\n\
\x20 fault gfn 0x15\n\
\x20 cow 0x109\n\
\x20 end\n\
\x20 cow 0x10e\n\
\x20 end\n\
task kswapd\n\
\x20 swapout 0x3fc..0x400\n\
\x20 end\n\
\x20 fault gfn 0x05\n\
\x20 fork 0x103..0x108\n\
\x20 end\n\
\x20 memslot move 0  gfn 0x11\n\
\x20 migrate 0x3cc..0x400\n\
\x20 end\n\
\x20 madvise 0x100..0x107\n\
\x20 end\n\
task vmm0\n\
\x20 memslot flags 0 none\n\
\x20 memslot move 1  gfn 0x15\n\
\x20 swapout 0x103..0x10a\n\
\x20 end\n\
\x20 reaper 0x105..0x10a\n\
\x20 end\n\
task writer\n\
\x20 cow 0x10f\n\
\x20 end\n\
\x20 migrate 0x26b..0x392\n\
\x20 end\n\
task vmm1\n\
\x20 memslot move 0  gfn 0x12\n\
\x20 memslot create 2  gfn 0x93..0x100  hva 0x098\n\
\x20 memslot flags 0 none\n\
task vcpu1\n\
\x20 fault gfn 0x14\n\
\x20 memslot create 2  gfn 0x14..0x17  hva 0x103\n\
schedule vcpu0 until free, vmm0 until blocked, vcpu0 until start, writer *15,\n\
\x20 vcpu0 until blocked, kswapd until blocked, kswapd *7, vcpu1 until split\n\
";

    #[test]
    fn every_size_is_drawn_and_no_case_twice() {
        let mut sizes = std::collections::BTreeSet::new();
        let mut hashes = std::collections::BTreeSet::new();
        for index in 0..2_000 {
            let bytes = drawn(7, index);
            sizes.insert((bytes.len() - 1) / RECORD);
            assert!(hashes.insert(hash(&bytes)), "case {index}");
        }
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), (4..=47).collect::<Vec<_>>());
    }
}
