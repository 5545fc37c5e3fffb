//! Witnesses of predicted cycles: a case that really hangs that way, or that there is none.

use super::quest::answers;
use super::watch::Watch;
use super::{Added, Budget, Closed, Limits, Prediction};
use crate::case::Case;
use crate::case::text::Names;
use crate::run::{Options, Runner};

/// The answer for one prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Lock maps of the prediction: as printed it can have no witness, for they block nobody. The
    /// search left them out.
    pub lock_maps: Vec<String>,
    /// What the search found.
    pub answer: Answer,
    /// Where there is no witness: a case that hangs as predicted but for classes that nobody waits
    /// for, since one task passes them on its way to the next. The validator keeps only dependencies
    /// between neighbours on a task's way, so that its cycles can be longer than the hang.
    pub contracted: Option<Case>,
}

/// What the search for a witness found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This case hangs as predicted.
    Found {
        /// Short, and its run by a [`Runner`] is the witness.
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
    /// The model has no such classes: nothing can be said.
    Unknown {
        /// Their names.
        classes: Vec<String>,
    },
}

/// Steps of a prediction that is looked at; the model has fewer classes.
pub(super) const MAX_STEPS: usize = 32;

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
/// closed ones; where that comes to a limit, at last among those of the tasks alone that make the
/// predicted dependencies.
///
/// The case need not show the prediction itself. `limits` hold for the first two searches together; the
/// last, and making the case short, may take a quarter as much again.
pub fn witness(
    case: &Case,
    options: &Options,
    prediction: &Prediction,
    limits: &Limits,
) -> Witness {
    let mut budget = Budget::beyond(limits);
    let mut all = witnesses(case, options, std::slice::from_ref(prediction), &mut budget);
    all.pop().expect("one was asked for")
}

/// The same for several predictions at once: they have the search of the case's programs in common, and
/// of the closed ones where these are equal. What one leaves of the budget, the others may take.
pub fn witnesses(
    case: &Case,
    options: &Options,
    predictions: &[Prediction],
    budget: &mut Budget,
) -> Vec<Witness> {
    let mut layout = Runner::new();
    layout.run(case, options);
    let opened: Vec<_> = predictions.iter().map(|one| opened(one, &layout)).collect();
    let open = opened.iter().filter_map(|opened| opened.as_ref().ok());
    let mut answers = answers(case, options, open.cloned().collect(), budget).into_iter();
    let mut searched = |_| answers.next().expect("each that is open is answered");
    opened.into_iter().map(|opened| opened.map_or_else(|known| *known, &mut searched)).collect()
}

/// A prediction as searches follow it, and the lock maps that they leave out; the answer where nothing
/// has to be searched.
fn opened<'p>(
    prediction: &'p Prediction,
    layout: &Runner,
) -> Result<(Watch<'p>, Vec<String>), Box<Witness>> {
    let none = |lock_maps, answer| Box::new(Witness { lock_maps, answer, contracted: None });
    if prediction.steps.len() > MAX_STEPS {
        let classes = prediction.steps.iter().map(|step| step.class.clone()).collect();
        return Err(none(Vec::new(), Answer::Unknown { classes }));
    }
    let watch = layout.inspect(|seen| Watch::new(prediction, seen));
    let all = ((1u64 << prediction.steps.len()) - 1) as u32;
    let lock_maps = classes(prediction, watch.maps);
    match (all & !watch.known(), all & !watch.maps) {
        (0, 0) => Err(none(lock_maps, Answer::NothingBlocks)),
        (0, _) => Ok((watch, lock_maps)),
        (unknown, _) => {
            let classes = classes(prediction, unknown);
            Err(none(lock_maps, Answer::Unknown { classes }))
        }
    }
}

/// The classes of those steps.
pub(super) fn classes(prediction: &Prediction, steps: u32) -> Vec<String> {
    let of_them = prediction.steps.iter().enumerate().filter(|(i, _)| steps >> i & 1 != 0);
    of_them.map(|(_, step)| step.class.clone()).collect()
}

impl Witness {
    /// The answer as the one line that every report prints, with tasks called by `names`. `name` names
    /// the file of a found case; without one, the case stands in the line itself.
    ///
    /// ```text
    /// witness: FILE
    /// as printed none can exist: MAP blocks nobody; without it: witness: FILE
    /// none exists (exhausted: the case's programs and these closed: a second munmapper, 512 schedules)
    /// none within 100000 schedules (the bound on states)
    /// ```
    ///
    /// A contracted hang comes first: `a shorter cycle hangs, whose tasks pass the other classes on
    /// their way: FILE; of the whole cycle none exists (...)`.
    pub fn line(&self, names: &Names, name: impl FnOnce(&Case) -> Option<String>) -> String {
        let answer = match &self.contracted {
            None => self.answer.line(names, name),
            Some(case) => {
                let none = self.answer.line(names, |_| None);
                let case = name(case).unwrap_or_else(|| inline(case, names));
                format!(
                    "a shorter cycle hangs, whose tasks pass the other classes on their way: {case}; \
                     of the whole cycle {none}"
                )
            }
        };
        match &*self.lock_maps {
            [] => answer,
            [map] => {
                format!("as printed none can exist: {map} blocks nobody; without it: {answer}")
            }
            maps => {
                let maps = maps.join(" and ");
                format!("as printed none can exist: {maps} block nobody; without them: {answer}")
            }
        }
    }

    /// The case that hangs, if one was found.
    pub fn case(&self) -> Option<&Case> {
        match &self.answer {
            Answer::Found { case, .. } => Some(case),
            _ => None,
        }
    }

    /// The case that the line is about: that which hangs as predicted or, where there is none, that
    /// which does, except in what it passes.
    pub fn shown(&self) -> Option<&Case> {
        self.case().or(self.contracted.as_ref())
    }
}

impl Answer {
    fn line(&self, names: &Names, name: impl FnOnce(&Case) -> Option<String>) -> String {
        match self {
            Answer::Found { case, .. } => {
                format!("witness: {}", name(case).unwrap_or_else(|| inline(case, names)))
            }
            Answer::NoneExists { closed, schedules } => {
                format!(
                    "none exists (exhausted: {}, {})",
                    closed.programs(names),
                    counted(*schedules)
                )
            }
            Answer::NoneWithin { schedules, bound } => {
                format!("none within {} ({bound})", counted(*schedules))
            }
            Answer::NothingBlocks => "nothing is left that blocks".to_string(),
            Answer::Unknown { classes } => {
                format!("cannot be searched: the model has no {}", classes.join(", "))
            }
        }
    }
}

impl Closed {
    /// The programs that were exhausted, in words.
    fn programs(&self, names: &Names) -> String {
        let words = |all: &[Added]| {
            all.iter().map(|added| added.words(names)).collect::<Vec<_>>().join(", ")
        };
        let mut text = match &*self.added {
            [] => "the case's programs, which are closed".to_string(),
            added => format!("the case's programs and these closed: {}", words(added)),
        };
        if !self.left_out.is_empty() {
            text = format!("{text}; no room for {}", words(&self.left_out));
        }
        text
    }
}

/// A number of schedules, in words.
pub(super) fn counted(schedules: u64) -> String {
    format!("{schedules} schedule{}", if schedules == 1 { "" } else { "s" })
}

/// The text of a case in one line: line ends mean nothing to its parser.
fn inline(case: &Case, names: &Names) -> String {
    names.text(case).to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
