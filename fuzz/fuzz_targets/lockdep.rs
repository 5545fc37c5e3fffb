#![no_main]
#[path = "../../tests/reference/mod.rs"]
mod reference;

libfuzzer_sys::fuzz_target!(|script: &[u8]| reference::check_bytes(script));
