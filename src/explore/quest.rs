//! The searches for witnesses: for all predictions of a case together, in a budget.
//!
//! Which schedules programs have does not depend on what is looked for, so one search of the given
//! programs serves all predictions, and one of closed programs all that have these in common.
//!
//! A bug here would be an answer that depends on which other predictions were asked for, except by
//! how far the budget reaches.

use super::hang::{Fit, Fits, Hung, NO_ROOM, seek, shortest_hang};
use super::watch::Watch;
use super::{Answer, Budget, Closed, Whose, Witness, closed};
use crate::case::{Case, Programs};
use crate::run::Options;

/// What came of looking through the schedules of some programs.
#[derive(Clone, Debug, Default)]
struct Look {
    fits: Fits,
    bound: Option<&'static str>,
    schedules: u64,
}

impl Look {
    /// All was seen, and it was not there.
    fn is_in_vain(&self) -> bool {
        self.fits.exact.is_none() && self.bound.is_none()
    }
}

/// A prediction, and the results of its searches.
struct Asked<'p> {
    watch: Watch<'p>,
    lock_maps: Vec<String>,
    given: Look,
    closed: Closed,
    wide: Option<Look>,
}

/// The answers for those predictions, each with the lock maps that are left out.
pub(super) fn answers(
    case: &Case,
    options: &Options,
    open: Vec<(Watch<'_>, Vec<String>)>,
    budget: &mut Budget,
) -> Vec<Witness> {
    let (none, closed) = (Look::default(), closed(case, &[]));
    let asked = |(watch, lock_maps)| Asked {
        watch,
        lock_maps,
        given: none.clone(),
        closed: closed.clone(),
        wide: None,
    };
    let asked: Vec<Asked> = open.into_iter().map(asked).collect();
    let (given, whole) = (case.programs.tasks(), asked.len());
    let mut quest = Quest { options, asked, given };
    quest.look_everywhere(case, budget);
    (0..whole).map(|at| quest.answer(case, at, whole - at, budget)).collect()
}

/// A search for witnesses.
struct Quest<'a, 'p> {
    options: &'a Options,
    asked: Vec<Asked<'p>>,
    /// Tasks of the given case.
    given: usize,
}

impl Quest<'_, '_> {
    /// Searches the given programs for all, then the closed ones for those that need them.
    fn look_everywhere(&mut self, case: &Case, budget: &mut Budget) {
        let mut main = budget.main();
        let all: Vec<usize> = (0..self.asked.len()).collect();
        let looks = self.look(case, &all, &mut main);
        for (asked, look) in self.asked.iter_mut().zip(looks) {
            let tasks = (0..self.given).filter(|i| asked.watch.tasks >> i & 1 != 0);
            asked.closed = closed(case, &tasks.collect::<Vec<_>>());
            asked.given = look;
        }
        let groups = self.groups();
        let mut still: usize = groups.iter().map(Vec::len).sum();
        for of in groups {
            let case = self.asked[of[0]].closed.case.clone();
            let mut share = main.share(of.len(), still);
            let looks = self.look(&case, &of, &mut share);
            main.settle(&share);
            still -= of.len();
            of.iter().zip(looks).for_each(|(&at, look)| self.asked[at].wide = Some(look));
        }
        budget.settle(&main);
    }

    /// The predictions whose closed programs have to be searched, those with equal ones together.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, asked) in self.asked.iter().enumerate() {
            if !asked.given.is_in_vain() || asked.closed.added.is_empty() {
                continue;
            }
            let programs = |at: usize| &self.asked[at].closed.case.programs;
            match groups.iter_mut().find(|group| programs(group[0]) == programs(at)) {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }

    /// Searches for these predictions, until what was learnt of the modes on the way would change
    /// nothing.
    fn look(&mut self, case: &Case, of: &[usize], budget: &mut Budget) -> Vec<Look> {
        let mut looks = vec![Look::default(); self.asked.len()];
        let mut open = of.to_vec();
        while !open.is_empty() {
            let asked = self.asked.iter_mut().enumerate().filter(|(at, _)| open.contains(at));
            let mut watches: Vec<_> = asked.map(|(_, asked)| &mut asked.watch).collect();
            let known: Vec<_> = watches.iter().map(|watch| watch.wanted.clone()).collect();
            let sought = seek(case, self.options, &mut watches, budget.left());
            budget.take(sought.taken);
            for (&at, fits) in open.iter().zip(sought.fits) {
                let schedules = sought.taken.schedules;
                looks[at] = Look { fits, bound: sought.bound, schedules };
            }
            let again = |(at, known): (usize, Vec<u8>)| {
                let more = looks[at].is_in_vain() && self.asked[at].watch.wanted != known;
                more.then_some(at)
            };
            open = open.iter().copied().zip(known).filter_map(again).collect();
        }
        of.iter().map(|&at| std::mem::take(&mut looks[at])).collect()
    }

    /// The answer, in a share of what is left where so many answers are still to come.
    fn answer(&mut self, case: &Case, at: usize, still: usize, budget: &mut Budget) -> Witness {
        let mut share = budget.share(1, still);
        let (answer, contracted) = self.answer_within(case, at, &mut share);
        budget.settle(&share);
        let lock_maps = std::mem::take(&mut self.asked[at].lock_maps);
        Witness { lock_maps, answer, contracted }
    }

    /// The answer; where it is none, a hang that fits except in what was passed.
    fn answer_within(
        &mut self,
        case: &Case,
        at: usize,
        share: &mut Budget,
    ) -> (Answer, Option<Case>) {
        let (given, wide) = (self.asked[at].given.clone(), self.asked[at].wide.clone());
        let closed = self.asked[at].closed.clone();
        let schedules = given.schedules + wide.as_ref().map_or(0, |wide| wide.schedules);
        let last = wide.as_ref().unwrap_or(&given);
        if let Some(hung) = &last.fits.exact {
            let (programs, searched) = match wide {
                None => (Whose::Given, case),
                Some(_) => (Whose::Closed, &closed.case),
            };
            let short = self.shortest(at, searched, (hung, Fit::Exact), share);
            let none = || Answer::NoneWithin { schedules, bound: NO_ROOM.to_string() };
            return (short.map_or_else(none, |case| Answer::Found { case, programs }), None);
        }
        let answer = match last.bound {
            None => Answer::NoneExists { closed: closed.clone(), schedules },
            Some(bound) => match self.without_others(case, at, share) {
                Some(found) => return (found, None),
                None => Answer::NoneWithin { schedules, bound: bound.to_string() },
            },
        };
        let in_given = given.fits.contracted.as_ref().map(|hung| (case, hung));
        let in_wide = wide.as_ref().and_then(|wide| wide.fits.contracted.as_ref());
        let contracted = in_given.or(in_wide.map(|hung| (&closed.case, hung)));
        let contracted = contracted
            .and_then(|(case, hung)| self.shortest(at, case, (hung, Fit::Contracted), share));
        (answer, contracted)
    }

    /// A witness among the tasks alone that were seen to make the predicted dependencies, closed. Others
    /// may be what made the search too long; the hang is one of theirs too, who need not run.
    fn without_others(&mut self, case: &Case, at: usize, share: &mut Budget) -> Option<Answer> {
        let core = without(case, &[], self.asked[at].watch.tasks).0;
        let tasks = core.programs.tasks();
        if tasks == 0 || tasks == self.given {
            return None;
        }
        let closed = closed(&core, &(0..tasks).collect::<Vec<_>>()).case;
        let given = std::mem::replace(&mut self.given, tasks);
        let cases = [(core, Whose::Given), (closed, Whose::Closed)];
        let found = cases.into_iter().find_map(|(case, programs)| {
            let hung = self.look(&case, &[at], share).pop()?.fits.exact?;
            let short = self.shortest(at, &case, (&hung, Fit::Exact), share);
            short.map(|case| Answer::Found { case, programs })
        });
        self.given = given;
        found
    }

    /// The hang made short, without added tasks that it does not need.
    fn shortest(
        &mut self,
        at: usize,
        case: &Case,
        (hung, least): (&Hung, Fit),
        share: &mut Budget,
    ) -> Option<Case> {
        let given = (1u16 << self.given) - 1;
        let (small, few) = without(case, &hung.steps, hung.tasks | given);
        let (options, watch) = (self.options, &mut self.asked[at].watch);
        shortest_hang(&small, options, watch, (least, &few), share)
            .or_else(|| shortest_hang(case, options, watch, (least, &hung.steps), share))
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
