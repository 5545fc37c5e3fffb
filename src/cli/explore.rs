//! `explore`: every schedule of a case's programs.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;

use super::campaign::interrupt;
use super::chosen::{Chosen, Points};
use super::{Bad, Done};
use kvm_lock_fuzz::case::{Case, files};
use kvm_lock_fuzz::explore::session::{self, Plan, Searched};
use kvm_lock_fuzz::explore::{Bytes, MAX_MEMORY};
use kvm_lock_fuzz::report::explore as report;
use kvm_lock_fuzz::report::json::Document;

/// Search every schedule of a case's programs, and give the verdict of each variant
///
/// The case's own schedule is ignored. Schedules that differ only in the order of steps that commute
/// are one, and what comes after a state that is known is not run again, so "exhausted" holds for
/// every schedule (modulo 128 bits that tell states apart). Each finding comes with its shortest case,
/// each predicted cycle with a case that really hangs or with why there is none.
///
/// Exit code: 1 for a violation. Ctrl-C prints what holds so far.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kvm-lock-fuzz explore corpus/protocol/nested-behind-writer.case --variant all\n  \
                        kvm-lock-fuzz explore corpus/protocol/two-vms.case --seconds 600 --resume two-vms.state"
)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Which steps are scheduling points
    #[arg(long, value_name = "WHICH", default_value = "needed")]
    points: Points,
    /// Only schedules with so many switches away from a task that could go on, or fewer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=254))]
    max_preemptions: Option<u8>,
    /// Stop a variant's search after so many schedules (more, with --resume)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_schedules: Option<u64>,
    /// Stop a variant's search at so many states
    #[arg(long, value_name = "N", default_value_t = MAX_STATES, value_parser = clap::value_parser!(u32).range(1..))]
    max_states: u32,
    /// Stop a variant's search before it takes more memory by its own count; as many as --workers run at a
    /// time. The default is the same on every machine
    #[arg(long, value_name = "SIZE", default_value_t = Bytes(MAX_MEMORY), value_parser = memory)]
    max_memory: Bytes,
    /// End the searches for the answers (witnesses of predicted cycles, policies that hang) at so many
    /// states, all those of a variant together
    #[arg(long, value_name = "N", default_value_t = MAX_ANSWER_STATES, value_parser = clap::value_parser!(u32).range(1..))]
    max_answer_states: u32,
    /// Stop after so many seconds, all variants together; witnesses may take as long again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    seconds: Option<u64>,
    /// Variants searched at a time; without it one for each core. The result is the same
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Go on with the search that was written there, or begin one; what stops before it is exhausted
    /// is written there, and every half minute
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write the case of every finding into this folder instead of printing it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// States that take about 1.3 GiB.
const MAX_STATES: u32 = 20_000_000;
/// States of answers that take some seconds and less than 200 MiB.
const MAX_ANSWER_STATES: u32 = 2_000_000;
/// The least memory that is worth a search.
const LEAST_MEMORY: Bytes = Bytes(1 << 20);

fn memory(text: &str) -> Result<Bytes, String> {
    let bytes: Bytes = text.parse()?;
    if bytes < LEAST_MEMORY { Err(format!("less than {LEAST_MEMORY}")) } else { Ok(bytes) }
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let plan = self.plan()?;
        if let Some(out) = &self.out {
            writable(out)?;
        }
        let stop = interrupt()?;
        let searched = session::run(&plan, stop)?;
        let (names, unwritten) = self.write(&searched);
        let file = |case: &Case| names.get(&case.to_string()).cloned();
        let text = match self.json {
            true => {
                Document::new(searched.iter().map(|one| report::json(one, &file)).collect()).text()
            }
            false => {
                searched.iter().map(|one| report::text(one, &file)).collect::<Vec<_>>().join("\n")
            }
        };
        let unsaved = searched.iter().find_map(|one| one.unsaved.clone());
        let done = Done::found(text, searched.iter().any(report::violated));
        Ok(Done { warning: unwritten.or(unsaved), ..done })
    }

    fn plan(&self) -> Result<Plan, Bad> {
        let with = |case: Case| {
            let options = self.points.options(&case);
            (case, options)
        };
        let cores = || thread::available_parallelism().map_or(1, |cores| cores.get());
        let (cases, names) = self.chosen.cases()?;
        Ok(Plan {
            names,
            cases: cases.into_iter().map(with).collect(),
            max_preemptions: self.max_preemptions,
            max_schedules: self.max_schedules,
            max_states: self.max_states as usize,
            max_memory: self.max_memory,
            max_answer_states: self.max_answer_states as usize,
            time: self.seconds.map(Duration::from_secs),
            workers: self.workers.map_or_else(cores, |workers| workers as usize),
            resume: self.resume.clone(),
        })
    }

    /// Writes every case that is shown, if they are wanted: the names by the text of the case, and the
    /// first error. What could not be written has no name, and is printed.
    fn write(&self, searched: &[Searched]) -> (HashMap<String, String>, Option<String>) {
        let (mut names, mut error) = (HashMap::new(), None);
        let Some(out) = &self.out else { return (names, error) };
        // It was there when the search began.
        _ = std::fs::create_dir_all(out);
        for (name, case, text) in searched.iter().flat_map(cases_of) {
            let key = case.to_string();
            if names.contains_key(&key) {
                continue;
            }
            let path = out.join(name);
            match files::write(&path, text.as_bytes()) {
                Ok(()) => _ = names.insert(key, path.display().to_string()),
                Err(why) => _ = error.get_or_insert(why.to_string()),
            }
        }
        (names, error)
    }
}

/// The cases that a search shows, names for their files, and their texts.
fn cases_of(searched: &Searched) -> Vec<(String, &Case, String)> {
    let variant = searched.options.variant.name();
    let text = |case| searched.names.text(case).to_string();
    let mut cases = Vec::new();
    for shown in &searched.shown.findings {
        let name = |what: &str| {
            let (kind, signature) = (shown.finding.kind.name(), shown.finding.signature.0);
            format!("{variant}-{kind}{what}-{signature:016x}.case")
        };
        cases.extend(shown.short.as_ref().map(|short| (name(""), &short.case, text(&short.case))));
        cases.extend(
            shown
                .witness
                .as_ref()
                .and_then(|w| w.shown())
                .map(|case| (name("-hangs"), case, text(case))),
        );
    }
    cases
}

/// Makes the folder, and sees that files can be written there.
fn writable(folder: &std::path::Path) -> Result<(), Bad> {
    let probe = folder.join(format!(".{}.part", std::process::id()));
    let tried = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&probe, ""));
    let tried = tried.and_then(|()| std::fs::remove_file(&probe));
    let mend = |error: &std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "; --out wants a folder",
        kind => files::mend(kind),
    };
    tried.map_err(|error| format!("{}: {error}{}", folder.display(), mend(&error)).into())
}
