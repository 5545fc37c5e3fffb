//! The command line. A command turns its arguments into library calls and returns what stands on
//! stdout at the end, so that nothing but [`main`] prints there.

mod campaign;
mod case;
mod chosen;
mod coverage;
mod explore;
mod lockdep;
mod minimize;
mod run;
mod script;
mod stress;
mod variants;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::builder::styling::Styles;
use clap::error::ErrorKind as Usage;
use clap::{Parser, Subcommand};
use kvm_lock_fuzz::case::text::Names;
use kvm_lock_fuzz::case::{Case, files};
use kvm_lock_fuzz::quote;

/// Finds, explains and rules out lock-protocol bugs between KVM's MMU notifiers, memslot updates
/// and guest page faults.
#[derive(Parser)]
#[command(name = "kvm-lock-fuzz", version, styles = Styles::plain())]
#[command(
    after_help = "Exit code: 0 nothing found or done, 1 findings, 2 bad usage or input,\nor \
                        results that could not be written: what was found is printed all the same."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Campaign(campaign::Arguments),
    Run(run::Arguments),
    Explore(explore::Arguments),
    Minimize(minimize::Arguments),
    Stress(stress::Arguments),
    #[command(hide = true)]
    StressChild,
    Coverage(coverage::Arguments),
    #[command(hide = true)]
    CampaignWorker,
    Variants(variants::Arguments),
    #[command(subcommand)]
    Case(case::Command),
    #[command(subcommand)]
    Lockdep(lockdep::Command),
}

/// What a command has to say, and whether it found anything.
pub struct Done {
    /// For stdout.
    pub text: String,
    /// Exit code, 0 or 1 (2 where a part of the input was bad).
    pub code: u8,
    /// What went wrong although there is something to say: one line for stderr, and code 2.
    pub warning: Option<String>,
}

impl Done {
    /// Nothing was found.
    pub fn clean(text: String) -> Done {
        Done { text, code: 0, warning: None }
    }

    /// Code 1 if something was found.
    pub fn found(text: String, found: bool) -> Done {
        Done { text, code: found.into(), warning: None }
    }
}

/// Bad usage or bad input: one line.
pub struct Bad(String);

impl<E: Display> From<E> for Bad {
    fn from(error: E) -> Bad {
        Bad(error.to_string())
    }
}

/// Parses the arguments, runs the command, prints, and gives the exit code.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match arguments.command.run() {
        Ok(done) => match (print(&done.text, done.code), done.warning) {
            (code, None) => code,
            (_, Some(line)) => bad(&line),
        },
        Err(Bad(line)) => bad(&line),
    }
}

impl Command {
    fn run(self) -> Result<Done, Bad> {
        match self {
            Command::Campaign(arguments) => arguments.run(),
            Command::Run(arguments) => arguments.run(),
            Command::Explore(arguments) => arguments.run(),
            Command::Minimize(arguments) => arguments.run(),
            Command::Stress(arguments) => arguments.run(),
            Command::StressChild => stress::child(),
            Command::Coverage(arguments) => arguments.run(),
            Command::CampaignWorker => campaign::worker(),
            Command::Variants(arguments) => Ok(arguments.run()),
            Command::Case(command) => command.run(),
            Command::Lockdep(command) => command.run(),
        }
    }
}

/// Loads a case in either form, and the names of its tasks. An artifact of a fuzzer may begin with any byte, so its name has
/// to say that it is one.
pub fn load(path: &Path) -> Result<(Case, Names), Bad> {
    const ARTIFACTS: [&str; 5] = ["crash-", "timeout-", "oom-", "slow-unit-", "minimized-from-"];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match files::load_named(path) {
        Err(_) if ARTIFACTS.iter().any(|prefix| name.starts_with(prefix)) => {
            Ok((files::load_binary(path)?, Names::default()))
        }
        loaded => Ok(loaded?),
    }
}

/// Writes to stdout. A reader that went away is content with what it has.
fn print(text: &str, code: u8) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            bad(&format!("cannot write to stdout: {error}"))
        }
        _ => ExitCode::from(code),
    }
}

fn bad(line: &str) -> ExitCode {
    // Where stderr is gone too, the exit code has to do.
    let _ = writeln!(io::stderr(), "kvm-lock-fuzz: {}", quote::line(line));
    ExitCode::from(2)
}

/// Help and version go to stdout as they are; a usage error becomes one line.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if matches!(error.kind(), Usage::DisplayHelp | Usage::DisplayVersion) {
        return print(&text, 0);
    }
    if error.kind() == Usage::DisplayHelpOnMissingArgumentOrSubcommand {
        return bad("no command given; `kvm-lock-fuzz --help` lists them");
    }
    let message = text.split("\n\nUsage:").next().unwrap_or(&text);
    let message = message.split("\n\nFor more information").next().unwrap_or(message);
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = words.join(" ");
    bad(&format!("{}; see --help", line.trim_start_matches("error: ")))
}
