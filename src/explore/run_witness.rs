//! Witnesses for what one run predicts: the run itself, or another.

use super::hang::{Fit, fit};
use super::shortest::named;
use super::watch::Watch;
use super::witness::{MAX_STEPS, classes};
use super::{Answer, Limits, Prediction, Whose, Witness, predictions, witness};
use crate::case::Case;
use crate::run::{Finding, Options, Runner};

/// The witness of a finding of the runner's last run, which was one of `case`; none where the finding
/// predicts no cycle. The run comes first: where it hangs as predicted, it is the witness. Else it is
/// that of [`witness()`].
///
/// Only the scheduling points that are needed count, so that the case of a witness stands for itself.
pub fn witness_of(
    runner: &Runner,
    case: &Case,
    finding: &Finding,
    limits: &Limits,
) -> Option<Witness> {
    let mut all = runner.inspect(predictions).into_iter();
    let prediction = all.find(|prediction| prediction.signature == finding.signature)?;
    let options = Options { all_points: false, recording: false, ..*runner.options()? };
    let (fit, lock_maps) = own_fit(case, &options, &prediction);
    if fit == Some(Fit::Exact) {
        let answer = Answer::Found { case: named(case, &options), programs: Whose::Given };
        return Some(Witness { lock_maps, answer, contracted: None });
    }
    let other = witness(case, &options, &prediction, limits);
    let contracted = match fit {
        Some(_) => other.contracted.map(|_| named(case, &options)),
        None => other.contracted,
    };
    Some(Witness { contracted, ..other })
}

/// How the run of the case fits the prediction, and the lock maps of that.
fn own_fit(case: &Case, options: &Options, prediction: &Prediction) -> (Option<Fit>, Vec<String>) {
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
