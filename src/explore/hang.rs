//! A search for a run that hangs, in any way or in a predicted one.

use super::model::{Observer, SearchTask};
use super::shortest::{SHORTEST_RUNS, Shortener, named};
use super::{Config, Cursor, Limits, Machine, Programs, Search, search};
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

/// Waits for a hang. Neither the oracles' memory nor what they compare matters here, which leaves
/// fewer states.
struct Lookout<'h, H> {
    hang: &'h mut H,
    /// Tasks of the first exact fit.
    exact: Option<u16>,
    /// Tasks of the first other fit.
    contracted: Option<u16>,
}

impl<'h, H: Hang> Lookout<'h, H> {
    fn new(hang: &'h mut H) -> Lookout<'h, H> {
        Lookout { hang, exact: None, contracted: None }
    }

    fn look(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.hang.follow(seen, record);
        let What::Alarm(Alarm::Stuck(_, cycle)) = record.what else { return };
        let tasks = seen.cycles[usize::from(cycle)].waits.iter();
        let tasks = tasks.fold(0, |all, (task, _)| all | 1 << task);
        match self.hang.is_it(seen, cycle) {
            Some(Fit::Exact) => self.exact = self.exact.or(Some(tasks)),
            Some(Fit::Contracted) => self.contracted = self.contracted.or(Some(tasks)),
            None => {}
        }
    }

    /// The best fit so far.
    fn fit(&self) -> Option<Fit> {
        let exact = self.exact.map(|_| Fit::Exact);
        exact.or(self.contracted.map(|_| Fit::Contracted))
    }
}

impl<H: Hang> Observer<Event> for Lookout<'_, H> {
    type Memory = H::Memory;

    fn save(&self, to: &mut H::Memory) {
        self.hang.save(to);
    }

    fn load(&mut self, from: &H::Memory) {
        self.hang.load(from);
    }

    fn begin(&mut self) {
        self.hang.begin();
    }

    fn touched(&self, _: &Record<Event>, _: &mut dyn FnMut(Object, bool)) {}

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.look(seen, record);
    }

    fn end(&mut self, _: &Inspect<'_, Event>, _: Option<Ending>) {}

    fn last_state(&mut self, _: Fingerprint, _: SearchTask<'_, Event>) {}

    fn remember(&self, _: &mut [Fingerprint]) {}

    fn findings(&self) -> usize {
        usize::from(self.exact.is_some()) + usize::from(self.contracted.is_some())
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

/// What a search for a hang came to.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    /// The first exact fit; with it the search ended.
    pub(super) exact: Option<Hung>,
    /// The first other fit.
    pub(super) contracted: Option<Hung>,
    /// The limit that stopped the search.
    pub(super) bound: Option<String>,
    /// Schedules tried.
    pub(super) schedules: u64,
    /// Different states.
    pub(super) states: usize,
}

impl Sought {
    /// Nothing, because of that.
    fn none(bound: String) -> Sought {
        Sought { exact: None, contracted: None, bound: Some(bound), schedules: 0, states: 0 }
    }
}

/// Why a hang is not shown: only hundreds of switches are known to lead there.
pub(super) const NO_ROOM: &str = "a hang whose schedule no case has room for";

/// Calls between two looks at the limits.
const LOOKS: u32 = 64;

/// Searches the case's programs for a hang.
pub(super) fn seek(
    case: &Case,
    options: &Options,
    hang: &mut impl Hang,
    limits: &Limits,
) -> Sought {
    let mut machine: Machine = Sim::new(Cursor::default());
    let stage = Stage::build(&mut machine, named(case, options), options);
    let programs = Programs::new(stage, options).recorded();
    let mut run = match Search::new(&programs, &machine, Lookout::new(hang), Config::default()) {
        Ok(run) => run,
        Err(many) => return Sought::none(many.to_string()),
    };
    let (mut calls, mut bound) = (0u32, None);
    let coverage = search(&mut run, |run| {
        calls = calls.wrapping_add(1);
        if calls.is_multiple_of(LOOKS) {
            bound = limits.reached(&run.progress());
        }
        bound.is_some() || run.observer().exact.is_some()
    });
    let counts = run.progress().counts;
    bound = bound.or_else(|| coverage.flaw().map(str::to_string));
    let hung = |tasks: Option<u16>, steps: Option<&Vec<u8>>| {
        tasks.zip(steps).map(|(tasks, steps)| Hung { steps: steps.clone(), tasks })
    };
    Sought {
        // An exact fit ended the search; whatever else was found came before it.
        exact: hung(run.observer().exact, run.shown.last()),
        contracted: hung(run.observer().contracted, run.shown.first()),
        bound,
        schedules: counts.schedules,
        states: run.progress().states,
    }
}

/// How the last run of `runner`, which was recorded, fits.
pub(super) fn fit(runner: &Runner, hang: &mut impl Hang) -> Option<Fit> {
    if runner.outcome().ending != Ending::Stuck {
        return None;
    }
    runner.inspect(|seen| {
        hang.begin();
        let mut lookout = Lookout::new(hang);
        seen.records.iter().for_each(|record| lookout.look(seen, record));
        lookout.fit()
    })
}

/// The shortest schedule of the case's programs that fits at least so; `steps` is one that does.
pub(super) fn shortest_hang(
    case: &Case,
    options: &Options,
    hang: &mut impl Hang,
    (least, steps): (Fit, &[u8]),
) -> Option<Case> {
    let recorded = Options { recording: true, ..*options };
    let wanted = |runner: &Runner, _: usize| fit(runner, hang) >= Some(least);
    let short = Shortener::new(case, &recorded, wanted).shorten_all(&[steps], SHORTEST_RUNS);
    short.into_iter().flatten().next().map(|short| short.case)
}
