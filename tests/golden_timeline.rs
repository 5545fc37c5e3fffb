//! Timelines, compared with files as a whole. `UPDATE_GOLDEN=1` writes them anew.
#![cfg(feature = "cli")]

mod common;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::text::Names;
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::What;
use kvm_lock_fuzz::report::timeline::timeline;
use kvm_lock_fuzz::run::{Options, Runner};

fn check(name: &str, case: &str) {
    let case = common::seed(case);
    let mut runner = Runner::new();
    runner.run(&case, &Options { recording: true, ..Options::of(&case) });
    common::golden(name, &timeline(&case, &Names::default(), &runner));
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

/// Seeds and random cases, under every variant.
fn timelines(mut look: impl FnMut(&Case, &Runner, &str)) {
    let mut runner = Runner::new();
    for case in common::seeds().into_iter().chain(common::random_cases(0x71e).take(300)) {
        for variant in Variant::ALL {
            let bug = None;
            runner.run(&case, &Options { recording: true, variant, bug, ..Options::of(&case) });
            look(&case, &runner, &timeline(&case, &Names::default(), &runner));
        }
    }
}

#[test]
fn lines_fit_a_page() {
    timelines(|case, _, text| {
        let wide = text.lines().find(|line| line.chars().count() > 120);
        assert_eq!(wide, None, "{case}");
    });
}

/// The legend has the mark too.
#[test]
fn every_finding_is_marked_once() {
    timelines(|case, runner, text| {
        let findings = runner.outcome().findings.len();
        assert_eq!(text.matches("<== ").count(), findings + 1, "{case}\n{text}");
    });
}

#[test]
fn no_lock_is_left_out() {
    timelines(|case, runner, text| {
        runner.inspect(|seen| {
            let first =
                seen.records.iter().position(|r| matches!(r.what, What::Trace(Event::Op(_))));
            for record in &seen.records[first.unwrap()..] {
                if let What::Acquired(lock, _) | What::Blocked(lock, _) = record.what {
                    assert!(text.contains(seen.class(lock)), "{}: {case}", seen.class(lock));
                }
            }
        });
    });
}
