//! What a search found, made into something to look at: the shortest case of every finding, an answer
//! for every predicted cycle, and under which policies the programs hang.

use super::matrix::matrix_beside;
use super::{Explored, Found, Hangs, Limits, Matrix, Short, Witness};
use super::{shortest, witness};
use crate::case::Case;
use crate::oracle::{Evidence, Finding, Kind};
use crate::run::{Described, Options, Runner};

/// Findings with their witnesses, and the policy matrix.
#[derive(Clone, Debug)]
pub struct Shown {
    /// In the order in which they showed.
    pub findings: Vec<ShownFinding>,
    /// Where something hangs or could: under which policies.
    pub matrix: Option<Matrix>,
}

/// A finding and its witnesses.
#[derive(Clone, Debug)]
pub struct ShownFinding {
    /// The finding; of the witness's run where there is one.
    pub finding: Finding,
    /// In words.
    pub described: Described,
    /// The shortest case that shows it; none where no single run does.
    pub short: Option<Short>,
    /// Of a predicted cycle: whether it really hangs.
    pub witness: Option<Witness>,
}

/// Looks for the witnesses of all that the search found; for the shortest case of each, in that many runs.
pub fn show(
    case: &Case,
    options: &Options,
    explored: &Explored,
    limits: &Limits,
    runs: u32,
) -> Shown {
    let mut runner = Runner::new();
    let shorts = shortest(case, options, &explored.findings, runs);
    let found = explored.findings.iter().zip(shorts);
    let findings = found.map(|(found, short)| {
        let (finding, described) = in_words(&mut runner, options, explored, found, short.as_ref());
        let prediction = explored.predictions.iter().find(|p| p.signature == finding.signature);
        let witness = prediction.map(|prediction| witness(case, options, prediction, limits));
        ShownFinding { finding, described, short, witness }
    });
    let findings: Vec<ShownFinding> = findings.collect();
    let hangs = findings.iter().any(|shown| hangs(shown.finding.kind));
    let known = known(explored, &findings);
    let matrix = hangs.then(|| matrix_beside(case, options, limits, known));
    Shown { findings, matrix }
}

/// Whether the programs hang under the policy that was searched, if that is known.
fn known(explored: &Explored, findings: &[ShownFinding]) -> Option<Hangs> {
    let stuck = |shown: &&ShownFinding| matches!(shown.finding.evidence, Evidence::Waits(_));
    let schedules = explored.progress.counts.schedules;
    match findings.iter().find(stuck) {
        Some(shown) => shown.short.as_ref().map(|short| Hangs::Yes {
            waits: shown.described.signature.clone(),
            case: short.case.clone(),
        }),
        None => explored.exhausted().then_some(Hangs::Never { schedules }),
    }
}

/// Whether tasks wait for ever, or are said to.
fn hangs(kind: Kind) -> bool {
    use Kind::{Deadlock, Livelock, LockOrder, LostWakeup, RecursiveLock};
    matches!(kind, LockOrder | RecursiveLock | Deadlock | LostWakeup | Livelock)
}

/// The finding as the run of its witness has it, else as the validator of all runs does.
fn in_words(
    runner: &mut Runner,
    options: &Options,
    explored: &Explored,
    found: &Found,
    short: Option<&Short>,
) -> (Finding, Described) {
    let wanted = found.finding.signature;
    if let Some(short) = short {
        let options = Options { policy: short.case.config.policy, ..*options };
        let findings = runner.run(&short.case, &options).findings.clone();
        if let Some(finding) = findings.iter().find(|finding| finding.signature == wanted) {
            return (*finding, runner.describe_in(&short.case, finding));
        }
    }
    let report = explored.reports.iter().find(|(signature, _)| *signature == wanted);
    let kind = found.finding.kind.name();
    let nameless = || Described {
        signature: format!("{kind} {:016x}", wanted.0),
        classes: Vec::new(),
        message: "no single run shows it".to_string(),
    };
    (found.finding, report.map_or_else(nameless, |(_, described)| described.clone()))
}
