//! `lockdep`: the validator by itself.

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Bad, Done};
use kvm_lock_fuzz::lockdep;

/// The lock validator by itself
#[derive(Subcommand)]
pub enum Command {
    Check(Check),
}

/// Run event scripts (JSON Lines) through the validator: one JSON verdict a line
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz lockdep check --verify vectors.jsonl")]
pub struct Check {
    /// Files of event scripts
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Compare with the verdicts that the records carry
    #[arg(long)]
    verify: bool,
    /// Verdicts are JSON Lines with or without it
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let Command::Check(Check { files, verify, json: _ }) = self;
        let mut text = Vec::new();
        let code = lockdep::check::run(&files, verify, &mut text, &mut io::stderr());
        Ok(Done { text: String::from_utf8(text)?, code })
    }
}
