//! What findings are called: the signatures that the committed cases show, and their hashes. Triage,
//! results on disk and `minimize --signature` go by them, and no name of a task is part of one.

use std::collections::BTreeSet;

use kvm_lock_fuzz::run::{Options, Runner};

use crate::common;

const FOLDERS: [&str; 4] =
    ["corpus/protocol", "tests/cases/bugs", "tests/cases/kinds", "tests/cases/points"];

#[test]
fn signatures_and_their_hashes_stay() {
    let mut runner = Runner::new();
    let mut lines = BTreeSet::new();
    for (_, case) in FOLDERS.into_iter().flat_map(common::cases_in) {
        for finding in &runner.run(&case, &Options::of(&case)).findings.clone() {
            let (hash, words) = (finding.signature.0, runner.describe_in(&case, finding));
            lines.insert(format!("{} {hash:016x}\n", words.signature));
        }
    }
    common::golden("signatures.txt", &String::from_iter(lines));
}
