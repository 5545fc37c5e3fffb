#![no_main]
use kvm_lock_fuzz::target::case_text;

libfuzzer_sys::fuzz_target!(|text: case_text::Input| case_text::run(text.0));
