//! Witnesses of predicted cycles: a case that really hangs that way, or that there is none.

use super::{Closed, Limits, Prediction};
use crate::case::Case;
use crate::run::Options;

/// The answer for one prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Lock maps of the prediction: as printed it can have no witness, for they block nobody. The
    /// search left them out.
    pub lock_maps: Vec<String>,
    /// What the search found.
    pub answer: Answer,
}

/// What the search for a witness found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This case hangs as predicted.
    Found {
        /// Short, and its run by a [`Runner`](crate::run::Runner) is the witness.
        case: Case,
        /// Whose programs it has.
        programs: Whose,
    },
    /// No schedule hangs as predicted, neither of the given programs nor of the closed ones.
    NoneExists {
        /// The closed programs that were exhausted beside the given ones.
        closed: Closed,
        /// Schedules of both.
        schedules: u64,
    },
    /// None was found before a limit stopped the search.
    NoneWithin {
        /// Schedules tried.
        schedules: u64,
        /// The limit, in words.
        bound: String,
    },
    /// Nothing is left to wait for: all classes are lock maps.
    NothingBlocks,
}

/// Whose programs a witness has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of the given case.
    Given,
    /// Some that closing added.
    Closed,
}

/// Looks for a run that hangs as predicted: whose cycle of waits waits on every blocking class of
/// the prediction (all but lock maps), in the predicted modes and on the predicted instances;
/// other waits may stand between. First among the schedules of the case's programs, then of the
/// closed ones.
///
/// The case need not show the prediction itself. `limits` hold for both searches together.
pub fn witness(
    case: &Case,
    options: &Options,
    prediction: &Prediction,
    limits: &Limits,
) -> Witness {
    let _ = (case, options, prediction, limits);
    todo!()
}

impl Witness {
    /// The answer as the one line that every report prints. `name` names the file of a found case;
    /// without one, the case stands in the line itself.
    ///
    /// ```text
    /// witness: FILE
    /// as printed none can exist: MAP blocks nobody; without it, witness: FILE
    /// none exists (exhausted: the case's programs and these closed: a second munmapper, 512 schedules)
    /// none within 100000 schedules (the bound on states)
    /// ```
    pub fn line(&self, name: impl FnOnce(&Case) -> Option<String>) -> String {
        let _ = name;
        todo!()
    }

    /// The case that hangs, if one was found.
    pub fn case(&self) -> Option<&Case> {
        match &self.answer {
            Answer::Found { case, .. } => Some(case),
            _ => None,
        }
    }
}
