//! The main job: build the fuzz targets, fuzz them for so long on all cores, and turn what they
//! collect into minimised, readable results.
//!
//! Corpus and findings are on disk before a target starts its next execution, and results are
//! written by rename: a kill at any time loses one execution, and the next campaign goes on from
//! there. A bug in here would be a result that a replay of its case does not show.

mod arm;
pub mod build;
mod error;
mod fuzz;
mod progress;
pub mod results;
pub mod shares;
pub mod slice;
mod tree;
mod triage;
mod witnesses;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use arm::Arm;
pub use error::Error;
pub use tree::{Tree, Work};
pub use triage::Found;

use crate::kvm::{Bug, Variant};
use crate::target;

/// What a campaign is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Wall time of the fuzzing, after the build.
    pub time: Duration,
    /// Start from the curated seeds and the corpus of earlier campaigns, not from nothing.
    pub seeds: bool,
    /// The variants that `protocol` runs.
    pub variants: Vec<Variant>,
    /// The targets.
    pub targets: Vec<&'static target::Info>,
    /// Planted bugs; where there are some, `protocol` runs these and nothing else runs.
    pub bugs: Vec<Bug>,
    /// Targets that run at a time.
    pub jobs: usize,
    /// Seed of the fuzzer's random numbers.
    pub seed: u64,
    /// Folder of the results.
    pub results: PathBuf,
    /// What the targets are built with.
    pub sanitizer: Sanitizer,
}

/// A sanitizer to build the targets with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sanitizer {
    /// None: the library is safe code. Works on stable.
    #[default]
    None,
    /// AddressSanitizer: slow, and only some toolchains have it.
    Address,
}

impl Sanitizer {
    /// Cargo-fuzz's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Sanitizer::None => "none",
            Sanitizer::Address => "address",
        }
    }
}

/// What a campaign found.
#[derive(Debug)]
pub struct Report {
    /// One for each target and variant (or bug).
    pub arms: Vec<ArmReport>,
    /// How long it fuzzed.
    pub time: Duration,
    /// Ctrl-C ended it.
    pub interrupted: bool,
}

/// What a campaign found in one target and variant.
#[derive(Debug)]
pub struct ArmReport {
    /// The target.
    pub target: &'static str,
    /// The variant, for `protocol`.
    pub variant: Option<Variant>,
    /// The planted bug.
    pub bug: Option<Bug>,
    /// Executions.
    pub executions: u64,
    /// Instrumented edges of the target.
    pub edges: u64,
    /// Findings, one for each signature.
    pub findings: Vec<Found>,
    /// Inputs that ended the target.
    pub crashes: Vec<CrashFound>,
}

/// An input that ended a target: a bug of this project rather than of the protocol.
#[derive(Clone, Debug)]
pub struct CrashFound {
    /// What ended it.
    pub crash: slice::Crash,
    /// Seconds of fuzzing before it.
    pub first: f64,
}

impl ArmReport {
    /// What it is called: by its planted bug, variant or target.
    pub fn name(&self) -> &'static str {
        let bug = self.bug.map(|bug| bug.id());
        bug.or(self.variant.map(|variant| variant.name())).unwrap_or(self.target)
    }

    /// Findings that break the verdict.
    pub fn violations(&self) -> impl Iterator<Item = &Found> {
        self.findings.iter().filter(|found| found.is_violation())
    }

    /// Whether a violation here is none that the registry expects.
    pub fn is_unexpected(&self) -> bool {
        let expected = self.variant.is_some_and(|v| v.info().known_bad);
        !self.crashes.is_empty() || (!expected && self.violations().next().is_some())
    }

    /// Whether the planted bug showed: a violation that goes away without it.
    pub fn bug_found(&self) -> bool {
        self.findings.iter().any(|found| found.because_of_bug)
    }
}

impl Report {
    /// Whether the campaign found what it should not: a violation where the registry expects
    /// none or, over planted bugs, a bug that did not show.
    pub fn is_bad(&self) -> bool {
        self.arms.iter().any(|arm| match arm.bug {
            Some(_) => !arm.bug_found() || !arm.crashes.is_empty(),
            None => arm.is_unexpected(),
        })
    }
}

/// Runs a campaign. `stop` ends the fuzzing early, and the search for witnesses; what was found by
/// then is reported.
pub fn run(plan: &Plan, stop: &'static AtomicBool) -> Result<Report, Error> {
    let tree = Tree::find()?;
    results::check(&plan.results)?;
    let binaries = build::targets(&tree, plan.sanitizer, stop)?;
    let work = Work::prepare(&tree, plan)?;
    let arms = arm::all(&tree, &work, plan)?;
    let fuzzed = fuzz::run(&binaries, &arms, plan, stop)?;
    let mut report = triage::report(arms, plan, &fuzzed);
    witnesses::find(&mut report.arms, plan.jobs, stop);
    results::write(&plan.results, &report)?;
    Ok(report)
}
