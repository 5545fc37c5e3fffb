//! `minimize`: the smallest case with the same finding.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Bad, Done, load};
use kvm_lock_fuzz::case::{self, Case};
use kvm_lock_fuzz::report::json::{Document, Entry};
use kvm_lock_fuzz::run::{Finding, Options, Runner};
use kvm_lock_fuzz::shrink::{self, Size};

/// Find the smallest case that shows the same finding
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz minimize fuzz/artifacts/protocol/crash-0123 \
                        --output small.case")]
pub struct Arguments {
    /// File of the case, in the text form or a fuzz artifact
    case: PathBuf,
    /// Signature to keep, as `run` prints it; without it the first violation's
    #[arg(long, value_name = "TEXT")]
    signature: Option<String>,
    /// Write the case there instead of to stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Minimized {
    operations_before: u32,
    bursts_before: u32,
    #[serde(flatten)]
    finding: Entry,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let case = load(&self.case)?;
        let finding = self.finding(&case)?;
        let options = Options::of(&case);
        let runs = shrink::MAX_RUNS;
        let small = shrink::minimize(&case, &options, finding.signature, &mut Runner::new(), runs);
        let text = small.to_string();
        if let Some(output) = &self.output {
            case::files::write(output, text.as_bytes())?;
        }
        Ok(Done::clean(match (self.json, self.output.is_some()) {
            (true, _) => Document::new(vec![minimized(&case, &small, &finding)]).text(),
            (false, true) => String::new(),
            (false, false) => text,
        }))
    }

    /// The finding to keep.
    fn finding(&self, case: &Case) -> Result<Finding, Bad> {
        let mut runner = Runner::new();
        let findings = runner.run(case, &Options::of(case)).findings.clone();
        let Some(wanted) = &self.signature else {
            let worst = findings.iter().min_by_key(|finding| finding.severity).copied();
            return worst.ok_or_else(|| self.nothing("any finding"));
        };
        let is_wanted = |finding: &&Finding| {
            runner.describe(finding).signature == *wanted
                || format!("{:016x}", finding.signature.0) == *wanted
        };
        findings.iter().find(is_wanted).copied().ok_or_else(|| self.nothing("that signature"))
    }

    fn nothing(&self, what: &str) -> Bad {
        let path = self.case.display();
        format!("{path}: the case does not show {what}; `run` lists what it shows").into()
    }
}

fn minimized(case: &Case, small: &Case, finding: &Finding) -> Minimized {
    let mut runner = Runner::new();
    let findings = runner.run(small, &Options::of(small)).findings.clone();
    let kept = findings.iter().find(|f| f.signature == finding.signature).unwrap_or(finding);
    Minimized {
        operations_before: Size::of(case).operations,
        bursts_before: Size::of(case).bursts,
        finding: Entry::new(kept, runner.describe_in(small, kept), small),
    }
}
