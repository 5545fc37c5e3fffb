//! What a search found, made into something to look at: the shortest case of every finding, an answer
//! for every predicted cycle, and under which policies the programs hang.

use super::matrix::matrix_beside;
use super::{Budget, Explored, Found, Hangs, Limits, Matrix, Short, Taken, Witness};
use super::{shortest, witnesses};
use crate::case::Case;
use crate::case::text::Names;
use crate::machine::Policy;
use crate::oracle::{Evidence, Finding, Kind};
use crate::run::{Described, Options, Runner};

/// Findings with their witnesses, and the policy matrix.
#[derive(Clone, Debug)]
pub struct Shown {
    /// In the order in which they showed.
    pub findings: Vec<ShownFinding>,
    /// Where something hangs or could: under which policies.
    pub matrix: Option<Matrix>,
    /// What the witnesses and the policies took, beside the search itself.
    pub taken: Taken,
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

/// Looks for the witnesses of all that the search found, in the limits that they share with the policy
/// matrix; for the shortest case of each, in that many runs. Tasks go by `names`.
pub fn show(
    case: &Case,
    names: &Names,
    options: &Options,
    explored: &Explored,
    limits: &Limits,
    runs: u32,
) -> Shown {
    let mut runner = Runner::new();
    let shorts = shortest(case, options, &explored.findings, runs);
    let found = explored.findings.iter().zip(shorts);
    let findings = found.map(|(found, short)| {
        let (finding, described) =
            in_words(&mut runner, (options, names), explored, found, short.as_ref());
        ShownFinding { finding, described, short, witness: None }
    });
    let mut findings: Vec<ShownFinding> = findings.collect();
    let known = known(explored, &findings);
    let known = |policy| known.clone().filter(|_| policy == options.policy);
    let rows = match findings.iter().any(|shown| hangs(shown.finding.kind)) {
        true => Policy::ALL.iter().filter(|policy| known(**policy).is_none()).count(),
        false => 0,
    };
    let mut budget = Budget::new(*limits);
    // What the policies leave is for the witnesses, whose programs are more.
    let matrix = (rows > 0).then(|| {
        let mut share = budget.share(rows, rows + explored.predictions.len());
        let matrix = matrix_beside(case, options, &mut share, known);
        budget.settle(&share);
        matrix
    });
    let answers = witnesses(case, options, &explored.predictions, &mut budget);
    for shown in &mut findings {
        let mut answers = explored.predictions.iter().zip(&answers);
        let own = answers.find(|(prediction, _)| prediction.signature == shown.finding.signature);
        shown.witness = own.map(|(_, witness)| witness.clone());
    }
    Shown { findings, matrix, taken: budget.taken() }
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
    (options, names): (&Options, &Names),
    explored: &Explored,
    found: &Found,
    short: Option<&Short>,
) -> (Finding, Described) {
    let wanted = found.finding.signature;
    if let Some(short) = short {
        let options = Options { policy: short.case.config.policy, ..*options };
        let findings = runner.run(&short.case, &options).findings.clone();
        if let Some(finding) = findings.iter().find(|finding| finding.signature == wanted) {
            return (*finding, runner.describe_named(&names.of(&short.case), finding));
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
