//! `variants`: what can be run.

use clap::Args;
use serde::Serialize;

use super::Done;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::report::json::Document;

/// List the protocol variants and the planted bugs, with their sources
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz variants")]
pub struct Arguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    variant: &'static str,
    release: &'static str,
    source: &'static str,
    summary: &'static str,
    known_bad: bool,
    bugs: Vec<BugEntry>,
}

#[derive(Serialize)]
struct BugEntry {
    bug: &'static str,
    summary: &'static str,
    source: &'static str,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Done {
        let entries: Vec<Entry> = Variant::ALL.into_iter().map(entry).collect();
        Done::clean(match self.json {
            true => Document::new(entries).text(),
            false => entries.iter().map(text).collect(),
        })
    }
}

fn entry(variant: Variant) -> Entry {
    let info = variant.info();
    let bugs = Bug::ALL.iter().filter(|bug| bug.variant() == variant);
    let bug = |bug: &Bug| BugEntry { bug: bug.id(), summary: bug.summary(), source: bug.source() };
    Entry {
        variant: info.name,
        release: info.release,
        source: info.source,
        summary: info.summary,
        known_bad: info.known_bad,
        bugs: bugs.map(bug).collect(),
    }
}

fn text(entry: &Entry) -> String {
    let Entry { variant, release, source, summary, known_bad, bugs } = entry;
    let known_bad = if *known_bad { ", known bad" } else { "" };
    let mut text = format!("{variant} ({release}{known_bad}): {summary}\n    {source}\n");
    for BugEntry { bug, summary, source } in bugs {
        text.push_str(&format!("    --bug {bug}: {summary}\n        {source}\n"));
    }
    text
}
