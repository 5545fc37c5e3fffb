#![no_main]
use kvm_lock_fuzz::target::protocol::{Input, init, run};
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(init: init(), |case: Input| run(case, &kvm_lock_fuzz_fuzz::FEATURES));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    kvm_lock_fuzz::case::mutate::mutate(data, size, max_size, seed, fuzzer_mutate)
});
fuzz_crossover!(|one: &[u8], two: &[u8], out: &mut [u8], seed: u32| {
    kvm_lock_fuzz::case::mutate::crossover(one, two, out, seed)
});
