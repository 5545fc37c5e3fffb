//! `minimize`: the smallest case with the same finding.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::chosen::Chosen;
use super::{Bad, Done};
use kvm_lock_fuzz::case::text::Names;
use kvm_lock_fuzz::case::{self, Case};
use kvm_lock_fuzz::oracle::worst;
use kvm_lock_fuzz::report::json::{Document, Entry};
use kvm_lock_fuzz::run::{Finding, Options, Runner};
use kvm_lock_fuzz::shrink::{self, Size};
use kvm_lock_fuzz::target::collect;

/// Find the smallest case that shows the same finding
///
/// Without --signature the worst finding is kept: a hang (deadlock, lost-wakeup, livelock) before
/// memory that is not the guest's (use-after-free, stale-mapping), a broken invariant, a predicted
/// cycle (irq-order, recursive-lock, lock-order) and starvation; of equals the first.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kvm-lock-fuzz minimize corpus/protocol/nested-behind-writer.case\n  \
                        kvm-lock-fuzz minimize fuzz/artifacts/protocol/crash-0123 --bug B11 \
                        --output small.case"
)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Finding to keep: its signature as `run` prints it, or eight or more digits of its hash, as
    /// names of files have it
    #[arg(long, value_name = "TEXT|HASH")]
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
        let (case, names) = self.chosen.one()?;
        let finding = self.finding(&case)?;
        let options = Options::of(&case);
        let runs = shrink::MAX_RUNS;
        let small = shrink::minimize(&case, &options, finding.signature, &mut Runner::new(), runs);
        let names = names.kept(&small.case, &small.tasks);
        let small = small.case;
        let text = names.text(&small).to_string();
        if let Some(output) = &self.output {
            case::files::write(output, text.as_bytes())?;
        }
        Ok(Done::clean(match (self.json, self.output.is_some()) {
            (true, _) => Document::new(vec![minimized(&case, (&small, &names), &finding)]).text(),
            (false, true) => String::new(),
            (false, false) => text,
        }))
    }

    /// The finding to keep.
    fn finding(&self, case: &Case) -> Result<Finding, Bad> {
        let mut runner = Runner::new();
        let findings = runner.run(case, &Options::of(case)).findings.clone();
        let kept = match &self.signature {
            None => worst(&findings),
            Some(wanted) => findings.iter().find(|finding| {
                is_hash(wanted, finding) || runner.describe(finding).signature == *wanted
            }),
        };
        kept.copied().ok_or_else(|| self.nothing(&runner, &findings))
    }

    /// The case shows nothing, or nothing of that signature.
    fn nothing(&self, runner: &Runner, findings: &[Finding]) -> Bad {
        let path = self.chosen.file.display();
        let Some(wanted) = self.signature.as_ref().filter(|_| !findings.is_empty()) else {
            let mend =
                "`run` shows it with the --variant, --bug and --policy that it was found with";
            return format!("{path}: the case does not show any finding; {mend}").into();
        };
        let one = |finding: &Finding| {
            let name = collect::file_name(finding.kind, finding.signature);
            format!("{name} ({})", runner.describe(finding).signature)
        };
        let all = findings.iter().map(one).collect::<Vec<_>>().join(", ");
        format!("{path}: the case does not show {wanted:?}; it shows {all}").into()
    }
}

/// Digits of a signature's hash that are enough to name it: what names of files have at least.
const DIGITS: usize = 8;

/// Whether the word is the finding's hash or its first digits, with or without the kind before.
fn is_hash(word: &str, finding: &Finding) -> bool {
    let name = collect::file_name(finding.kind, finding.signature);
    let hash = name.rsplit('-').next().unwrap_or_default();
    let digits = word.rsplit('-').next().unwrap_or_default();
    digits.len() >= DIGITS
        && hash.starts_with(digits)
        && (digits.len() == word.len() || name.starts_with(word))
}

fn minimized(case: &Case, (small, names): (&Case, &Names), finding: &Finding) -> Minimized {
    let mut runner = Runner::new();
    let findings = runner.run(small, &Options::of(small)).findings.clone();
    let kept = findings.iter().find(|f| f.signature == finding.signature).unwrap_or(finding);
    Minimized {
        operations_before: Size::of(case).operations,
        bursts_before: Size::of(case).bursts,
        finding: Entry::new(kept, runner.describe_named(&names.of(small), kept), small, names),
    }
}
