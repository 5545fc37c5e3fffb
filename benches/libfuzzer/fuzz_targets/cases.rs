//! Whole cases on the merged scheme, as the `protocol` target runs them, counting their events.
#![no_main]

use std::cell::RefCell;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::run::{Options, Runner};

/// Executions between two lines of the count.
const LINE: u64 = 10_000;

struct Count {
    runner: Runner,
    case: Case,
    executions: u64,
    events: u64,
}

thread_local! {
    static COUNT: RefCell<Count> = RefCell::new(Count {
        runner: Runner::new(),
        case: Case::default(),
        executions: 0,
        events: 0,
    });
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    COUNT.with_borrow_mut(|count| {
        count.case.decode_into(data);
        let options = Options { variant: Variant::Counted, bug: None, ..Options::of(&count.case) };
        count.events += u64::from(count.runner.run(&count.case, &options).events);
        count.executions += 1;
        if count.executions % LINE == 0 {
            eprintln!("{} events in {} executions", count.events, count.executions);
        }
    });
});
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    kvm_lock_fuzz::case::mutate::mutate(data, size, max_size, seed, libfuzzer_sys::fuzzer_mutate)
});
