//! `stress`: one case on OS threads for a while, for each variant asked for.

use std::collections::hash_map::RandomState;
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
use kvm_lock_fuzz::case::{Case, files};
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
/// from the time), when a child crashes, or when one has not answered for five seconds, which is
/// killed then. Phase-fair rwsems exist on the simulator only.
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
    /// Runs the command. What was found is shown even where it cannot be written.
    pub fn run(self) -> Result<Done, Bad> {
        let plans = self.plans()?;
        let stop = interrupt()?;
        let (mut texts, mut verdicts, mut bad) = (Vec::new(), Vec::<Verdict>::new(), false);
        let mut warning = None;
        for plan in &plans {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let report = run(plan, stop);
            let (found, unwritten) = self.write(plan, &report);
            warning = warning.or(unwritten).or_else(|| report.failed.clone());
            bad |= report.is_bad();
            texts.push(written::text(&plan.case, plan.policy, &report, &found));
            verdicts.push(written::verdict(&plan.case, plan.policy, &report, found));
        }
        let text = if self.json { Document::new(verdicts).text() } else { texts.join("\n") };
        Ok(Done { warning, ..Done::found(text, bad) })
    }

    fn plans(&self) -> Result<Vec<Plan>, Bad> {
        let (cases, names) = self.chosen.cases()?;
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
            names: names.clone(),
            policy,
            lanes: (threads / tasks).max(1),
            time: Duration::from_secs(self.seconds),
            seed,
        };
        Ok(cases.into_iter().map(plan).collect())
    }

    /// Writes a case for each finding; the first error.
    fn write(&self, plan: &Plan, report: &Report) -> (Vec<Found>, Option<String>) {
        let mut error = None;
        let mut of = |(reported, seconds): &(Reported, f64)| {
            let (case, head) = shown(plan, reported);
            let file = self.file(plan, reported);
            let text = plan.names.text(&case).to_string();
            let written = put(&file, &(head + &text));
            let file = written.map(|()| file).map_err(|Bad(why)| error.get_or_insert(why).clone());
            Found { reported: reported.clone(), seconds: *seconds, case, text, file: file.ok() }
        };
        let found = report.findings.iter().map(&mut of).collect();
        (found, error)
    }

    fn file(&self, plan: &Plan, found: &Reported) -> PathBuf {
        let folder = plan.case.bug.map_or(plan.case.variant.name(), Bug::id);
        let name = format!("{}-{:08x}.case", found.kind, found.hash >> 32);
        self.results.join(folder).join(name)
    }
}

/// The case of a finding, with a schedule that shows it where there is one, and what to say about it.
fn shown(plan: &Plan, found: &Reported) -> (Case, String) {
    let options = Options { policy: plan.policy, ..Options::of(&plan.case) };
    let shown = reproduce(&plan.case, &options, found.hash);
    let how = match shown {
        Some(_) => "`run` shows it under this schedule",
        None => "the schedule is the case's own and need not show it",
    };
    let mut case = shown.unwrap_or_else(|| plan.case.clone());
    case.config.policy = plan.policy;
    let head = format!("# {}: {}\n# Seen on OS threads; {how}.\n", found.kind, found.message);
    (case, head)
}

/// Writes a file and makes its folder.
fn put(file: &Path, text: &str) -> Result<(), Bad> {
    let folder = file.parent().unwrap_or(Path::new("."));
    files::make_folder(folder)?;
    Ok(files::write(file, text.as_bytes())?)
}

/// Runs a plan, with a line about it where somebody sits at the terminal.
fn run(plan: &Plan, stop: &AtomicBool) -> Report {
    let live = io::stderr().is_terminal();
    let progress = |report: &Report| {
        if live {
            let (variant, found) = (plan.case.variant.name(), report.findings.len());
            // Where stderr is gone, the line is lost.
            let _ = write!(io::stderr(), "\r{variant}: {} rounds, {found} findings", report.rounds);
        }
    };
    let report = stress::run(plan, stop, progress);
    if live {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    report
}

/// `stress-child`: what `stress` runs its rounds in.
pub fn child() -> Result<Done, Bad> {
    stress::child()?;
    Ok(Done::clean(String::new()))
}
