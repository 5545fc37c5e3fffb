//! `campaign`: the main job.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use console::Term;

use super::chosen::{bug, variants};
use super::{Bad, Done};
use kvm_lock_fuzz::campaign::{self, Plan, Report, Sanitizer, Workers, results};
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::report::table;
use kvm_lock_fuzz::target;

/// Fuzz all targets for a while, and print what was found
///
/// Runs random cases from the first moment, on all cores, and prints the first violation of each kind to
/// stderr as it comes. The fuzz targets are built meanwhile with cargo, and fuzzed when they are
/// there; random cases keep a quarter of the time, more while they find more. The corpus is kept, what was
/// found is minimised, the results folder written and one table printed. A later campaign goes on from the
/// corpus of this one.
///
/// Outside a clone, and without cargo, rustc or a C++ compiler, random cases of `protocol` are all there
/// is; one line says so.
///
/// Every predicted cycle comes with its witness: a case that hangs as predicted, or that none exists,
/// or that none was found in 60,000 schedules or 100,000 states. Witnesses are looked for when the
/// fuzzing is over, for 30 seconds at most; Ctrl-C ends that too, and leaves 2 seconds if it ended the
/// fuzzing.
///
/// A target that does not do its work (it dies, hangs, or its turn never came) is `did not run` or
/// `incomplete` in the table, with the reason below, and has the verdict `incomplete` in the JSON. A
/// full disk below fuzz/ ends the fuzzing; what was found by then is reported.
///
/// The results folder keeps what earlier campaigns found in variants and targets that this one does
/// not have. Inputs that ended a target in an earlier campaign are run again, and reported again while
/// they end it. One campaign at a time can use a results folder or the working folders of a clone.
///
/// Exit code: 1 for a violation in a variant that is not registered as known-bad or an input that
/// ends a target; with --bugs or --bug, 1 where a planted bug was not found. Without such, 2 where a
/// target did not do its work. Always 2 where a disk is full or read-only, with what was found printed.
#[derive(Args)]
#[command(after_help = "Examples:\n  kvm-lock-fuzz campaign --seconds 60\n  \
                        kvm-lock-fuzz campaign --seconds 60 --no-seeds --variant rwsem\n  \
                        kvm-lock-fuzz campaign --bugs")]
pub struct Arguments {
    /// Wall time of the fuzzing from the first random case on, the build of the targets included
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    seconds: u64,
    /// In place of a time: run N random cases of each variant or bug and nothing else, so that the same
    /// seed finds the same
    #[arg(long, value_name = "N", conflicts_with_all = ["seconds", "target"], value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// Start from nothing: a fresh, separate corpus folder
    #[arg(long)]
    no_seeds: bool,
    /// Fuzz this variant only (repeatable)
    #[arg(long, value_name = "VARIANT")]
    variant: Vec<String>,
    /// Fuzz this target only (repeatable)
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
    /// Fuzz the protocol with each planted bug, until it is found
    #[arg(long)]
    bugs: bool,
    /// Fuzz the protocol with this planted bug (repeatable)
    #[arg(long, value_name = "ID", conflicts_with = "bugs")]
    bug: Vec<String>,
    /// Targets or workers that run at a time; without it one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Seed of the random cases and of the fuzzer's random numbers; without it a different one each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// What the targets are built with
    #[arg(long, value_name = "NAME", default_value = "none")]
    sanitizer: Choice,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// No sanitizer: the library is safe code
    None,
    /// AddressSanitizer, where the toolchain has it
    Address,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let plan = self.plan()?;
        let stop = interrupt()?;
        let report = campaign::run(&plan, stop)?;
        let code = code(&report);
        let text = match self.json {
            true => results::document(&plan.results, &report).text(),
            false => results::text_within(&plan.results, &report, width()),
        };
        let warning = report.unsaved.or(report.failure).map(|error| error.to_string());
        Ok(Done { text, code, warning })
    }

    fn plan(&self) -> Result<Plan, Bad> {
        let cores = || thread::available_parallelism().map_or(1, |cores| cores.get());
        Ok(Plan {
            time: Duration::from_secs(self.seconds),
            runs: self.runs,
            seeds: !self.no_seeds,
            variants: self.variants()?,
            targets: self.targets()?,
            bugs: self.planted()?,
            jobs: self.jobs.map_or_else(cores, |jobs| jobs as usize),
            workers: Workers::ours()?,
            seed: self.seed.unwrap_or_else(|| RandomState::new().hash_one(0)),
            results: self.results.clone(),
            sanitizer: match self.sanitizer {
                Choice::None => Sanitizer::None,
                Choice::Address => Sanitizer::Address,
            },
        })
    }

    fn variants(&self) -> Result<Vec<Variant>, Bad> {
        match self.variant.is_empty() {
            true => Ok(Variant::ALL.to_vec()),
            false => variants(&self.variant),
        }
    }

    fn planted(&self) -> Result<Vec<Bug>, Bad> {
        match self.bugs {
            true => Ok(Bug::ALL.to_vec()),
            false => self.bug.iter().map(|id| bug(id)).collect(),
        }
    }

    /// The targets; a variant alone asks for `protocol` only.
    fn targets(&self) -> Result<Vec<&'static target::Info>, Bad> {
        let known = target::REGISTRY.iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
        let find = |name: &String| {
            target::find(name).ok_or_else(|| format!("no target `{name}`; there are {known}"))
        };
        if self.target.is_empty() {
            let all = self.variant.is_empty() && self.runs.is_none();
            return Ok(target::REGISTRY.iter().filter(|info| all || info.per_variant).collect());
        }
        Ok(self.target.iter().map(find).collect::<Result<_, _>>()?)
    }
}

/// Columns of the terminal that the table goes to; of a page where it goes elsewhere.
fn width() -> u16 {
    Term::stdout().size_checked().map_or(table::WIDTH, |(_, columns)| columns)
}

/// `campaign-worker`: what `campaign` runs its random cases in.
pub fn worker() -> Result<Done, Bad> {
    campaign::child()?;
    Ok(Done::clean(String::new()))
}

/// Violations matter more than what was left undone. What could not be kept has a warning, and with
/// it code 2.
fn code(report: &Report) -> u8 {
    match (report.is_bad(), report.is_incomplete()) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }
}

/// Ctrl-C sets the flag; a second one ends the program.
pub fn interrupt() -> Result<&'static AtomicBool, Bad> {
    static STOP: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    Ok(&STOP)
}
