//! Witnesses for what one run predicts: the run itself, or another.

use super::hang::{Fit, fit};
use super::shortest::named;
use super::watch::Watch;
use super::witness::{MAX_STEPS, classes};
use super::{Answer, Budget, Limits, Prediction, Whose, Witness, predictions, witnesses};
use crate::case::Case;
use crate::run::{Finding, Options, Runner};

/// The witness of a finding of the runner's last run, which was one of `case`; none where the finding
/// predicts no cycle. The run comes first: where it hangs as predicted, it is the witness. Else it is
/// that of [`witness()`](super::witness()) within `limits`.
///
/// Only the scheduling points that are needed count, so that the case of a witness stands for itself.
pub fn witness_of(
    runner: &Runner,
    case: &Case,
    finding: &Finding,
    limits: &Limits,
) -> Option<Witness> {
    let mut budget = Budget::beyond(limits);
    witnesses_of(runner, case, std::slice::from_ref(finding), &mut budget).pop().flatten()
}

/// The same for several findings of the run, in one budget.
pub fn witnesses_of(
    runner: &Runner,
    case: &Case,
    findings: &[Finding],
    budget: &mut Budget,
) -> Vec<Option<Witness>> {
    let Some(options) = runner.options() else { return vec![None; findings.len()] };
    let options = Options { all_points: false, recording: false, ..*options };
    let all = runner.inspect(predictions);
    let predicted = |finding: &Finding| all.iter().find(|p| p.signature == finding.signature);
    let own = |prediction: &Prediction| own_fit(case, &options, prediction);
    let own: Vec<_> = findings.iter().map(|f| predicted(f).map(|p| (p, own(p)))).collect();
    let others = own.iter().flatten().filter(|(_, (fit, _))| *fit != Some(Fit::Exact));
    let others: Vec<Prediction> = others.map(|(prediction, _)| (*prediction).clone()).collect();
    let mut others = witnesses(case, &options, &others, budget).into_iter();
    let mut witness = |(_, (fit, lock_maps)): (&Prediction, Own)| match fit {
        Some(Fit::Exact) => {
            let answer = Answer::Found { case: named(case, &options), programs: Whose::Given };
            Witness { lock_maps, answer, contracted: None }
        }
        fit => {
            let other = others.next().expect("all others were asked for");
            let contracted = match fit {
                Some(_) => other.contracted.map(|_| named(case, &options)),
                None => other.contracted,
            };
            Witness { contracted, ..other }
        }
    };
    own.into_iter().map(|own| own.map(&mut witness)).collect()
}

/// How a run fits, and the lock maps of the prediction.
type Own = (Option<Fit>, Vec<String>);

/// How the run of the case fits the prediction, and the lock maps of that.
fn own_fit(case: &Case, options: &Options, prediction: &Prediction) -> Own {
    if prediction.steps.len() > MAX_STEPS {
        return (None, Vec::new());
    }
    let mut runner = Runner::new();
    runner.run(case, &Options { recording: true, ..*options });
    let mut watch = runner.inspect(|seen| Watch::new(prediction, seen));
    loop {
        let known = watch.wanted.clone();
        let own = fit(&runner, &mut watch);
        // What was learnt of the modes behind the hang holds for it too.
        if known == watch.wanted {
            return (own, classes(prediction, watch.maps));
        }
    }
}
