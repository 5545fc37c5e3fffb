//! Timelines, compared with files as a whole. `UPDATE_GOLDEN=1` writes them anew.
#![cfg(feature = "cli")]

mod common;

use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::report::timeline::timeline;
use kvm_lock_fuzz::run::{Options, Runner};

fn check(name: &str, case: &str) {
    let case = common::seed(case);
    let mut runner = Runner::new();
    runner.run(&case, &Options { recording: true, ..Options::of(&case) });
    common::golden(name, &timeline(&case, &runner));
}

#[test]
fn nested_region_behind_a_queued_writer() {
    check("timeline-nested-behind-writer.txt", "nested-behind-writer");
}

#[test]
fn memslot_created_inside_a_region() {
    check("timeline-create-in-region.txt", "create-in-region");
}

#[test]
fn the_region_of_the_seed() {
    check("timeline-seed-splat.txt", "seed-splat");
}

#[test]
fn lanes_are_as_wide_as_a_page_where_names_allow() {
    for case in common::seeds() {
        for variant in Variant::ALL {
            let mut runner = Runner::new();
            let bug = None;
            runner.run(&case, &Options { recording: true, variant, bug, ..Options::of(&case) });
            let text = timeline(&case, &runner);
            let wide = text.lines().find(|line| line.chars().count() > 120);
            assert_eq!(wide, None, "{case}");
        }
    }
}
