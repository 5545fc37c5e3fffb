//! Pictures of lock graphs, to the last coordinate.
#![cfg(feature = "cli")]

mod common;

use kvm_lock_fuzz::lockdep::script::{Outcome, parse, run};
use kvm_lock_fuzz::lockdep::{Config, picture};

/// Six classes on the ring, one of which depends on itself, and a cycle of two.
fn graph() -> Outcome {
    let decl = ["class a", "class b name=&kvm->lock", "class c", "class d", "class e", "class f"];
    let locks =
        ["lock a a", "lock b b", "lock c1 c", "lock c2 c", "lock d d", "lock e e", "lock f f"];
    let events = [
        "T acq a w",
        "T acq c1 R",
        "T acq c2 R",
        "T rel c2",
        "T rel c1",
        "T acq d w",
        "T rel d",
        "T acq b r",
        "T rel b",
        "T rel a",
        "T acq e w",
        "T acq f w",
        "T rel f",
        "T rel e",
        "T acq b w",
        "T acq a w",
    ];
    let decl: Vec<&str> = decl.into_iter().chain(locks).collect();
    run(&parse(&decl, &events).expect("a script"), Config::default())
}

#[test]
fn every_class_and_arrow_has_its_place() {
    let Outcome { lockdep, .. } = graph();
    common::golden("lock-graph.svg", &picture::svg(&lockdep, None));
    let report = lockdep.reports().first();
    assert!(report.is_some(), "it has a cycle");
    common::golden("lock-graph-cycle.svg", &picture::svg(&lockdep, report));
    common::golden("lock-graph.dot", &picture::dot(&lockdep, None));
}
