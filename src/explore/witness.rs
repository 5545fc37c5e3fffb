//! Witnesses of predicted cycles: a case that really hangs that way, or that there is none.

use super::hang::{Sought, seek, shortest_hang};
use super::watch::Watch;
use super::{Closed, Limits, Prediction, SHORTEST_RUNS, closed};
use crate::case::{Case, Programs};
use crate::run::{Options, Runner};

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
    /// The model has no such classes: nothing can be said.
    Unknown {
        /// Their names.
        classes: Vec<String>,
    },
}

/// Steps of a prediction that is looked at; the model has fewer classes.
const MAX_STEPS: usize = 32;

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
pub fn witness(case: &Case, options: &Options, prediction: &Prediction, limits: &Limits) -> Witness {
    if prediction.steps.len() > MAX_STEPS {
        let classes = prediction.steps.iter().map(|step| step.class.clone()).collect();
        return Witness { lock_maps: Vec::new(), answer: Answer::Unknown { classes } };
    }
    let mut layout = Runner::new();
    layout.run(case, options);
    let mut watch = layout.inspect(|seen| Watch::new(prediction, seen));
    let names = |steps: u32| {
        let named = prediction.steps.iter().enumerate().filter(|(i, _)| steps >> i & 1 != 0);
        named.map(|(_, step)| step.class.clone()).collect::<Vec<_>>()
    };
    let all = ((1u64 << prediction.steps.len()) - 1) as u32;
    let answer = match (all & !watch.known(), all & !watch.maps) {
        (0, 0) => Answer::NothingBlocks,
        (0, _) => answer(case, options, &mut watch, limits),
        (unknown, _) => Answer::Unknown { classes: names(unknown) },
    };
    Witness { lock_maps: names(watch.maps), answer }
}

fn answer(case: &Case, options: &Options, watch: &mut Watch<'_>, limits: &Limits) -> Answer {
    let (sought, mut schedules) = look(case, options, watch, limits);
    match sought {
        Sought::Hangs { steps, .. } => return found(case, options, watch, &steps, Whose::Given),
        Sought::Stopped(bound) => return Answer::NoneWithin { schedules, bound },
        Sought::Never => {}
    }
    let in_cycle: Vec<usize> =
        (0..case.programs.tasks()).filter(|&task| watch.tasks >> task & 1 != 0).collect();
    let closed = closed(case, &in_cycle);
    if closed.added.is_empty() {
        return Answer::NoneExists { closed, schedules };
    }
    let (sought, more) = look(&closed.case, options, watch, &limits.after(schedules));
    schedules += more;
    match sought {
        Sought::Never => Answer::NoneExists { closed, schedules },
        Sought::Stopped(bound) => Answer::NoneWithin { schedules, bound },
        Sought::Hangs { steps, tasks } => {
            let given = (1u16 << case.programs.tasks()) - 1;
            let (small, few) = without(&closed.case, &steps, tasks | given);
            match found(&small, options, watch, &few, Whose::Closed) {
                // The others were needed after all.
                Answer::NoneWithin { .. } => found(&closed.case, options, watch, &steps, Whose::Closed),
                found => found,
            }
        }
    }
}

/// Searches until what was learnt of the modes on the way would change nothing.
fn look(case: &Case, options: &Options, watch: &mut Watch<'_>, limits: &Limits) -> (Sought, u64) {
    loop {
        let known = watch.wanted.clone();
        let (sought, schedules) = seek(case, options, watch, limits);
        if known == watch.wanted || !matches!(sought, Sought::Never) {
            return (sought, schedules);
        }
    }
}

/// The witness made short.
fn found(
    case: &Case,
    options: &Options,
    watch: &mut Watch<'_>,
    steps: &[u8],
    programs: Whose,
) -> Answer {
    match shortest_hang(case, options, watch, steps, SHORTEST_RUNS) {
        Some(short) => Answer::Found { case: short.case, programs },
        None => {
            let bound = "a hang whose schedule no case has room for".to_string();
            Answer::NoneWithin { schedules: 1, bound }
        }
    }
}

/// The case and the schedule with only those tasks.
fn without(case: &Case, steps: &[u8], stay: u16) -> (Case, Vec<u8>) {
    let mut programs = Programs::default();
    let stays = |task: usize| stay >> task & 1 != 0;
    for task in (0..case.programs.tasks()).filter(|&task| stays(task)) {
        programs.ops.extend_from_slice(case.programs.task(task));
        programs.ends.push(programs.ops.len() as u16);
    }
    let renumbered = |task: u8| (stay & ((1 << task) - 1)).count_ones() as u8;
    let kept = steps.iter().filter(|&&task| stays(task.into()));
    (Case { programs, ..case.clone() }, kept.map(|&task| renumbered(task)).collect())
}

impl Witness {
    /// The answer as the one line that every report prints. `name` names the file of a found case;
    /// without one, the case stands in the line itself.
    ///
    /// ```text
    /// witness: FILE
    /// as printed none can exist: MAP blocks nobody; without it: witness: FILE
    /// none exists (exhausted: the case's programs and these closed: a second munmapper, 512 schedules)
    /// none within 100000 schedules (the bound on states)
    /// ```
    pub fn line(&self, name: impl FnOnce(&Case) -> Option<String>) -> String {
        let answer = self.answer.line(name);
        match &*self.lock_maps {
            [] => answer,
            [map] => format!("as printed none can exist: {map} blocks nobody; without it: {answer}"),
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
}

impl Answer {
    fn line(&self, name: impl FnOnce(&Case) -> Option<String>) -> String {
        match self {
            Answer::Found { case, .. } => {
                format!("witness: {}", name(case).unwrap_or_else(|| inline(case)))
            }
            Answer::NoneExists { closed, schedules } => {
                format!("none exists (exhausted: {}, {schedules} schedules)", closed.programs())
            }
            Answer::NoneWithin { schedules, bound } => {
                format!("none within {schedules} schedules ({bound})")
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
    fn programs(&self) -> String {
        let mut text = match &*self.added {
            [] => "the case's programs, which are closed".to_string(),
            added => format!("the case's programs and these closed: {}", added.join(", ")),
        };
        if !self.left_out.is_empty() {
            text = format!("{text}; no room for {}", self.left_out.join(", "));
        }
        text
    }
}

/// The text of a case in one line: line ends mean nothing to its parser.
fn inline(case: &Case) -> String {
    case.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
