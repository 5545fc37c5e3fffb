//! `run`: one case, one run for each variant asked for.

use clap::Args;

use super::chosen::{Chosen, Points};
use super::{Bad, Done};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::text::Names;
use kvm_lock_fuzz::explore::{Budget, Limits, Witness, predictions, witnesses_of};
use kvm_lock_fuzz::oracle::Severity;
use kvm_lock_fuzz::report::answers::{self, Answers};
use kvm_lock_fuzz::report::json::{self, Document, Entry, Verdict};
use kvm_lock_fuzz::report::text::{self, this_run};
use kvm_lock_fuzz::report::timeline::timeline;
use kvm_lock_fuzz::report::witness::Answer;
use kvm_lock_fuzz::run::causes::{self, Clue};
use kvm_lock_fuzz::run::{Described, Finding, Options, Runner, kernel_splat};

/// Run a case, in the text form or as a fuzz artifact, and give the verdict
///
/// A predicted cycle comes with its witness: this run or a short case that hangs as predicted, or that
/// none exists, or that none was found in 60,000 schedules or 100,000 states, which the answers of all
/// variants share; what one leaves, the next may take. `explore` looks farther.
#[derive(Args)]
#[command(after_help = "Example:\n  kvm-lock-fuzz run corpus/protocol/nested-behind-writer.case \
                        --variant all --trace")]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
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

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> Result<Done, Bad> {
        let mut runner = Runner::new();
        let options = |case: &Case| Options { recording: self.trace, ..self.points.options(case) };
        let (cases, names) = self.chosen.cases()?;
        let predicted = |case: &Case| {
            runner.run(case, &options(case));
            runner.inspect(predictions).len()
        };
        let answers: Vec<usize> = cases.iter().map(predicted).collect();
        let mut still: usize = answers.iter().sum();
        let mut budget = Budget::beyond(&Limits::brief());
        let one = |(case, answers): (Case, usize)| {
            let options = options(&case);
            let mut share = budget.share(answers, still);
            still -= answers;
            let ran = self.one(&mut runner, (case, &names), &options, &mut share);
            budget.settle(&share);
            ran
        };
        let ran: Vec<Ran> = cases.into_iter().zip(answers).map(one).collect();
        let found = ran.iter().any(|ran| ran.violated);
        let text = match self.json {
            true => Document::new(ran.into_iter().map(|ran| ran.verdict).collect()).text(),
            false => ran.into_iter().map(|ran| ran.text).collect::<Vec<_>>().join("\n"),
        };
        Ok(Done::found(text, found))
    }

    fn one(
        &self,
        runner: &mut Runner,
        (case, names): (Case, &Names),
        options: &Options,
        budget: &mut Budget,
    ) -> Ran {
        let tasks = names.of(&case);
        let outcome = runner.run(&case, options).clone();
        let witnesses = witnesses_of(runner, &case, &outcome.findings, budget);
        let words = outcome.findings.iter().map(|f| runner.describe_named(&tasks, f));
        let told: Vec<(Described, Option<Witness>)> = words.zip(witnesses).collect();
        let leads = leads(&outcome.findings, &case);
        let policy = options.policy.name();
        let mut text = text::run(&case, names, policy, &outcome, &told, &leads);
        let (taken, limits) = (budget.taken(), Limits::brief());
        text.extend(answers::cut(&taken, &limits));
        if self.splat {
            let splat = kernel_splat(&case, &tasks, options);
            text.push_str(
                &splat.unwrap_or_else(|| "\nno splat: the validator stays silent".to_owned()),
            );
        }
        let timeline = self.trace.then(|| timeline(&case, names, runner));
        text.extend(timeline.iter().map(|timeline| format!("\n{timeline}")));
        let entries =
            outcome.findings.iter().zip(told).map(|(f, told)| entry(f, told, &case, names));
        let mut entries: Vec<Entry> = entries.collect();
        for (i, lead) in leads.into_iter().enumerate() {
            entries[i].group = Some(entries[lead].signature.clone());
        }
        let violated = outcome.findings.iter().any(|f| f.severity == Severity::Violation);
        let verdict = json::run(&case, policy, &outcome, entries);
        let answers = Answers::of(&taken, &limits);
        Ran { text, violated, verdict: Verdict { timeline, answers, ..verdict } }
    }
}

/// A finding as JSON, with the answer if it predicts a cycle.
fn entry(
    finding: &Finding,
    told: (Described, Option<Witness>),
    case: &Case,
    names: &Names,
) -> Entry {
    let (words, witness) = told;
    let answer =
        witness.map(|witness| Answer::new(&witness, names, &|shown| this_run(case, shown)));
    Entry { witness: answer, ..Entry::new(finding, words, case, names) }
}

/// For each finding the one that stands for its cause.
fn leads(findings: &[Finding], case: &Case) -> Vec<usize> {
    // The runner of the findings is asked for a timeline later.
    let mut runner = Runner::new();
    let clue = |finding| Clue::of_run(finding, case, &mut runner);
    causes::leads(&findings.iter().map(clue).collect::<Vec<_>>())
}

struct Ran {
    text: String,
    verdict: Verdict,
    violated: bool,
}
