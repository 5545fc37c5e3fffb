//! The verdict of a run for people.

use std::fmt::Write;

use crate::case::Case;
use crate::oracle::Severity;
use crate::run::{Described, Ending, Finding, Outcome};

/// Verdict and findings of one run.
pub fn run(case: &Case, policy: &str, outcome: &Outcome, findings: &[Described]) -> String {
    let mut text = String::new();
    let bug = case.bug.map_or(String::new(), |bug| format!(" with bug {}", bug.id()));
    let ending = ending(outcome);
    let _ = writeln!(text, "{}{bug}, {policy}: {} ({ending})", case.variant.name(), sum(outcome));
    for (finding, described) in outcome.findings.iter().zip(findings) {
        text.push_str(&finding_text(finding, described));
    }
    text
}

fn sum(outcome: &Outcome) -> String {
    let violations = outcome.findings.iter().filter(|f| f.severity == Severity::Violation).count();
    match (violations, outcome.findings.len() - violations) {
        (0, 0) => "clean".to_string(),
        (0, documented) => format!("clean, {documented} documented"),
        (1, _) => "1 violation".to_string(),
        (violations, _) => format!("{violations} violations"),
    }
}

fn ending(outcome: &Outcome) -> String {
    let points = outcome.points;
    match outcome.ending {
        Ending::Finished => format!("finished after {points} scheduling points"),
        Ending::Stuck => format!("stuck after {points} scheduling points"),
        Ending::Bound => format!("cut by the bound of {points} scheduling points"),
    }
}

fn finding_text(finding: &Finding, described: &Described) -> String {
    let documented = match finding.severity {
        Severity::Violation => "",
        Severity::Documented => " (documented)",
    };
    let Described { message, signature, .. } = described;
    format!("\n{}{documented}: {message}\n    signature: {signature}\n", finding.kind.name())
}
