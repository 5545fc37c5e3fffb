#![no_main]
libfuzzer_sys::fuzz_target!(|text: &[u8]| kvm_lock_fuzz::target::case_text::run(text));
