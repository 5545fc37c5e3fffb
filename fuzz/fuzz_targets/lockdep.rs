#![no_main]
libfuzzer_sys::fuzz_target!(|script: &[u8]| kvm_lock_fuzz::target::lockdep::run(script));
