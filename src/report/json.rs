//! The JSON that other programs may rely on: one document, `{"format": 1, "results": [...]}`,
//! with one result per target and variant. Fields may be added within a format, never change.

use serde::Serialize;

use super::answers::Answers;
use super::explore::Shortest;
use super::witness::Answer;
use crate::campaign::results::Files;
use crate::campaign::{ArmReport, CrashFound, Engine, Found, Report};
use crate::case::Case;
use crate::case::text::Names;
use crate::explore::Witness;
use crate::oracle::Severity;
use crate::run::{Described, Ending, Finding, Outcome};
use crate::shrink::Size;

/// Version of the documents.
pub const FORMAT: u32 = 1;

/// A document: whatever a command has to say.
#[derive(Clone, Debug, Serialize)]
pub struct Document<T> {
    /// Always [`FORMAT`].
    pub format: u32,
    /// The contents.
    pub results: Vec<T>,
}

impl<T: Serialize> Document<T> {
    /// A document of these results.
    pub fn new(results: Vec<T>) -> Document<T> {
        Document { format: FORMAT, results }
    }

    /// Its text, one line ending included.
    pub fn text(&self) -> String {
        text(self)
    }
}

/// Any value as indented JSON with a line ending.
pub fn text(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value);
    text.expect("keys are strings and numbers are finite") + "\n"
}

/// What one target found in one variant.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The fuzz target whose property this is.
    pub target: String,
    /// The protocol variant; null for targets that have none.
    pub variant: Option<&'static str>,
    /// The rwsem policy; null where each case brings its own.
    pub policy: Option<&'static str>,
    /// `clean` or `violation`; `incomplete` where a target did not do its work and found nothing
    /// (`campaign`).
    pub verdict: &'static str,
    /// All schedules were tried.
    pub exhausted: bool,
    /// What stopped the search, or kept a target from its work; null where nothing did.
    pub bound: Option<String>,
    /// Schedules tried.
    pub schedules: u64,
    /// One for each signature.
    pub findings: Vec<Entry>,
    /// The planted bug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bug: Option<&'static str>,
    /// Whether the planted bug showed (campaigns over planted bugs).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bug_found: Option<bool>,
    /// How the run ended (`run`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending: Option<&'static str>,
    /// The timeline (`run --trace`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<String>,
    /// Instrumented edges of the target (`campaign`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edges: Option<u64>,
    /// What the searches for the answers took (`run`, `explore`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// What ran `protocol`'s cases (`campaign`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engines: Option<[Share; 2]>,
}

/// What one engine did of an arm's executions.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Share {
    /// `random` or `guided`.
    pub engine: &'static str,
    /// Its executions.
    pub executions: u64,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The property; `crash`, `timeout` or `oom` where an input ended a target.
    pub kind: &'static str,
    /// `violation` or `documented`.
    pub severity: &'static str,
    /// Identity across runs.
    pub signature: String,
    /// Lock classes and waits, by lockdep's names.
    pub classes: Vec<String>,
    /// One line: what happened.
    pub message: String,
    /// Signature of the finding that stands for its cause, which may be itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Full text of the case that shows it; null where the input is no case.
    pub case: Option<String>,
    /// Operations of the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<u32>,
    /// Bursts of the case's schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bursts: Option<u32>,
    /// Seconds of fuzzing before it (`campaign`; absent where an earlier campaign found it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The engine that had it first, `random` or `guided` (`campaign`; absent like `seconds`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<&'static str>,
    /// The file of the case, or the input that ended the target (`campaign`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How short the case is (`explore`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortest: Option<Shortest>,
    /// Of a predicted cycle: whether it really hangs (`run`, `explore`, `campaign`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Answer>,
}

impl Entry {
    /// A finding of a run; its tasks go by `names`.
    pub fn new(finding: &Finding, described: Described, case: &Case, names: &Names) -> Entry {
        Entry::explored(finding, described, Some(case), names)
    }

    /// A finding of a search, and its case where a single run shows it.
    pub fn explored(
        finding: &Finding,
        described: Described,
        case: Option<&Case>,
        names: &Names,
    ) -> Entry {
        let size = case.map(Size::of);
        Entry {
            kind: finding.kind.name(),
            severity: finding.severity.name(),
            signature: described.signature,
            classes: described.classes,
            message: described.message,
            group: None,
            case: case.map(|case| names.text(case).to_string()),
            operations: size.map(|size| size.operations),
            bursts: size.map(|size| size.bursts),
            seconds: None,
            engine: None,
            file: None,
            shortest: None,
            witness: None,
        }
    }

    /// A finding of a campaign, and the files of its cases.
    pub fn found(found: &Found, files: &Files) -> Entry {
        let name = |case: &Case| files.name(found, case);
        let derived = Names::default();
        let answer = |witness: &Witness| Answer {
            file: witness.shown().and_then(name),
            ..Answer::new(witness, &derived, &name)
        };
        Entry {
            seconds: found.first.map(|first| rounded(first.seconds)),
            engine: found.first.map(|first| first.engine.name()),
            file: name(&found.case),
            witness: found.witness.as_ref().map(answer),
            ..Entry::new(&found.finding, found.described.clone(), &found.case, &derived)
        }
    }

    /// An input that ended a target.
    fn crash(target: &str, found: &CrashFound) -> Entry {
        let crash = &found.crash;
        Entry {
            kind: crash.kind,
            severity: Severity::Violation.name(),
            signature: format!("{} of {target} at {}", crash.kind, crash.place),
            classes: Vec::new(),
            message: crash.message.clone(),
            group: None,
            case: None,
            operations: None,
            bursts: None,
            seconds: found.first.map(|first| rounded(first.seconds)),
            engine: found.first.map(|first| first.engine.name()),
            file: Some(crash.artifact.display().to_string()),
            shortest: None,
            witness: None,
        }
    }
}

/// The verdict over one run of a case.
pub fn run(case: &Case, policy: &'static str, outcome: &Outcome, findings: Vec<Entry>) -> Verdict {
    Verdict {
        target: "protocol".to_string(),
        variant: Some(case.variant.name()),
        policy: Some(policy),
        verdict: verdict(outcome.findings.iter().any(|f| f.severity == Severity::Violation)),
        exhausted: false,
        bound: Some(run_bound(outcome.ending)),
        schedules: 1,
        findings,
        bug: case.bug.map(|bug| bug.id()),
        bug_found: None,
        ending: Some(ending(outcome.ending)),
        timeline: None,
        edges: None,
        answers: None,
        engines: None,
    }
}

/// The verdict over the schedules of a case's programs; its bounds and counts are to be filled in.
pub fn explored(
    case: &Case,
    policy: &'static str,
    violated: bool,
    findings: Vec<Entry>,
) -> Verdict {
    Verdict {
        target: "explore".to_string(),
        variant: Some(case.variant.name()),
        policy: Some(policy),
        verdict: verdict(violated),
        exhausted: false,
        bound: None,
        schedules: 0,
        findings,
        bug: case.bug.map(|bug| bug.id()),
        bug_found: None,
        ending: None,
        timeline: None,
        edges: None,
        answers: None,
        engines: None,
    }
}

fn run_bound(ending: Ending) -> String {
    match ending {
        Ending::Bound => "the bound on scheduling points".to_string(),
        Ending::Finished | Ending::Stuck => "the case's one schedule".to_string(),
    }
}

/// The word for how a run ended.
pub fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Finished => "finished",
        Ending::Stuck => "stuck",
        Ending::Bound => "bound",
    }
}

fn verdict(violated: bool) -> &'static str {
    if violated { "violation" } else { "clean" }
}

/// The document of a campaign. `files` names the files of a finding.
pub fn campaign(report: &Report, files: impl Fn(&ArmReport, &Found) -> Files) -> Document<Verdict> {
    let seconds = report.time.as_secs_f64();
    let bound = match (report.interrupted, &report.failure, report.runs) {
        (_, Some(error), _) => format!("stopped after {seconds:.0} s: {error}"),
        (true, None, _) => format!("interrupted after {seconds:.0} s"),
        (false, None, Some(runs)) => format!("{runs} random cases"),
        (false, None, None) => format!("{seconds:.0} s"),
    };
    let verdicts = report.arms.iter().map(|arm| Verdict {
        target: arm.target.to_string(),
        variant: arm.variant.map(|variant| variant.name()),
        policy: None,
        verdict: arm_verdict(arm),
        exhausted: false,
        bound: Some(arm.incomplete.as_ref().unwrap_or(&bound).clone()),
        schedules: arm.executions,
        findings: entries(arm, &files),
        bug: arm.bug.map(|bug| bug.id()),
        bug_found: arm.bug.map(|_| arm.bug_found()),
        ending: None,
        timeline: None,
        edges: Some(arm.edges),
        answers: None,
        engines: engines(arm),
    });
    Document::new(verdicts.collect())
}

/// The engines of an arm that runs cases.
fn engines(arm: &ArmReport) -> Option<[Share; 2]> {
    let share = |engine: Engine, executions| Share { engine: engine.name(), executions };
    arm.variant.map(|_| {
        let guided = arm.executions - arm.drawn;
        [share(Engine::Random, arm.drawn), share(Engine::Guided, guided)]
    })
}

fn arm_verdict(arm: &ArmReport) -> &'static str {
    match arm.violations().next().is_some() || !arm.crashes.is_empty() {
        false if arm.incomplete.is_some() => "incomplete",
        violated => verdict(violated),
    }
}

fn entries(arm: &ArmReport, files: impl Fn(&ArmReport, &Found) -> Files) -> Vec<Entry> {
    let group = |lead: usize| Some(arm.findings[lead].described.signature.clone());
    let leads = arm.leads();
    let findings = arm.findings.iter().zip(&leads).map(|(found, &lead)| Entry {
        group: group(lead),
        ..Entry::found(found, &files(arm, found))
    });
    let crashes = arm.crashes.iter().map(|crash| Entry::crash(arm.target, crash));
    findings.chain(crashes).collect()
}

/// Seconds to the millisecond.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
