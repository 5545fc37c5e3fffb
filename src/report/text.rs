//! The verdict of a run for people.

use super::page::Page;
use crate::case::Case;
use crate::case::text::Names;
use crate::explore::Witness;
use crate::oracle::Severity;
use crate::run::{Described, Ending, Outcome};

/// Verdict and findings of one run, each with its words and, if it predicts a cycle, the answer. `leads`
/// has for each finding the index of the one that stands for its cause ([`crate::run::causes`]).
pub fn run(
    case: &Case,
    names: &Names,
    policy: &str,
    outcome: &Outcome,
    told: &[(Described, Option<Witness>)],
    leads: &[usize],
) -> String {
    let bug = case.bug.map_or(String::new(), |bug| format!(" with bug {}", bug.id()));
    let ending = ending(outcome);
    let headline = format!("{}{bug}, {policy}: {} ({ending})\n", case.variant.name(), sum(outcome));
    let own = |shown: &Case| this_run(case, shown);
    let mut page = Page::new(headline, names, &own);
    for i in by_cause(leads) {
        let (finding, (words, witness)) = (&outcome.findings[i], &told[i]);
        match leads[i] == i {
            true => page.finding(finding, words),
            false => page.symptom(finding, words),
        }
        if let Some(witness) = witness {
            page.witness(witness, finding.kind.name());
        }
    }
    page.finish()
}

/// The findings in their order, each symptom behind the one that stands for its cause.
pub(super) fn by_cause(leads: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..leads.len()).collect();
    order.sort_by_key(|&i| leads[i]);
    order
}

/// What the reports of the case's run call a case that is the same.
pub fn this_run(case: &Case, shown: &Case) -> Option<String> {
    (case == shown).then(|| "this run".to_string())
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
