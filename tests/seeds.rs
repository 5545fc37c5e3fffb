//! What the hand-written seeds show: each what its comment says under the variant that it names,
//! and none of them a violation under a sound variant.

#![cfg(feature = "cli")]

use std::collections::BTreeSet;
use std::path::Path;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::files::{cases_in, load};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::machine::sim::{Turn, TurnEnd};
use kvm_lock_fuzz::run::{Options, Runner};

/// Kinds of findings by seed.
const SHOWN: [(&str, &[&str]); 22] = [
    ("create-before-lock", &[]),
    (
        "create-in-region",
        &["assertion", "elision-disagreement", "memslots-not-frozen", "unbalanced-count"],
    ),
    (
        "delete-in-region",
        &["elision-disagreement", "livelock", "memslots-not-frozen", "unbalanced-count"],
    ),
    (
        "fault-in-unseen-region",
        &[
            "assertion",
            "elision-disagreement",
            "memslots-not-frozen",
            "stale-mapping",
            "unbalanced-count",
        ],
    ),
    ("fault-races-region", &[]),
    ("flags-only", &[]),
    ("fork-then-cow", &[]),
    ("move-in-region", &[]),
    ("nested-behind-writer", &["deadlock", "lock-order", "recursive-lock"]),
    ("nested-reader-biased", &["lock-order", "recursive-lock", "starvation"]),
    ("pages-that-move", &[]),
    ("reaper-against-update", &[]),
    ("refused-reaper", &[]),
    ("refuser-first", &[]),
    ("region", &["lock-order"]),
    ("rmap-against-mremap", &["deadlock", "lock-order"]),
    ("seed-splat", &["lock-order"]),
    ("sleeper", &[]),
    ("starved-update", &["starvation"]),
    ("swapout-under-slot", &[]),
    ("two-regions-one-fault", &[]),
    ("two-vms", &["lock-order", "recursive-lock"]),
];

fn seeds() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/protocol");
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let paths = cases_in(&folder).unwrap();
    paths.iter().map(|path| (name(path), load(path).unwrap())).collect()
}

#[test]
fn every_seed_shows_what_it_says() {
    let mut runner = Runner::new();
    let shown = seeds().into_iter().map(|(name, case)| {
        let outcome = runner.run(&case, &Options::of(&case));
        let kinds: BTreeSet<_> = outcome.findings.iter().map(|f| f.kind.name()).collect();
        (name, kinds.into_iter().collect::<Vec<_>>())
    });
    let expected = SHOWN.map(|(name, kinds)| (name.to_string(), kinds.to_vec()));
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

/// A burst that ends where its task already is runs nothing: the first `until op` of a task does, where
/// another task runs next.
#[test]
fn no_burst_of_a_seed_ends_before_it_begins() {
    let mut runner = Runner::new();
    for (name, case) in seeds() {
        runner.run(&case, &Options { recording: true, ..Options::of(&case) });
        runner.inspect(|seen| {
            let idle = |turn: &&Turn| turn.points == 0 && matches!(turn.end, TurnEnd::Place(_));
            assert_eq!(seen.turns.iter().find(idle), None, "{name}");
        });
    }
}

#[test]
fn sound_variants_pass_every_seed() {
    let mut runner = Runner::new();
    for (name, case) in seeds() {
        for variant in Variant::sound() {
            let options = Options { variant, bug: None, ..Options::of(&case) };
            let findings = &runner.run(&case, &options).findings;
            let violations = findings.iter().filter(|f| f.severity.name() == "violation").count();
            assert_eq!(violations, 0, "{name} under {}", variant.name());
        }
    }
}
