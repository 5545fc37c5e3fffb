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
    let own = itself(case, &options, &prediction);
    Some(own.unwrap_or_else(|| witness(case, &options, &prediction, limits)))
}

/// The run of the case, if it hangs as predicted.
fn itself(case: &Case, options: &Options, prediction: &Prediction) -> Option<Witness> {
    if prediction.steps.len() > MAX_STEPS {
        return None;
    }
    let mut runner = Runner::new();
    runner.run(case, &Options { recording: true, ..*options });
    let mut watch = runner.inspect(|seen| Watch::new(prediction, seen));
    let fits = loop {
        let known = watch.wanted.clone();
        let fits = fit(&runner, &mut watch);
        // What was learnt of the modes behind the hang holds for it too.
        if known == watch.wanted {
            break fits;
        }
    };
    let answer = Answer::Found { case: named(case, options), programs: Whose::Given };
    let lock_maps = classes(prediction, watch.maps);
    (fits == Some(Fit::Exact)).then_some(Witness { lock_maps, answer, contracted: None })
}
