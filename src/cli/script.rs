//! `lockdep encode` and `lockdep decode`: between event scripts and the bytes of the `lockdep` target.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Bad, Done};
use kvm_lock_fuzz::case::files;
use kvm_lock_fuzz::lockdep::script;
use kvm_lock_fuzz::report::json::Document;
use kvm_lock_fuzz::target::seeds::encode_scripts;

/// Encode event scripts for the corpus of the `lockdep` fuzz target, each into a file
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz lockdep encode corpus/lockdep fuzz/corpus/lockdep"
)]
pub struct Encode {
    /// A file of event scripts (JSON Lines), or a folder of them
    from: PathBuf,
    /// The folder to write; a file of it is named after the record's id
    to: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Print the event script of an artifact of the `lockdep` fuzz target, as `lockdep check` reads it
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz lockdep decode fuzz/artifacts/lockdep/crash-0123"
)]
pub struct Decode {
    /// File of the bytes
    artifact: PathBuf,
    /// The script is a line of JSON with or without it
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Encoded {
    path: String,
    encoded: usize,
}

impl Encode {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let encoded = encode_scripts(&self.from, &self.to)?;
        let path = self.to.display().to_string();
        Ok(Done::clean(match self.json {
            true => Document::new(vec![Encoded { path, encoded }]).text(),
            false => format!("{encoded} scripts encoded to {path}\n"),
        }))
    }
}

impl Decode {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let (decoded, raw_lock_nesting) = script::decode(&files::read(&self.artifact)?);
        let id = self.artifact.file_name().unwrap_or_default().to_string_lossy();
        Ok(Done::clean(decoded.record(&id, raw_lock_nesting) + "\n"))
    }
}
