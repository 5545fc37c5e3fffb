//! What the fuzz targets need of libFuzzer that a library cannot have: the section in which it
//! looks for counters beside its own.

use kvm_lock_fuzz::target::Features;

/// The counters that libFuzzer reads after each execution and clears before the next.
// The only unsafe code of the project. A section of any name may hold plain atomics; libFuzzer
// touches them between two executions only, on the same thread.
#[used]
#[unsafe(link_section = "__libfuzzer_extra_counters")]
pub static FEATURES: Features = Features::new();
