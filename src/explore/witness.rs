//! Witnesses of predicted cycles: a case that really hangs that way, or that there is none.

use super::hang::{Fit, Hung, NO_ROOM, Sought, seek, shortest_hang};
use super::watch::Watch;
use super::{Closed, Limits, Prediction, closed};
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
/// last may take a quarter as much again.
pub fn witness(
    case: &Case,
    options: &Options,
    prediction: &Prediction,
    limits: &Limits,
) -> Witness {
    let none = |lock_maps, answer| Witness { lock_maps, answer, contracted: None };
    if prediction.steps.len() > MAX_STEPS {
        let classes = prediction.steps.iter().map(|step| step.class.clone()).collect();
        return none(Vec::new(), Answer::Unknown { classes });
    }
    let mut layout = Runner::new();
    layout.run(case, options);
    let watch = layout.inspect(|seen| Watch::new(prediction, seen));
    let all = ((1u64 << prediction.steps.len()) - 1) as u32;
    let lock_maps = classes(prediction, watch.maps);
    match (all & !watch.known(), all & !watch.maps) {
        (0, 0) => none(lock_maps, Answer::NothingBlocks),
        (0, _) => {
            let brief = Limits::brief();
            let core = Limits {
                schedules: limits.schedules.min(brief.schedules),
                states: limits.states.min(brief.states),
                ..*limits
            };
            let (limits, core) = (*limits, core.shared(4));
            let mut quest = Quest { options, watch, limits, core, given: case.programs.tasks() };
            let (answer, contracted) = quest.answer(case);
            Witness { lock_maps, answer, contracted }
        }
        (unknown, _) => none(lock_maps, Answer::Unknown { classes: classes(prediction, unknown) }),
    }
}

/// The classes of those steps.
pub(super) fn classes(prediction: &Prediction, steps: u32) -> Vec<String> {
    let of_them = prediction.steps.iter().enumerate().filter(|(i, _)| steps >> i & 1 != 0);
    of_them.map(|(_, step)| step.class.clone()).collect()
}

/// A search for a witness.
struct Quest<'a> {
    options: &'a Options,
    watch: Watch<'a>,
    /// What is left of the limits.
    limits: Limits,
    /// What the tasks of the prediction alone may take then.
    core: Limits,
    /// Tasks of the given case.
    given: usize,
}

impl Quest<'_> {
    /// The answer; where it is none, a hang that fits but for what was passed.
    fn answer(&mut self, case: &Case) -> (Answer, Option<Case>) {
        let given = self.look(case);
        let tasks = self.watch.tasks;
        let closed =
            closed(case, &(0..self.given).filter(|i| tasks >> i & 1 != 0).collect::<Vec<_>>());
        let wide = (given.exact.is_none() && given.bound.is_none() && !closed.added.is_empty())
            .then(|| self.look(&closed.case));
        let last = wide.as_ref().unwrap_or(&given);
        let schedules = given.schedules + wide.as_ref().map_or(0, |wide| wide.schedules);
        let answer = match (&last.exact, &last.bound) {
            (Some(hung), _) => {
                let (programs, searched) = match wide {
                    None => (Whose::Given, case),
                    Some(_) => (Whose::Closed, &closed.case),
                };
                return match self.shortest(searched, hung, Fit::Exact) {
                    Some(case) => (Answer::Found { case, programs }, None),
                    None => (Answer::NoneWithin { schedules, bound: NO_ROOM.to_string() }, None),
                };
            }
            (None, Some(bound)) => match self.without_others(case) {
                Some(found) => return (found, None),
                None => Answer::NoneWithin { schedules, bound: bound.clone() },
            },
            (None, None) => Answer::NoneExists { closed: closed.clone(), schedules },
        };
        let in_given = given.contracted.as_ref().map(|hung| (case, hung));
        let in_wide =
            wide.as_ref().and_then(|wide| Some((&closed.case, wide.contracted.as_ref()?)));
        let contracted = in_given.or(in_wide);
        (answer, contracted.and_then(|(case, hung)| self.shortest(case, hung, Fit::Contracted)))
    }

    /// A witness among the tasks alone that were seen to make the predicted dependencies, closed. Others
    /// may be what made the search too long; the hang is one of theirs too, who need not run.
    fn without_others(&mut self, case: &Case) -> Option<Answer> {
        let core = without(case, &[], self.watch.tasks).0;
        let tasks = core.programs.tasks();
        if tasks == 0 || tasks == self.given {
            return None;
        }
        let closed = closed(&core, &(0..tasks).collect::<Vec<_>>()).case;
        self.limits = self.core;
        self.given = tasks;
        [(core, Whose::Given), (closed, Whose::Closed)].into_iter().find_map(|(case, programs)| {
            let hung = self.look(&case).exact?;
            self.shortest(&case, &hung, Fit::Exact).map(|case| Answer::Found { case, programs })
        })
    }

    /// Searches until what was learnt of the modes on the way would change nothing.
    fn look(&mut self, case: &Case) -> Sought {
        loop {
            let known = self.watch.wanted.clone();
            let sought = seek(case, self.options, &mut self.watch, &self.limits);
            self.limits = self.limits.after(sought.schedules, sought.states);
            let done = sought.exact.is_some() || sought.bound.is_some();
            if done || known == self.watch.wanted {
                return sought;
            }
        }
    }

    /// The hang made short, without added tasks that it does not need.
    fn shortest(&mut self, case: &Case, hung: &Hung, least: Fit) -> Option<Case> {
        let given = (1u16 << self.given) - 1;
        let (small, few) = without(case, &hung.steps, hung.tasks | given);
        shortest_hang(&small, self.options, &mut self.watch, (least, &few))
            .or_else(|| shortest_hang(case, self.options, &mut self.watch, (least, &hung.steps)))
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
    ///
    /// A contracted hang comes first: `a shorter cycle hangs, whose tasks pass the other classes on
    /// their way: FILE; of the whole cycle none exists (...)`.
    pub fn line(&self, name: impl FnOnce(&Case) -> Option<String>) -> String {
        let answer = match &self.contracted {
            None => self.answer.line(name),
            Some(case) => {
                let none = self.answer.line(|_| None);
                let case = name(case).unwrap_or_else(|| inline(case));
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
    /// which does but for what it passes.
    pub fn shown(&self) -> Option<&Case> {
        self.case().or(self.contracted.as_ref())
    }
}

impl Answer {
    fn line(&self, name: impl FnOnce(&Case) -> Option<String>) -> String {
        match self {
            Answer::Found { case, .. } => {
                format!("witness: {}", name(case).unwrap_or_else(|| inline(case)))
            }
            Answer::NoneExists { closed, schedules } => {
                format!("none exists (exhausted: {}, {})", closed.programs(), counted(*schedules))
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

/// A number of schedules, in words.
pub(super) fn counted(schedules: u64) -> String {
    format!("{schedules} schedule{}", if schedules == 1 { "" } else { "s" })
}

/// The text of a case in one line: line ends mean nothing to its parser.
fn inline(case: &Case) -> String {
    case.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
