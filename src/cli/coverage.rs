//! `coverage`: what cases cover of the model.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::chosen::variants;
use super::{Bad, Done, load};
use kvm_lock_fuzz::case::{Case, files};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::report::json::Document;
use kvm_lock_fuzz::report::seen as report;
use kvm_lock_fuzz::seen::{Seen, Summary, Watcher};

/// Run cases, and say what of the model they cover
///
/// Counted are operations, places, steps (a call of a kernel function on a lock or word), lock-order
/// edges and alias pairs (a step of one task meets a step of another on one object), each with what no
/// case reached. How likely one more case shows a new pair is estimated as if the cases had been drawn at
/// random, and alike; a fuzzer's corpus holds only what was new, so that for it the estimate is too high.
#[derive(Args)]
#[command(after_help = "Examples:\n  kvm-lock-fuzz coverage corpus/protocol --variant all\n  \
                        kvm-lock-fuzz coverage corpus/protocol/two-vms.case --all")]
pub struct Arguments {
    /// Cases in the text form, fuzz artifacts, or folders of them
    #[arg(value_name = "CASE|FOLDER", required = true)]
    from: Vec<PathBuf>,
    /// Run every case in this variant, or in `all`, instead of its own (repeatable)
    #[arg(long, value_name = "VARIANT")]
    variant: Vec<String>,
    /// List the lock-order edges and alias pairs too
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let wanted = variants(&self.variant)?;
        let mut cases = Vec::new();
        for path in &self.from {
            cases.extend(all(path)?);
        }
        let (mut watcher, mut seen) = (Watcher::new(), BTreeMap::<usize, Seen>::new());
        for case in &cases {
            let own = [case.variant];
            let variants = if wanted.is_empty() { &own[..] } else { &wanted };
            for &variant in variants {
                let bug = case.bug.filter(|bug| bug.variant() == variant);
                let case = Case { variant, bug, ..case.clone() };
                seen.entry(variant as usize).or_default().observe(&mut watcher, &case);
            }
        }
        let summary = |(variant, seen): (usize, Seen)| seen.summary(Variant::ALL[variant]);
        let summaries: Vec<Summary> = seen.into_iter().map(summary).collect();
        Ok(Done::clean(match self.json {
            true => Document::new(summaries).text(),
            false => {
                let texts = summaries.iter().map(|summary| report::text(summary, self.all));
                texts.collect::<Vec<_>>().join("\n")
            }
        }))
    }
}

/// The case of a file, or those of a folder in the order of their names. A file of a folder is text
/// where its name ends in `.case`, and a fuzzer's input otherwise.
fn all(path: &Path) -> Result<Vec<Case>, Bad> {
    if !path.is_dir() {
        return Ok(vec![load(path)?.0]);
    }
    let unreadable = |error| format!("{}: {error}", path.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_file() && !hidden {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(format!("{}: no file in it; name a folder of cases", path.display()).into());
    }
    paths.sort();
    let text = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "case");
    let case = |path: PathBuf| {
        if text(&path) { files::load(&path) } else { files::load_binary(&path) }
    };
    Ok(paths.into_iter().map(case).collect::<Result<_, _>>()?)
}
