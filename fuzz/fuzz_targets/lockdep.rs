#![no_main]
#[path = "../../tests/reference/mod.rs"]
mod reference;

use kvm_lock_fuzz::target::lockdep::Input;

libfuzzer_sys::fuzz_target!(|script: Input| reference::check_bytes(script.0));
