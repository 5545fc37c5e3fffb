//! Which findings are symptoms of one cause, as far as that can be computed.
//!
//! A bug in here would be two causes in one group, so that the second is not looked at; a cause in two
//! groups costs a reader time only, and where nothing is known each finding stands for itself.

use super::{Finding, Options, Runner};
use crate::case::Case;
use crate::oracle::{Severity, Signature};

/// What is known of the cause of a finding.
#[derive(Clone, Debug)]
pub struct Clue {
    /// The finding.
    pub signature: Signature,
    /// How bad it is.
    pub severity: Severity,
    /// The case has a planted bug, and a run of it without the bug does not show the finding.
    pub needs_bug: bool,
    /// All that a run of the finding's smallest case shows; empty where no such case is known.
    pub shows: Vec<Signature>,
}

impl Clue {
    /// Of a finding of which nothing is known.
    pub fn alone(finding: &Finding) -> Clue {
        let Finding { signature, severity, .. } = *finding;
        Clue { signature, severity, needs_bug: false, shows: Vec::new() }
    }

    /// Of a finding and a case that shows it, which need not be the smallest.
    pub fn of_run(finding: &Finding, case: &Case, runner: &mut Runner) -> Clue {
        let needs_bug = needs_bug(runner, case, finding.signature);
        Clue { needs_bug, ..Clue::alone(finding) }
    }

    /// Whether the two are symptoms of one cause.
    fn shares_cause(&self, other: &Clue) -> bool {
        let both_show =
            || self.shows.contains(&other.signature) && other.shows.contains(&self.signature);
        self.severity == other.severity && (self.needs_bug && other.needs_bug || both_show())
    }
}

/// For each of these findings, the earliest first, the index of the one that stands for its cause: the
/// first that has the same cause; its own index where none before it has.
///
/// Two findings of one variant have one cause where
/// - both go away with the planted bug of their cases, or
/// - the smallest case of each shows the other one too: there is nothing left to take away that would
///   leave one of them alone. Two predictions on the same classes are not one cause by that alone: a
///   nested region hangs, and the same classes over two VMs do not.
///
/// A documented finding never stands for a violation, nor the other way round.
pub fn leads(clues: &[Clue]) -> Vec<usize> {
    let mut leads: Vec<usize> = Vec::with_capacity(clues.len());
    for (i, clue) in clues.iter().enumerate() {
        let first = clues[..i].iter().position(|earlier| earlier.shares_cause(clue));
        leads.push(first.map_or(i, |first| leads[first]));
    }
    leads
}

/// Whether the case has a planted bug without which a run of it does not show the finding.
pub fn needs_bug(runner: &mut Runner, case: &Case, signature: Signature) -> bool {
    let sound = Case { bug: None, ..case.clone() };
    case.bug.is_some() && !shown(runner, &sound).contains(&signature)
}

fn shown(runner: &mut Runner, case: &Case) -> Vec<Signature> {
    let findings = &runner.run(case, &Options::of(case)).findings;
    findings.iter().map(|finding| finding.signature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clue(signature: u64, needs_bug: bool, shows: &[u64]) -> Clue {
        let shows = shows.iter().map(|&signature| Signature(signature)).collect();
        Clue { signature: Signature(signature), severity: Severity::Violation, needs_bug, shows }
    }

    #[test]
    fn what_goes_with_the_bug_is_one_cause() {
        let clues = [clue(1, false, &[]), clue(2, true, &[]), clue(3, true, &[])];
        assert_eq!(leads(&clues), [0, 1, 1]);
    }

    #[test]
    fn what_cannot_be_had_alone_is_one_cause_and_a_chance_meeting_is_none() {
        let both = [clue(1, false, &[1, 2]), clue(2, false, &[1, 2])];
        assert_eq!(leads(&both), [0, 0]);
        let by_chance = [clue(1, false, &[1, 2]), clue(2, false, &[2])];
        assert_eq!(leads(&by_chance), [0, 1]);
        let chain = [clue(1, false, &[1, 2]), clue(2, false, &[1, 2, 3]), clue(3, false, &[2, 3])];
        assert_eq!(leads(&chain), [0, 0, 0]);
    }

    #[test]
    fn a_documented_finding_stands_for_no_violation() {
        let documented = Clue { severity: Severity::Documented, ..clue(1, true, &[1, 2]) };
        assert_eq!(leads(&[documented, clue(2, true, &[1, 2])]), [0, 1]);
    }

    #[test]
    fn the_symptoms_of_a_planted_bug_have_one_cause() {
        let text = include_str!("../../tests/cases/bugs/B11.case");
        let case: Case = text.parse().expect("it is a case");
        let mut runner = Runner::new();
        let findings = runner.run(&case, &Options::of(&case)).findings.clone();
        let clues: Vec<Clue> =
            findings.iter().map(|finding| Clue::of_run(finding, &case, &mut runner)).collect();
        assert!(findings.len() > 3);
        assert_eq!(leads(&clues), vec![0; findings.len()]);
    }
}
