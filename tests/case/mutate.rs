//! The custom mutator: what it may rely on and what it must keep.

use kvm_lock_fuzz::case::binary::{RECORD, VERSION};
use kvm_lock_fuzz::case::mutate::{crossover, mutate};
use kvm_lock_fuzz::case::{Case, Op, Until};
use kvm_lock_fuzz::kvm::Place;
use kvm_lock_fuzz::prng::Prng;
use proptest::prelude::*;

use crate::cases::bytes;

/// Stands for libFuzzer's own mutation: grows, shrinks and damages.
fn damage(data: &mut [u8], size: usize, max_size: usize) -> usize {
    if let Some(byte) = data.get_mut(size / 2) {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    if size < max_size { size + 1 } else { max_size / 2 }
}

fn is_whole(data: &[u8]) -> bool {
    data.first().is_none_or(|&version| version == VERSION) && data.len() % RECORD <= 1
}

proptest! {
    #[test]
    fn mutations_keep_size_and_records(input in bytes(), max_size in 0..300usize, seed: u32) {
        let mut data = input.clone();
        data.resize(input.len().max(max_size), 0xee);
        let mut again = data.clone();
        let size = mutate(&mut data, input.len(), max_size, seed, damage);
        prop_assert!(size <= max_size);
        prop_assert!(size < 9 || size % RECORD == 1);
        prop_assert!(is_whole(&data[..size.min(1)]));
        prop_assert_eq!(mutate(&mut again, input.len(), max_size, seed, damage), size);
        prop_assert_eq!(again, data);
    }

    #[test]
    fn crossovers_keep_size_and_records(one in bytes(), other in bytes(), max in 0..300usize, seed: u32) {
        let mut out = vec![0; max];
        let size = crossover(&one, &other, &mut out, seed);
        prop_assert!(size <= max);
        prop_assert!(size == 0 || size % RECORD == 1 && out[0] == VERSION);
    }
}

#[test]
fn half_of_the_calls_go_to_the_fuzzer() {
    let mut asked = 0;
    for seed in 0..1000 {
        let mut data = [0; 65];
        mutate(&mut data, 33, 65, seed, |_, size, _| {
            asked += 1;
            size
        });
    }
    assert!((450..550).contains(&asked), "{asked} of 1000");
}

/// START, writer queued, nested START, as a schedule of bursts.
fn nested_behind_a_writer(case: &Case) -> bool {
    let nested = |program: &[Op]| {
        program.windows(2).any(|w| matches!(w, [Op::Open { .. }, Op::Split { .. }]))
    };
    let updates = |program: &[Op]| {
        program.iter().any(|op| matches!(op, Op::Create { .. } | Op::Delete { .. }))
    };
    case.schedule.bursts.windows(2).any(|w| {
        nested(case.programs.task(w[0].task.into()))
            && w[0].until == Until::Place(Place::Split)
            && w[0].task != w[1].task
            && updates(case.programs.task(w[1].task.into()))
            && w[1].until == Until::Blocked
    })
}

#[test]
fn mutation_from_nothing_writes_the_deadlock_s_case() {
    let mut prng = Prng(1);
    let mut tries = Vec::new();
    for _ in 0..5 {
        let (mut data, mut size, mut n) = ([0; 257], 0, 0u32);
        while !nested_behind_a_writer(&Case::decode(&data[..size])) {
            n += 1;
            // Without feedback: a chain of mutations that starts anew now and then.
            size = if n.is_multiple_of(64) { 0 } else { size };
            size = mutate(&mut data, size, 257, prng.next() as u32, damage);
        }
        tries.push(n);
    }
    tries.sort();
    assert!(tries[2] < 200_000, "{tries:?}");
}
