//! A search for a run that hangs, in any way or in a predicted one.

use super::model::{Observer, SearchTask};
use super::shortest::{Short, Shortener, named};
use super::{Config, Cursor, Limits, Machine, Programs, Search, search};
use crate::case::Case;
use crate::kvm::trace::Event;
use crate::machine::sim::{Alarm, Ending, Fingerprint, Inspect, Object, Record, Sim, What};
use crate::run::{Options, Runner, Stage};

/// Says which hangs are looked for, having followed the run.
pub(super) trait Hang {
    /// What it remembers of a run.
    type Memory: Default;

    /// A run begins.
    fn begin(&mut self) {}
    /// Keeps what it remembers of the run.
    fn save(&self, to: &mut Self::Memory);
    /// Goes back to an earlier moment of the run.
    fn load(&mut self, from: &Self::Memory);
    /// Every record of the run.
    fn follow(&mut self, _seen: &Inspect<'_, Event>, _record: &Record<Event>) {}
    /// Whether it is the waits of that index in [`Inspect::cycles`].
    fn is_it(&self, seen: &Inspect<'_, Event>, cycle: u16) -> bool;
}

/// Any hang.
#[derive(Debug)]
pub(super) struct Any;

impl Hang for Any {
    type Memory = ();

    fn save(&self, (): &mut ()) {}

    fn load(&mut self, (): &()) {}

    fn is_it(&self, _: &Inspect<'_, Event>, _: u16) -> bool {
        true
    }
}

/// Waits for a hang. Neither the oracles' memory nor what they compare matters here, which leaves
/// fewer states.
pub(super) struct Lookout<'h, H> {
    pub(super) hang: &'h mut H,
    /// Tasks of the first hang that it is.
    pub(super) hung: Option<u16>,
}

impl<H: Hang> Lookout<'_, H> {
    fn look(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.hang.follow(seen, record);
        let What::Alarm(Alarm::Stuck(_, cycle)) = record.what else { return };
        if self.hung.is_none() && self.hang.is_it(seen, cycle) {
            let tasks = seen.cycles[usize::from(cycle)].waits.iter();
            self.hung = Some(tasks.fold(0, |all, (task, _)| all | 1 << task));
        }
    }
}

impl<H: Hang> Observer<Event> for Lookout<'_, H> {
    type Memory = H::Memory;

    fn begin(&mut self) {
        self.hang.begin();
    }

    fn save(&self, to: &mut H::Memory) {
        self.hang.save(to);
    }

    fn load(&mut self, from: &H::Memory) {
        self.hang.load(from);
    }

    fn touched(&self, _: &Record<Event>, _: &mut dyn FnMut(Object, bool)) {}

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.look(seen, record);
    }

    fn end(&mut self, _: &Inspect<'_, Event>, _: Option<Ending>) {}

    fn last_state(&mut self, _: Fingerprint, _: SearchTask<'_, Event>) {}

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::ZERO
    }

    fn findings(&self) -> usize {
        self.hung.is_some().into()
    }
}

/// What a search for a hang came to.
#[derive(Clone, Debug)]
pub(super) enum Sought {
    /// This schedule hangs so; the tasks on its cycle of waits.
    Hangs { steps: Vec<u8>, tasks: u16 },
    /// None does.
    Never,
    /// A limit stopped the search.
    Stopped(String),
}

/// Calls between two looks at the limits.
const LOOKS: u32 = 64;

/// Searches the case's programs for a hang; also gives the number of schedules tried.
pub(super) fn seek(
    case: &Case,
    options: &Options,
    hang: &mut impl Hang,
    limits: &Limits,
) -> (Sought, u64) {
    let mut machine: Machine = Sim::new(Cursor::default());
    let stage = Stage::build(&mut machine, named(case, options), options);
    let programs = Programs::new(stage, options).recorded();
    let lookout = Lookout { hang, hung: None };
    let mut run = Search::new(&programs, &machine, lookout, Config::default());
    let (mut calls, mut bound) = (0u32, None);
    let done = search(&mut run, |run| {
        calls = calls.wrapping_add(1);
        if calls.is_multiple_of(LOOKS) {
            bound = limits.reached(&run.progress());
        }
        bound.is_some() || run.observer().hung.is_some()
    });
    let counts = run.progress().counts;
    let sought = match (run.observer().hung, bound) {
        (Some(tasks), _) => Sought::Hangs { steps: run.shown[0].clone(), tasks },
        (None, Some(bound)) => Sought::Stopped(bound),
        _ if done && counts.cycles == 0 && counts.collisions == 0 => Sought::Never,
        _ => Sought::Stopped("states that lead back to themselves".to_string()),
    };
    (sought, counts.schedules)
}

/// Whether the last run of `runner`, which was recorded, hangs so.
pub(super) fn hangs(runner: &Runner, hang: &mut impl Hang) -> bool {
    runner.outcome().ending == Ending::Stuck
        && runner.inspect(|seen| {
            hang.begin();
            let mut lookout = Lookout { hang, hung: None };
            seen.records.iter().for_each(|record| lookout.look(seen, record));
            lookout.hung.is_some()
        })
}

/// The shortest schedule of the case's programs that hangs so; `steps` is one that does.
pub(super) fn shortest_hang(
    case: &Case,
    options: &Options,
    hang: &mut impl Hang,
    steps: &[u8],
    runs: u32,
) -> Option<Short> {
    let recorded = Options { recording: true, ..*options };
    let wanted = |runner: &Runner, _: usize| hangs(runner, hang);
    Shortener::new(case, &recorded, wanted).shorten_all(&[steps], runs).pop().flatten()
}
