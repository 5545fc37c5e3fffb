#![no_main]
use kvm_lock_fuzz::{case, target::protocol};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|case: protocol::Input| protocol::run(case, &kvm_lock_fuzz_fuzz::FEATURES));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    case::mutate::mutate(data, size, max_size, seed, fuzzer_mutate)
});
