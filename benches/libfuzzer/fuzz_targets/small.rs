//! The small protocol, scheduled by the input's bytes.
#![no_main]

#[path = "../../small/mod.rs"]
mod small;
#[path = "../../small/execute.rs"]
mod execute;

use std::cell::RefCell;

use kvm_lock_fuzz::machine::sim::Sim;
use kvm_lock_fuzz::schedule::Bytes;
use execute::execute;
use small::{Role, Small};

const ROLES: [Role; 4] = [Role::Invalidator, Role::Invalidator, Role::Writer, Role::Fault];

thread_local! {
    static MACHINE: RefCell<(Sim<Bytes, ()>, Small)> = RefCell::new({
        let mut sim = Sim::new(Bytes::default());
        let small = Small::build(&mut sim);
        (sim, small)
    });
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    MACHINE.with_borrow_mut(|(sim, small)| {
        execute(sim, *small, &ROLES, |schedule| {
            schedule.bytes.clear();
            schedule.bytes.extend_from_slice(data);
            schedule.used = 0;
        });
    });
});
