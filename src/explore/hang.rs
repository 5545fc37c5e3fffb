//! A search for runs that hang, in any way or in predicted ones.

use super::limits::Reached;
use super::model::{Observer, SearchTask};
use super::shortest::{Most, SHORTEST_RUNS, Shortener, named};
use super::{Budget, Config, Cursor, Limits, Machine, Programs, Progress, Search, Taken, search};
use crate::case::Case;
use crate::kvm::trace::Event;
use crate::machine::sim::{Alarm, Ending, Fingerprint, Inspect, Object, Record, Sim, What};
use crate::run::{Options, Runner, Stage};

/// Says which hangs are looked for, having followed the run.
pub(super) trait Hang {
    /// What it remembers of a run.
    type Memory: Default;
    /// Keeps what it remembers of the run.
    fn save(&self, _to: &mut Self::Memory) {}
    /// Goes back to an earlier moment of the run.
    fn load(&mut self, _from: &Self::Memory) {}
    /// A run begins.
    fn begin(&mut self) {}
    /// Every record of the run.
    fn follow(&mut self, _seen: &Inspect<'_, Event>, _record: &Record<Event>) {}
    /// Whether it is the waits of that index in [`Inspect::cycles`].
    fn is_it(&self, seen: &Inspect<'_, Event>, cycle: u16) -> Option<Fit>;
}

/// How a cycle of waits fits what is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// But for classes that a task passed on its way to the next.
    Contracted,
    /// In all that was asked.
    Exact,
}

/// Any hang.
#[derive(Debug)]
pub(super) struct Any;

impl Hang for Any {
    type Memory = ();

    fn is_it(&self, _: &Inspect<'_, Event>, _: u16) -> Option<Fit> {
        Some(Fit::Exact)
    }
}

/// A hang may be followed in place.
impl<H: Hang> Hang for &mut H {
    type Memory = H::Memory;

    fn save(&self, to: &mut H::Memory) {
        (**self).save(to);
    }

    fn load(&mut self, from: &H::Memory) {
        (**self).load(from);
    }

    fn begin(&mut self) {
        (**self).begin();
    }

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        (**self).follow(seen, record);
    }

    fn is_it(&self, seen: &Inspect<'_, Event>, cycle: u16) -> Option<Fit> {
        (**self).is_it(seen, cycle)
    }
}

/// Waits for hangs, each until it has shown exactly. Neither the oracles' memory nor what they compare
/// matters here, which leaves fewer states.
struct Lookout<'h, H> {
    hangs: &'h mut [H],
    /// The best fit of each so far.
    best: Vec<Option<Fit>>,
    /// Every fit that was better than those before, in order: of which hang, how, and the tasks.
    found: Vec<(usize, Fit, u16)>,
}

impl<'h, H: Hang> Lookout<'h, H> {
    fn new(hangs: &'h mut [H]) -> Lookout<'h, H> {
        Lookout { best: vec![None; hangs.len()], hangs, found: Vec::new() }
    }

    /// Hangs that have not shown exactly.
    fn open(&mut self) -> impl Iterator<Item = (usize, &mut H)> {
        let best = &self.best;
        let hangs = self.hangs.iter_mut().enumerate();
        hangs.filter(|(at, _)| best[*at] != Some(Fit::Exact))
    }

    fn look(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.open().for_each(|(_, hang)| hang.follow(seen, record));
        let What::Alarm(Alarm::Stuck(_, cycle)) = record.what else { return };
        let tasks = seen.cycles[usize::from(cycle)].waits.iter();
        let tasks = tasks.fold(0, |all, (task, _)| all | 1 << task);
        let fits: Vec<_> = self.open().map(|(at, hang)| (at, hang.is_it(seen, cycle))).collect();
        for (at, fit) in fits {
            if let Some(fit) = fit.filter(|fit| Some(*fit) > self.best[at]) {
                self.best[at] = Some(fit);
                self.found.push((at, fit, tasks));
            }
        }
    }

    fn is_done(&self) -> bool {
        self.best.iter().all(|best| *best == Some(Fit::Exact))
    }
}

impl<H: Hang> Observer<Event> for Lookout<'_, H> {
    type Memory = Vec<H::Memory>;

    fn save(&self, to: &mut Vec<H::Memory>) {
        to.resize_with(self.hangs.len(), H::Memory::default);
        self.hangs.iter().zip(to).for_each(|(hang, to)| hang.save(to));
    }

    fn load(&mut self, from: &Vec<H::Memory>) {
        self.hangs.iter_mut().zip(from).for_each(|(hang, from)| hang.load(from));
    }

    fn begin(&mut self) {
        self.hangs.iter_mut().for_each(Hang::begin);
    }

    fn touched(&self, _: &Record<Event>, _: &mut dyn FnMut(Object, bool)) {}

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.look(seen, record);
    }

    fn end(&mut self, _: &Inspect<'_, Event>, _: Option<Ending>) {}

    fn last_state(&mut self, _: Fingerprint, _: SearchTask<'_, Event>) {}

    fn remember(&self, _: &mut [Fingerprint]) {}

    fn findings(&self) -> usize {
        self.found.len()
    }
}

/// A run that hangs as looked for.
#[derive(Clone, Debug)]
pub(super) struct Hung {
    /// Who ran, step by step.
    pub(super) steps: Vec<u8>,
    /// Tasks on its cycle of waits.
    pub(super) tasks: u16,
}

/// What was found of one hang.
#[derive(Clone, Debug, Default)]
pub(super) struct Fits {
    /// The first exact fit.
    pub(super) exact: Option<Hung>,
    /// The first other fit.
    pub(super) contracted: Option<Hung>,
}

/// Result of a search for hangs.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    /// What was found of each. When all had shown exactly, the search ended.
    pub(super) fits: Vec<Fits>,
    /// What kept the search from all schedules, in words.
    pub(super) bound: Option<&'static str>,
    /// What it took.
    pub(super) taken: Taken,
}

/// Why a hang is not shown: only hundreds of switches are known to lead there.
pub(super) const NO_ROOM: &str = "a hang whose schedule no case has room for";

/// Calls between two looks at the limits.
const LOOKS: u32 = 64;

/// Searches the case's programs for hangs, all at once: which schedules there are does not depend on
/// what is looked for.
pub(super) fn seek<H: Hang>(
    case: &Case,
    options: &Options,
    hangs: &mut [H],
    limits: &Limits,
) -> Sought {
    let mut machine: Machine = Sim::new(Cursor::default());
    let stage = Stage::build(&mut machine, named(case, options), options);
    let programs = Programs::new(stage, options).recorded();
    let mut fits = vec![Fits::default(); hangs.len()];
    let lookout = Lookout::new(hangs);
    let Ok(mut run) = Search::new(&programs, &machine, lookout, Config::default()) else {
        return Sought {
            fits,
            bound: Some("more tasks than a machine has"),
            taken: Taken::default(),
        };
    };
    let (mut calls, mut reached) = (0u32, None);
    let coverage = search(&mut run, |run| {
        if run.observer().is_done() {
            return true;
        }
        reached = limits.counted(run.counts.schedules, run.states(), run.memory_ahead());
        calls = calls.wrapping_add(1);
        if calls.is_multiple_of(LOOKS) {
            reached = reached.or_else(|| limits.called());
        }
        reached.is_some()
    });
    let progress = run.progress();
    let reached = reached.or(progress.starved.then_some(Reached::System));
    for (&(at, fit, tasks), steps) in run.observer().found.iter().zip(&run.shown) {
        let hung = Some(Hung { steps: steps.clone(), tasks });
        match fit {
            Fit::Exact => fits[at].exact = hung,
            Fit::Contracted => fits[at].contracted = hung,
        }
    }
    let Progress { counts, states, memory, .. } = progress;
    let taken = Taken { schedules: counts.schedules, states, memory, cut: reached };
    Sought { fits, bound: reached.map(Reached::words).or_else(|| coverage.flaw()), taken }
}

/// How the last run of `runner`, which was recorded, fits.
pub(super) fn fit(runner: &Runner, hang: &mut impl Hang) -> Option<Fit> {
    if runner.outcome().ending != Ending::Stuck {
        return None;
    }
    runner.inspect(|seen| {
        hang.begin();
        let mut lookout = Lookout::new(std::slice::from_mut(hang));
        seen.records.iter().for_each(|record| lookout.look(seen, record));
        lookout.best[0]
    })
}

/// Runs that a hang which was found may take to be shown as a short case, whatever is left.
const SHOWN_RUNS: u32 = 500;

/// A short schedule of the case's programs that fits at least so, the shortest where the budget allows
/// that; `steps` is one that does.
pub(super) fn shortest_hang(
    case: &Case,
    options: &Options,
    hang: &mut impl Hang,
    (least, steps): (Fit, &[u8]),
    budget: &mut Budget,
) -> Option<Case> {
    let recorded = Options { recording: true, ..*options };
    let wanted = |runner: &Runner, _: usize| fit(runner, hang) >= Some(least);
    let left = budget.left();
    let runs = u32::try_from(left.schedules).unwrap_or(u32::MAX);
    let most = Most { runs: runs.clamp(SHOWN_RUNS, SHORTEST_RUNS), steps: left.states };
    let (short, taken) = Shortener::new(case, &recorded, wanted).shorten_all(&[steps], most);
    budget.take(taken);
    short.into_iter().flatten().next().map(|short| short.case)
}
