//! `stress`: one case on OS threads for a while, for each variant asked for.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;

use super::campaign::interrupt;
use super::chosen::Chosen;
use super::{Bad, Done};
use kvm_lock_fuzz::case::files;
use kvm_lock_fuzz::kvm::Bug;
use kvm_lock_fuzz::machine::native::Native;
use kvm_lock_fuzz::report::json::{Document, Verdict};
use kvm_lock_fuzz::report::stress::{self as written, Found};
use kvm_lock_fuzz::run::Options;
use kvm_lock_fuzz::stress::{self, Plan, Report, Reported, reproduce};

/// Run a case's programs on OS threads and parking_lot, over and over
///
/// Each task of the case is a thread; the case's schedule is ignored, the operating system and a
/// seeded jitter decide who runs. Rounds run in child processes. A variant's run ends when its time
/// is over, when its tasks are stuck for good (proved from who holds and who waits, never guessed
/// from the time) or when a child crashes. Phase-fair rwsems exist on the simulator only.
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz stress corpus/protocol/nested-behind-writer.case \
                        --variant rwsem --variant counted --seconds 30"
)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Threads that run tasks: rounds run side by side as often as that many threads can, at least
    /// one round; without it twice the number of cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: Option<u32>,
    /// Wall time for each variant
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    seconds: u64,
    /// Seed of the jitter; without it a different one each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the cases of what is found; made when something is
    #[arg(long, value_name = "DIR", default_value = "results/stress")]
    results: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let plans = self.plans()?;
        let stop = interrupt()?;
        let (mut texts, mut verdicts, mut bad) = (Vec::new(), Vec::<Verdict>::new(), false);
        for plan in &plans {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let report = run(plan, stop)?;
            let found = self.write(plan, &report)?;
            bad |= report.is_bad();
            texts.push(written::text(&plan.case, plan.policy, &report, &found));
            verdicts.push(written::verdict(&plan.case, plan.policy, &report, found));
        }
        Ok(Done::found(
            if self.json { Document::new(verdicts).text() } else { texts.join("\n") },
            bad,
        ))
    }

    fn plans(&self) -> Result<Vec<Plan>, Bad> {
        let cases = self.chosen.cases()?;
        let Some(first) = cases.first().filter(|case| case.programs.tasks() > 0) else {
            let file = self.chosen.file.display();
            return Err(format!("{file}: the case has no task to run").into());
        };
        let (tasks, policy) = (first.programs.tasks(), first.config.policy);
        Native::<()>::new(policy)
            .map_err(|e| format!("{e}; give --policy writer-fair or reader-biased"))?;
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        let threads = self.threads.map_or(2 * cores, |threads| threads as usize);
        let seed = self.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        let program = std::env::current_exe()?;
        let plan = |case| Plan {
            program: program.clone(),
            case,
            policy,
            lanes: (threads / tasks).max(1),
            time: Duration::from_secs(self.seconds),
            seed,
        };
        Ok(cases.into_iter().map(plan).collect())
    }

    /// Writes a case for each finding.
    fn write(&self, plan: &Plan, report: &Report) -> Result<Vec<Found>, Bad> {
        let of = |(found, seconds): &(Reported, f64)| self.write_found(plan, found, *seconds);
        report.findings.iter().map(of).collect()
    }

    fn write_found(&self, plan: &Plan, found: &Reported, seconds: f64) -> Result<Found, Bad> {
        let options = Options { policy: plan.policy, ..Options::of(&plan.case) };
        let shown = reproduce(&plan.case, &options, found.hash);
        let how = match shown {
            Some(_) => "`run` shows it under this schedule",
            None => "the schedule is the case's own and need not show it",
        };
        let mut case = shown.unwrap_or_else(|| plan.case.clone());
        case.config.policy = plan.policy;
        let file = self.file(plan, found);
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let head = format!("# {}: {}\n# Seen on OS threads; {how}.\n", found.kind, found.message);
        files::write(&file, (head + &case.to_string()).as_bytes())?;
        Ok(Found { reported: found.clone(), seconds, case, file })
    }

    fn file(&self, plan: &Plan, found: &Reported) -> PathBuf {
        let folder = plan.case.bug.map_or(plan.case.variant.name(), Bug::id);
        let name = format!("{}-{:08x}.case", found.kind, found.hash >> 32);
        self.results.join(folder).join(name)
    }
}

/// Runs a plan, with a line about it where somebody sits at the terminal.
fn run(plan: &Plan, stop: &AtomicBool) -> Result<Report, Bad> {
    let live = io::stderr().is_terminal();
    let progress = |report: &Report| {
        if live {
            let (variant, found) = (plan.case.variant.name(), report.findings.len());
            // Where stderr is gone there is nobody to tell.
            let _ = write!(io::stderr(), "\r{variant}: {} rounds, {found} findings", report.rounds);
        }
    };
    let report = stress::run(plan, stop, progress);
    if live {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    Ok(report.map_err(|e| format!("cannot run a child process: {e}"))?)
}

/// `stress-child`: what `stress` runs its rounds in.
pub fn child() -> Result<Done, Bad> {
    stress::child()?;
    Ok(Done::clean(String::new()))
}
