//! `case`: between the two forms of a case.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Bad, Done, load};
use kvm_lock_fuzz::case::files;
use kvm_lock_fuzz::report::json::Document;

/// Convert cases between the text form and the bytes that fuzzers read
#[derive(Subcommand)]
pub enum Command {
    Fmt(Fmt),
    Encode(Encode),
    Decode(Decode),
    Check(Check),
}

/// Print a case in its canonical text form (names of tasks stay, comments go)
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz case fmt corpus/protocol/seed-splat.case")]
pub struct Fmt {
    /// File of the case, in the text form or a fuzz artifact
    case: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Encode a case, or every `.case` of a folder, for a fuzzer's corpus
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz case encode corpus/protocol fuzz/corpus/protocol"
)]
pub struct Encode {
    /// A case in the text form, or a folder of them
    from: PathBuf,
    /// The file, or the folder, to write
    to: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Print the text form of a fuzz artifact
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz case decode fuzz/artifacts/protocol/crash-0123")]
pub struct Decode {
    /// File of the bytes
    case: PathBuf,
    /// Write the text there instead of to stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Check that files are cases in the text form
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz case check corpus/protocol/*.case")]
pub struct Check {
    /// Files
    #[arg(required = true)]
    cases: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoded: Option<usize>,
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        match self {
            Command::Fmt(fmt) => fmt.run(),
            Command::Encode(encode) => encode.run(),
            Command::Decode(decode) => decode.run(),
            Command::Check(check) => check.run(),
        }
    }
}

fn show(path: &Path, text: String, json: bool) -> Result<Done, Bad> {
    Ok(Done::clean(if json { document(path, Some(text), None) } else { text }))
}

fn document(path: &Path, case: Option<String>, encoded: Option<usize>) -> String {
    Document::new(vec![Entry { path: path.display().to_string(), case, encoded }]).text()
}

impl Fmt {
    fn run(self) -> Result<Done, Bad> {
        let (case, names) = load(&self.case)?;
        show(&self.case, names.text(&case).to_string(), self.json)
    }
}

impl Encode {
    fn run(self) -> Result<Done, Bad> {
        let encoded = if self.from.is_dir() {
            files::encode_folder(&self.from, &self.to)?
        } else {
            let case = files::load(&self.from)?;
            files::write(&self.to, &case.encode())?;
            1
        };
        let to = self.to.display();
        Ok(Done::clean(match self.json {
            true => document(&self.to, None, Some(encoded)),
            false => format!("{encoded} cases encoded to {to}\n"),
        }))
    }
}

impl Decode {
    fn run(self) -> Result<Done, Bad> {
        let text = files::load_binary(&self.case)?.to_string();
        match &self.output {
            Some(output) => {
                files::write(output, text.as_bytes())?;
                show(output, String::new(), self.json)
            }
            None => show(&self.case, text, self.json),
        }
    }
}

impl Check {
    fn run(self) -> Result<Done, Bad> {
        let mut entries = Vec::new();
        for path in &self.cases {
            let (case, names) = files::load_named(path)?;
            let case = Some(names.text(&case).to_string());
            entries.push(Entry { path: path.display().to_string(), case, encoded: None });
        }
        let number = entries.len();
        Ok(Done::clean(match self.json {
            true => Document::new(entries).text(),
            false => format!("{number} cases, all of them legal\n"),
        }))
    }
}
