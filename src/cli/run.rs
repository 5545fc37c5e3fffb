//! `run`: one case, one run for each variant asked for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Bad, Done, load};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::explore::{Limits, Witness, witness_of};
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::oracle::Severity;
use kvm_lock_fuzz::report::json::{self, Document, Entry, Verdict};
use kvm_lock_fuzz::report::text::{self, this_run};
use kvm_lock_fuzz::report::timeline::timeline;
use kvm_lock_fuzz::report::witness::Answer;
use kvm_lock_fuzz::run::{Described, Finding, Options, Runner, kernel_splat};

/// Run a case, in the text form or as a fuzz artifact, and give the verdict
#[derive(Args)]
#[command(
    after_help = "Example:\n  kvm-lock-fuzz run corpus/protocol/nested-split-queued-writer.case \
                        --variant all --trace"
)]
pub struct Arguments {
    /// File of the case
    case: PathBuf,
    /// Run this variant, or `all`, instead of the case's own (repeatable)
    #[arg(long, value_name = "VARIANT")]
    variant: Vec<String>,
    /// Run with this planted bug, in the variant that it belongs to
    #[arg(long, value_name = "ID", conflicts_with = "variant")]
    bug: Option<String>,
    /// Admission rule of every rwsem, instead of the case's own
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Which steps are scheduling points
    #[arg(long, value_name = "WHICH", default_value = "needed")]
    points: Points,
    /// Print the timeline of the run
    #[arg(long)]
    trace: bool,
    /// Print the validator's first report, after which a kernel's falls silent, in the form of the
    /// variant's release
    #[arg(long)]
    splat: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Points {
    /// Those between which the order can matter
    Needed,
    /// Every acquire, access and release
    All,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let case = load(&self.case)?;
        let policy = self.policy.as_deref().map(policy).transpose()?;
        let mut runner = Runner::new();
        let mut ran = Vec::new();
        let bug = self.bug.as_deref().map(bug).transpose()?;
        for case in cases(case, bug, &self.variant)? {
            let own = Options::of(&case);
            let policy = policy.unwrap_or(own.policy);
            let options = Options {
                policy,
                all_points: self.points == Points::All,
                recording: self.trace,
                ..own
            };
            ran.push(self.one(&mut runner, case, &options));
        }
        let found = ran.iter().any(|ran| ran.violated);
        let text = match self.json {
            true => Document::new(ran.into_iter().map(|ran| ran.verdict).collect()).text(),
            false => ran.into_iter().map(|ran| ran.text).collect::<Vec<_>>().join("\n"),
        };
        Ok(Done::found(text, found))
    }

    fn one(&self, runner: &mut Runner, case: Case, options: &Options) -> Ran {
        let outcome = runner.run(&case, options).clone();
        let limits = Limits::brief();
        let told = |f| (runner.describe_in(&case, f), witness_of(runner, &case, f, &limits));
        let told: Vec<(Described, Option<Witness>)> = outcome.findings.iter().map(told).collect();
        let policy = options.policy.name();
        let mut text = text::run(&case, policy, &outcome, &told);
        if self.splat {
            let splat = kernel_splat(&case, options);
            text.push_str(
                &splat.unwrap_or_else(|| "\nno splat: the validator stays silent".to_owned()),
            );
        }
        let timeline = self.trace.then(|| timeline(&case, runner));
        text.extend(timeline.iter().map(|timeline| format!("\n{timeline}")));
        let entries = outcome.findings.iter().zip(told).map(|(f, told)| entry(f, told, &case));
        let entries = entries.collect();
        let violated = outcome.findings.iter().any(|f| f.severity == Severity::Violation);
        let verdict = json::run(&case, policy, &outcome, entries);
        Ran { text, violated, verdict: Verdict { timeline, ..verdict } }
    }
}

/// A finding as JSON, with the answer if it predicts a cycle.
fn entry(finding: &Finding, told: (Described, Option<Witness>), case: &Case) -> Entry {
    let (words, witness) = told;
    let answer = witness.map(|witness| Answer::new(&witness, &|shown| this_run(case, shown)));
    Entry { witness: answer, ..Entry::new(finding, words, case) }
}

struct Ran {
    text: String,
    verdict: Verdict,
    violated: bool,
}

/// The case with that bug, or once for each of the variants; as it is where nothing is asked for.
pub fn cases(case: Case, bug: Option<Bug>, names: &[String]) -> Result<Vec<Case>, Bad> {
    if let Some(bug) = bug {
        return Ok(vec![Case { variant: bug.variant(), bug: Some(bug), ..case }]);
    }
    if names.is_empty() {
        return Ok(vec![case]);
    }
    let with = |variant| Case {
        variant,
        bug: case.bug.filter(|bug| bug.variant() == variant),
        ..case.clone()
    };
    Ok(variants(names)?.into_iter().map(with).collect())
}

/// The variants of these names, where `all` stands for every one.
pub fn variants(names: &[String]) -> Result<Vec<Variant>, Bad> {
    if names.iter().any(|name| name == "all") {
        return Ok(Variant::ALL.to_vec());
    }
    names.iter().map(|name| variant(name)).collect()
}

fn variant(name: &str) -> Result<Variant, Bad> {
    let known = Variant::ALL.map(Variant::name).join(", ");
    Variant::from_name(name)
        .ok_or_else(|| format!("no variant `{name}`; there are {known}, and all").into())
}

/// The planted bug of that id.
pub fn bug(id: &str) -> Result<Bug, Bad> {
    let known = Bug::ALL.iter().map(|bug| bug.id()).collect::<Vec<_>>().join(", ");
    Bug::from_id(id).ok_or_else(|| format!("no planted bug `{id}`; there are {known}").into())
}

/// The policy of that name.
pub fn policy(name: &str) -> Result<Policy, Bad> {
    let known = Policy::ALL.map(Policy::name).join(", ");
    Policy::from_name(name).ok_or_else(|| format!("no policy `{name}`; there are {known}").into())
}
