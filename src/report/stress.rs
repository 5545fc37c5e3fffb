//! What a case did on OS threads, for people and as JSON.

use std::fmt::Write;
use std::path::PathBuf;

use super::json::{Entry, Verdict};
use crate::case::Case;
use crate::machine::Policy;
use crate::oracle::{Kind, Severity};
use crate::quote;
use crate::shrink::Size;
use crate::stress::{Report, Reported};

/// A finding, and the file of its case.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was found.
    pub reported: Reported,
    /// Seconds before it.
    pub seconds: f64,
    /// The case that shows it.
    pub case: Case,
    /// Its text.
    pub text: String,
    /// Where it was written; none where that failed.
    pub file: Option<PathBuf>,
}

/// Verdict and findings for people.
pub fn text(case: &Case, policy: Policy, report: &Report, found: &[Found]) -> String {
    let mut text = case.variant.name().to_string();
    text.extend(case.bug.map(|bug| format!(" with bug {}", bug.id())));
    let seconds = report.time.as_secs_f64();
    let rate = report.rounds as f64 / seconds.max(1e-3);
    let _ = write!(text, ", {} on threads: {} (", policy.name(), sum(report));
    let _ = writeln!(text, "{}; {} rounds, {rate:.0} rounds/s)", ending(report), report.rounds);
    for Found { reported, seconds, text: case, file, .. } in found {
        let Reported { kind, message, signature, .. } = reported;
        let documented = if is_violation(reported) { "" } else { " (documented)" };
        let _ = writeln!(text, "\n{kind}{documented}: {message}\n    signature: {signature}");
        let _ = match file {
            Some(file) => writeln!(text, "    after {seconds:.2} s; case: {}", quote::path(file)),
            None => {
                let lines = case.replace('\n', "\n    ");
                writeln!(text, "    after {seconds:.2} s; case:\n    {}", lines.trim_end())
            }
        };
    }
    for crash in &report.crashes {
        let _ = writeln!(text, "\ncrash: {crash}");
    }
    text
}

fn is_violation(reported: &Reported) -> bool {
    reported.severity == Severity::Violation.name()
}

fn sum(report: &Report) -> String {
    let violations = report.findings.iter().filter(|(found, _)| is_violation(found)).count();
    let documented = report.findings.len() - violations;
    let mut parts = Vec::new();
    match (violations, report.crashes.len()) {
        (0, 0) if report.failed.is_some() => parts.push("incomplete".to_string()),
        (0, 0) => parts.push("clean".to_string()),
        (0, _) => parts.push("crashed".to_string()),
        (1, _) => parts.push("1 violation".to_string()),
        _ => parts.push(format!("{violations} violations")),
    }
    if documented > 0 {
        parts.push(format!("{documented} documented"));
    }
    parts.join(", ")
}

fn ending(report: &Report) -> String {
    let seconds = report.time.as_secs_f64();
    match (report.hung, &report.failed) {
        (Some(hung), _) => format!("hung after {:.2} s", hung.as_secs_f64()),
        (None, Some(why)) => format!("{why}, after {seconds:.1} s"),
        (None, None) if report.interrupted => format!("interrupted after {seconds:.1} s"),
        (None, None) => format!("{seconds:.1} s"),
    }
}

/// The same as JSON.
pub fn verdict(case: &Case, policy: Policy, report: &Report, found: Vec<Found>) -> Verdict {
    let crashes = report.crashes.iter().map(|crash| crashed(crash, case));
    Verdict {
        target: "protocol".to_string(),
        variant: Some(case.variant.name()),
        policy: Some(policy.name()),
        verdict: match (report.is_bad(), &report.failed) {
            (true, _) => "violation",
            (false, Some(_)) => "incomplete",
            (false, None) => "clean",
        },
        exhausted: false,
        bound: Some(ending(report)),
        schedules: report.rounds,
        findings: found.into_iter().map(entry).chain(crashes).collect(),
        bug: case.bug.map(|bug| bug.id()),
        bug_found: None,
        ending: Some(if report.hung.is_some() { "stuck" } else { "finished" }),
        timeline: None,
        edges: None,
        answers: None,
        engines: None,
    }
}

fn entry(found: Found) -> Entry {
    let Found { reported, seconds, case, text, file } = found;
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let violation = is_violation(&reported);
    Entry {
        kind: kinds.into_iter().find(|kind| *kind == reported.kind).unwrap_or("unknown"),
        severity: if violation { Severity::Violation } else { Severity::Documented }.name(),
        signature: reported.signature,
        classes: reported.classes,
        message: reported.message,
        group: None,
        operations: Some(Size::of(&case).operations),
        bursts: Some(Size::of(&case).bursts),
        case: Some(text),
        seconds: Some((seconds * 1e3).round() / 1e3),
        engine: None,
        file: file.map(|file| file.display().to_string()),
        shortest: None,
        witness: None,
    }
}

/// A child that died.
fn crashed(message: &str, case: &Case) -> Entry {
    Entry {
        kind: "crash",
        severity: Severity::Violation.name(),
        signature: format!("crash of stress in {}", case.variant.name()),
        classes: Vec::new(),
        message: message.to_string(),
        group: None,
        case: Some(case.to_string()),
        operations: None,
        bursts: None,
        seconds: None,
        engine: None,
        file: None,
        shortest: None,
        witness: None,
    }
}
