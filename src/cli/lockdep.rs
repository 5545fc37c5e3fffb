//! `lockdep`: the validator by itself.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Bad, Done, script};
use kvm_lock_fuzz::lockdep::check::{
    self, Bounds, Lines, MAX_FILE, MAX_LINE, Next, Record, read_record, report_json,
};
use kvm_lock_fuzz::lockdep::script::{Outcome, run as run_script};
use kvm_lock_fuzz::lockdep::{Config, Form, Mode, Report, picture};
use kvm_lock_fuzz::quote;

/// The lock validator by itself
#[derive(Subcommand)]
pub enum Command {
    Check(Check),
    Show(Show),
    Encode(script::Encode),
    Decode(script::Decode),
}

/// Run event scripts (JSON Lines) through the validator: one JSON verdict a line
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz lockdep check --verify tests/vectors/lockdep/seed.jsonl"
)]
pub struct Check {
    /// Files of event scripts, `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Compare with the verdicts that the records carry
    #[arg(long)]
    verify: bool,
    /// Verdicts are JSON Lines with or without it
    #[arg(long)]
    json: bool,
}

/// Show what the validator makes of one event script: reports as text or JSON, or the graph
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz lockdep show tests/vectors/lockdep/seed.jsonl --id seed/as_reported --as svg"
)]
pub struct Show {
    /// File of event scripts, `-` for standard input
    file: PathBuf,
    /// The record to show; the first of the file unless said
    #[arg(long)]
    id: Option<String>,
    /// What to print
    #[arg(long = "as", value_name = "FORM", default_value = "6.1")]
    form: Picture,
    /// All reports, none missed, instead of the kernel's first one
    #[arg(long)]
    complete: bool,
    /// The same as `--as json`
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Picture {
    /// Text as Linux 6.1 prints it
    #[value(name = "6.1")]
    V6_1,
    /// Text as 5.11 to 5.14 print it
    #[value(name = "5.12")]
    V5_12,
    /// The reports as one JSON document
    Json,
    /// The graph for Graphviz, the first report's cycle marked
    Dot,
    /// The graph as a picture, the first report's cycle marked
    Svg,
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        match self {
            Command::Check(check) => check.run(),
            Command::Show(show) => show.run(),
            Command::Encode(encode) => encode.run(),
            Command::Decode(decode) => decode.run(),
        }
    }
}

impl Check {
    /// Prints as it goes: files may be long.
    fn run(self) -> Result<Done, Bad> {
        let mut stdout = BufWriter::new(io::stdout().lock());
        let code = check::run(&self.files, self.verify, &mut stdout, &mut io::stderr());
        // A reader that has gone wants nothing more.
        let _ = stdout.flush();
        Ok(Done { text: String::new(), code, warning: None })
    }
}

impl Show {
    fn run(self) -> Result<Done, Bad> {
        let record = self.record()?;
        let mode = if self.complete { Mode::Complete } else { Mode::Kernel };
        let config = Config { mode, raw_lock_nesting: record.raw_lock_nesting };
        let mut outcome = run_script(&record.script, config);
        outcome.lockdep.finish();
        let found = !outcome.lockdep.reports().is_empty();
        Ok(Done::found(self.page(&record, &outcome), found))
    }

    fn page(&self, record: &Record, outcome: &Outcome) -> String {
        let reports = outcome.lockdep.reports();
        let text = |form: Form| {
            let one = |report: &Report| outcome.text(&record.script, report, form);
            // Names are the script's, and stand between the line breaks of the text.
            quote::page(&reports.iter().map(one).collect::<Vec<_>>().join("\n")).into_owned()
        };
        match self.form {
            _ if self.json => json(outcome),
            Picture::Json => json(outcome),
            Picture::V6_1 => text(Form::V6_1),
            Picture::V5_12 => text(Form::V5_12),
            Picture::Dot => picture::dot(&outcome.lockdep, reports.first()),
            Picture::Svg => picture::svg(&outcome.lockdep, reports.first()),
        }
    }

    /// The record asked for; what is wrong with others does not matter.
    fn record(&self) -> Result<Record, Bad> {
        let file = self.file.display();
        let unreadable = |e: io::Error| format!("{file}: cannot read: {e}; name a JSON Lines file");
        let reader = check::open(&self.file).map_err(unreadable)?;
        let mut lines = Lines::new(reader, Bounds::default());
        let mut bad = None;
        loop {
            let read = match lines.next_line().map_err(unreadable)? {
                Next::Line(_, line) => read_record(line, false).map_err(|e| e.to_string()),
                Next::TooLong(n) => Err(format!("line {n} is over {MAX_LINE} bytes, split it")),
                Next::TooLarge => {
                    return Err(format!("{file}: over {MAX_FILE} bytes, split the file").into());
                }
                Next::End => break,
            };
            match (read, &self.id) {
                (Ok(record), Some(id)) if record.id != *id => {}
                (Ok(record), _) => return Ok(record),
                (Err(error), None) => return Err(format!("{file}: {error}").into()),
                (Err(error), Some(_)) => bad = Some(error),
            }
        }
        let damaged = bad.map_or(String::new(), |error| format!(" (and one is damaged: {error})"));
        let wanted = self.id.as_deref().unwrap_or("at all");
        Err(format!("{file}: no record {wanted}{damaged}; `lockdep check` lists the ids").into())
    }
}

fn json(outcome: &Outcome) -> String {
    let reports = outcome.lockdep.reports().iter();
    // As text at once: reports can have thousands of classes each, whose values take much more.
    let all: Vec<_> =
        reports.map(|report| report_json(&outcome.lockdep, report).to_string()).collect();
    format!("{{\"format\":1,\"reports\":[{}]}}\n", all.join(","))
}
