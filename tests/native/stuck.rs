//! A deadlock is a proof from who holds and who waits, with the simulator's words for it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use kvm_lock_fuzz::machine::log::Log;
use kvm_lock_fuzz::machine::sim::{Settings, Sim};
use kvm_lock_fuzz::machine::{Build, Mutex, Policy, Task};
use kvm_lock_fuzz::run::{Ending, Options, Rounds, Runner};
use kvm_lock_fuzz::schedule::Bursts;

use super::common::seed;
use super::primitives::{Machine, SLEEPING, machine, now, spawn};

/// Two mutexes.
fn mutexes(b: &mut impl Build) -> [Mutex; 2] {
    let class = b.class(SLEEPING);
    [b.mutex(class), b.mutex(class)]
}

/// The table, once all tasks wait or have finished and nothing stirs any more, entered into the
/// simulator: the doomed tasks.
fn doomed(machine: &Machine) -> u16 {
    let mut sim = Sim::new(Bursts::default());
    mutexes(&mut sim);
    let mut log = Log::new();
    loop {
        thread::sleep(Duration::from_millis(2));
        let Some(quiet) = machine.quiet(2) else { continue };
        machine.snapshot(2, &mut log);
        sim.reset(Settings::default(), |_| {});
        let entered = sim.adopt(2, &log);
        if machine.confirms(2, quiet, &log) {
            entered.expect("the simulator would have given the same locks");
            return sim.doomed();
        }
    }
}

#[test]
fn opposite_orders_of_two_mutexes() {
    let mut machine = machine(Policy::WriterFair);
    let [a, b] = mutexes(&mut machine);
    let machine = Arc::new(machine);
    let gate = Arc::new(std::sync::Barrier::new(2));
    for (id, [first, second]) in [(0, [a, b]), (1, [b, a])] {
        let gate = Arc::clone(&gate);
        spawn(&machine, id, move |me| {
            now(me.mutex_lock(first));
            gate.wait();
            now(me.mutex_lock(second));
        });
    }
    assert_eq!(doomed(&machine), 0b11);
}

#[test]
fn a_lock_kept_by_a_finished_task() {
    let mut machine = machine(Policy::WriterFair);
    let [a, _] = mutexes(&mut machine);
    let machine = Arc::new(machine);
    spawn(&machine, 0, move |me| now(me.mutex_lock(a))).join().expect("the task finishes");
    spawn(&machine, 1, move |me| now(me.mutex_lock(a)));
    assert_eq!(doomed(&machine), 0b10);
}

#[test]
fn a_nested_region_hangs_with_the_simulators_signatures() {
    let case = seed("nested-behind-writer");
    let options = Options::of(&case);
    let mut rounds = Rounds::new(&case, &options, 1).expect("writer-fair exists on threads");
    while rounds.run().expect("the machines agree").ending != Ending::Stuck {}
    let outcome = rounds.judged().outcome();
    let mut signatures: Vec<_> = outcome.findings.iter().map(|f| f.signature).collect();
    let mut runner = Runner::new();
    let ran = runner.run(&case, &options).findings.clone();
    let mut expected: Vec<_> = ran.iter().map(|f| f.signature).collect();
    signatures.sort();
    expected.sort();
    assert_eq!(signatures, expected);
    assert_eq!(*rounds.end(), runner.end(&case));
    assert_eq!(rounds.end().stuck, 0b11);
}

#[test]
fn a_nested_region_passes_reader_biased_rwsems() {
    let case = seed("nested-behind-writer");
    let options = Options { policy: Policy::ReaderBiased, ..Options::of(&case) };
    let mut rounds = Rounds::new(&case, &options, 1).expect("reader-biased exists on threads");
    for _ in 0..300 {
        assert_eq!(rounds.run().expect("the machines agree").ending, Ending::Finished);
    }
}
