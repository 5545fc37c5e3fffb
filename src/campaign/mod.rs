//! The main job: run random cases, build the fuzz targets meanwhile, fuzz them for the given time on all
//! cores, and turn what is found into minimised, readable results.
//!
//! Corpus and findings are on disk before a target starts its next execution, and results are
//! written by rename: a kill at any time loses one execution, and the next campaign goes on from
//! there. A target that does not do its work leaves an incomplete arm, never a clean one. A bug in
//! here would be a result that a replay of its case does not show, or one that gets lost.

mod arm;
mod build;
mod earlier;
mod error;
mod fuzz;
mod leftovers;
mod lock;
mod log;
mod progress;
mod random;
pub mod results;
pub mod shares;
pub mod slice;
pub mod stats;
mod targets;
mod tree;
mod triage;
mod witnesses;
mod work;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use arm::Arm;
pub use error::Error;
pub use random::{Workers, child};
pub use tree::Tree;
pub use triage::Found;

use lock::Lock;
use stats::Stats;
use targets::Targets;
use work::Work;

use crate::kvm::{Bug, Variant};
use crate::run::causes;
use crate::target;

/// What a campaign is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Wall time of the fuzzing, from the first case.
    pub time: Duration,
    /// In place of the time: run so many random cases in each arm, and nothing else.
    pub runs: Option<u64>,
    /// Start from the curated seeds and the corpus of earlier campaigns, not from nothing.
    pub seeds: bool,
    /// The variants that `protocol` runs.
    pub variants: Vec<Variant>,
    /// The targets.
    pub targets: Vec<&'static target::Info>,
    /// Planted bugs; where there are some, `protocol` runs these and nothing else runs.
    pub bugs: Vec<Bug>,
    /// Targets or workers that run at a time.
    pub jobs: usize,
    /// What runs random cases.
    pub workers: Workers,
    /// Seed of the random cases and of the fuzzer's random numbers.
    pub seed: u64,
    /// Folder of the results.
    pub results: PathBuf,
    /// What the targets are built with.
    pub sanitizer: Sanitizer,
}

/// What runs the cases of `protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Random cases in worker processes.
    Random,
    /// The fuzz target under libFuzzer.
    Guided,
}

impl Engine {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Random => "random",
            Engine::Guided => "guided",
        }
    }
}

/// When a finding came for the first time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct First {
    /// Seconds of fuzzing before it.
    pub seconds: f64,
    /// Which engine had it.
    pub engine: Engine,
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
    /// The random cases of each arm that it was bound to.
    pub runs: Option<u64>,
    /// Ctrl-C ended it.
    pub interrupted: bool,
    /// Why it had random cases only, if it was to have others.
    pub notice: Option<String>,
    /// What ended the fuzzing early, if that was not its user: what it found could not be kept.
    pub failure: Option<Error>,
    /// Why the results are not in their folder, or not all of them.
    pub unsaved: Option<Error>,
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
    /// Random cases among them.
    pub drawn: u64,
    /// Instrumented edges of the target.
    pub edges: u64,
    /// Findings, one for each signature.
    pub findings: Vec<Found>,
    /// Inputs that ended the target.
    pub crashes: Vec<CrashFound>,
    /// Why the target did not do its work: without findings that is no clean result.
    pub incomplete: Option<String>,
}

/// An input that ended a target: a bug of this project rather than of the protocol.
#[derive(Clone, Debug)]
pub struct CrashFound {
    /// What ended it.
    pub crash: slice::Crash,
    /// When it came; `None` where an earlier campaign had it.
    pub first: Option<First>,
}

impl ArmReport {
    /// What it is called: by its planted bug, variant or target.
    pub fn name(&self) -> &'static str {
        arm::name(self.target, self.variant, self.bug)
    }

    /// For each finding the index of the one that stands for its cause, which is the one that was seen
    /// first ([`causes::leads`]).
    pub fn leads(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.findings.len()).collect();
        let seconds = |i: usize| self.findings[i].first.map_or(-1.0, |first| first.seconds);
        order.sort_by(|&a, &b| seconds(a).total_cmp(&seconds(b)));
        let clues: Vec<_> = order.iter().map(|&i| self.findings[i].clue()).collect();
        let mut leads = vec![0; order.len()];
        for (i, lead) in order.iter().zip(causes::leads(&clues)) {
            leads[*i] = order[lead];
        }
        leads
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

    /// Whether the target did not do its work. A planted bug that was found is all that was asked
    /// for.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.is_some() && !self.bug_found()
    }
}

impl Report {
    /// Whether the campaign found what it should not: a violation where the registry expects
    /// none or, over planted bugs, a bug that did not show.
    pub fn is_bad(&self) -> bool {
        self.arms.iter().any(|arm| match arm.bug {
            Some(_) => !(arm.bug_found() || arm.is_incomplete()) || !arm.crashes.is_empty(),
            None => arm.is_unexpected(),
        })
    }

    /// Whether a part of what was asked for was not done.
    pub fn is_incomplete(&self) -> bool {
        self.failure.is_some() || self.arms.iter().any(ArmReport::is_incomplete)
    }
}

/// Runs a campaign in the clone at or above the working folder, whose targets are built meanwhile.
/// Outside a clone, and where what builds them is missing, random cases are all there is; the working
/// folders are in the results folder then. `stop` ends the fuzzing early, and the search for witnesses;
/// what was found by then is reported.
pub fn run(plan: &Plan, stop: &'static AtomicBool) -> Result<Report, Error> {
    let tree = Tree::find();
    let (folder, targets) = match tree {
        _ if plan.runs.is_some() => {
            (tree.as_ref().ok().map(Tree::fuzz), Targets::None(Error::Unasked))
        }
        Ok(ref tree) => (Some(tree.fuzz()), Targets::Clone(tree)),
        Err(error) => (None, Targets::None(error)),
    };
    let folder = folder.unwrap_or_else(|| plan.results.join(".campaign"));
    Held::take(&folder, plan)?.run(targets, plan, stop)
}

/// Runs a campaign in a tree whose targets are built: the files of their names in `binaries`.
pub fn run_built(
    tree: &Tree,
    binaries: &Path,
    plan: &Plan,
    stop: &'static AtomicBool,
) -> Result<Report, Error> {
    Held::take(&tree.fuzz(), plan)?.run(Targets::Built(tree, binaries), plan, stop)
}

/// The folders that a campaign has for itself.
struct Held {
    work: Work,
    _results: Lock,
}

impl Held {
    fn take(folder: &Path, plan: &Plan) -> Result<Held, Error> {
        let _results = results::open(&plan.results)?;
        Ok(Held { work: Work::lock(folder, plan)?, _results })
    }

    fn run(
        self,
        targets: Targets<'_>,
        plan: &Plan,
        stop: &'static AtomicBool,
    ) -> Result<Report, Error> {
        if !plan.seeds {
            self.work.clear()?;
        }
        let arms = arm::all(&self.work, plan)?;
        arms.iter().try_for_each(earlier::findings)?;
        let prepare = |ended: &dyn Fn() -> bool| targets.prepare(&self.work, &arms, plan, ended);
        let mut stats = Stats::open(&plan.results)?;
        let mut fuzzed = fuzz::run(prepare, &self.work, &arms, plan, stop, &mut stats);
        if arms.iter().all(|arm| arm.ran().is_none())
            && let Some(error) = fuzzed.unbuilt.take()
        {
            return Err(error);
        }
        let mut report = triage::report(arms, plan, fuzzed);
        witnesses::find(&mut report.arms, plan.jobs, stop);
        report.unsaved = results::write(&plan.results, &mut report).err();
        Ok(report)
    }
}
