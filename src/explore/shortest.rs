//! Shortest witnesses: for what a search found, the case that shows it with the fewest bursts.

use super::layers::{Candidate, Layers};
use super::stepper::{bursts_of, with_stepper};
use super::{Cursor, Found, Judge, Machine, Model, Programs, Taken, TooManyTasks};
use crate::case::{Burst, Case, MAX_BURSTS, Schedule, Tail, Until};
use crate::kvm::Place;
use crate::machine::sim::Sim;
use crate::oracle::Kind;
use crate::run::{Options, Runner, Stage};
use crate::shrink::shorten;

/// Runs that the search for shortest witnesses takes, unless told otherwise.
pub const SHORTEST_RUNS: u32 = 50_000;
/// Runs that it takes to shorten a schedule that it did not come to.
const SHORTEN_RUNS: u32 = 5_000;
/// Runs that this takes whatever is allowed: a schedule as it was found rarely fits into a case.
const LEAST_RUNS: u32 = 500;

/// A case whose one run shows a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The programs with a schedule: bursts, then fairly to the end. It names the variant, bug and
    /// policy under which it shows the finding.
    pub case: Case,
    /// Scheduling points in the bursts.
    pub steps: u32,
    /// No schedule has fewer bursts, nor as many with fewer points in them. Otherwise it is short,
    /// but the search for a shorter one was cut.
    pub proven: bool,
}

/// For each of `found`, what a search of the case under `options` found, the shortest witness;
/// after `runs` runs, what can be made of the schedule that first showed it. None where no single
/// run shows it: a cycle of dependencies that several runs have brought together.
///
/// The findings of a witness, with their event and evidence, are those of a
/// [`Runner`]'s run of its case.
pub fn shortest(case: &Case, options: &Options, found: &[Found], runs: u32) -> Vec<Option<Short>> {
    let scripts: Vec<&[u8]> = found.iter().map(|found| &*found.steps).collect();
    let wanted = |runner: &Runner, i: usize| {
        let mut shown = runner.outcome().findings.iter();
        shown.any(|shown| shown.signature == found[i].finding.signature)
    };
    let most = Most { runs, steps: usize::MAX };
    let (mut short, _) = Shortener::new(case, options, wanted).shorten_all(&scripts, most);
    for (short, found) in short.iter_mut().zip(found) {
        // Which dependencies a run has taught is no part of a state's identity.
        if let (Some(short), Kind::LockOrder) = (short, found.finding.kind) {
            short.proven &= short.case.schedule.bursts.len() <= 1;
        }
    }
    short
}

/// The case as `options` say, which it then names.
pub(super) fn named(case: &Case, options: &Options) -> Case {
    let mut case = Case { variant: options.variant, bug: options.bug, ..case.clone() };
    case.config.policy = options.policy;
    case
}

/// How far shortening goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// Runs.
    pub(super) runs: u32,
    /// Steps of the machine that is led to the schedules which are run.
    pub(super) steps: usize,
}

/// Looks for short schedules of a case's programs.
pub(super) struct Shortener<W> {
    case: Case,
    options: Options,
    runner: Runner,
    /// Runs so far.
    ran: u32,
    /// Whether the last run shows what is wanted of that number.
    wanted: W,
}

impl<W: FnMut(&Runner, usize) -> bool> Shortener<W> {
    pub(super) fn new(case: &Case, options: &Options, wanted: W) -> Self {
        let case = Case { schedule: Schedule::default(), ..named(case, options) };
        Shortener { case, options: *options, runner: Runner::new(), ran: 0, wanted }
    }

    /// The shortest schedule for everything that is wanted, and what that took; `scripts` show it somehow.
    pub(super) fn shorten_all(
        mut self,
        scripts: &[&[u8]],
        most: Most,
    ) -> (Vec<Option<Short>>, Taken) {
        if scripts.is_empty() {
            return (Vec::new(), Taken::default());
        }
        let mut machine: Machine = Sim::new(Cursor::default());
        let stage = Stage::build(&mut machine, self.case.clone(), &self.options);
        let programs = Programs::new(stage, &self.options);
        if TooManyTasks::check(programs.tasks()).is_err() {
            return (vec![None; scripts.len()], Taken::default());
        }
        let judge = Judge::new(&self.options);
        with_stepper(&programs, &machine, judge, |steps| {
            let (mut short, led) = self.by_layers(Layers::new(steps), scripts.len(), most);
            for (i, short) in short.iter_mut().enumerate() {
                if short.is_none() {
                    let bursts = bursts_of(steps, scripts[i]);
                    *short = self.made_of(bursts, i, most.runs);
                }
            }
            let schedules = u64::from(self.ran);
            (short, Taken { schedules, states: led, ..Taken::default() })
        })
    }

    /// Breadth first; and the steps that it took.
    fn by_layers(
        &mut self,
        mut layers: Layers<'_>,
        n: usize,
        most: Most,
    ) -> (Vec<Option<Short>>, usize) {
        let mut short = vec![None; n];
        let mut left = most.runs as usize;
        loop {
            for candidate in layers.candidates().take(left) {
                left -= 1;
                self.note(&candidate, !layers.cut, &mut short);
            }
            let done = left == 0 || short.iter().all(Option::is_some);
            if done || layers.cut || !layers.descend(left, most.steps) {
                break;
            }
        }
        short.iter_mut().enumerate().for_each(|(i, short)| self.read_well(i, short.as_mut()));
        (short, layers.steps)
    }

    /// Runs a candidate and keeps it for what it is the first to show.
    fn note(&mut self, candidate: &Candidate, proven: bool, short: &mut [Option<Short>]) {
        let case = self.with_bursts(candidate.bursts.clone());
        self.ran += 1;
        self.runner.run(&case, &self.options);
        for (i, short) in short.iter_mut().enumerate() {
            if short.is_none() && (self.wanted)(&self.runner, i) {
                *short = Some(Short { case: case.clone(), steps: candidate.steps, proven });
            }
        }
    }

    fn with_bursts(&self, bursts: Vec<Burst>) -> Case {
        Case { schedule: Schedule { bursts, tail: Tail::Fair }, ..self.case.clone() }
    }

    fn shows(&mut self, case: &Case, i: usize) -> bool {
        self.ran += 1;
        self.runner.run(case, &Options { recording: true, ..self.options });
        (self.wanted)(&self.runner, i)
    }

    /// What can be made of a schedule that shows it, in so many runs.
    fn made_of(&mut self, bursts: Vec<Burst>, i: usize, runs: u32) -> Option<Short> {
        let long = self.with_bursts(bursts);
        if !self.shows(&long, i) {
            return None;
        }
        let mut judge = |case: &Case| self.shows(case, i);
        let case = shorten(&long, &mut judge, runs.clamp(LEAST_RUNS, SHORTEN_RUNS));
        if case.schedule.bursts.len() > MAX_BURSTS {
            return None;
        }
        self.shows(&case, i);
        let steps = self.turns(case.schedule.bursts.len()).map(|turn| turn.1).sum();
        Some(Short { case, steps, proven: false })
    }

    /// Lets bursts end at named places where that makes them no longer.
    fn read_well(&mut self, i: usize, short: Option<&mut Short>) {
        let Some(short) = short else { return };
        let bursts = short.case.schedule.bursts.len();
        self.shows(&short.case, i);
        let mut turns: Vec<_> = self.turns(bursts).collect();
        for at in 0..bursts {
            let until = |until| {
                let mut case = short.case.clone();
                case.schedule.bursts[at].until = until;
                case
            };
            let counted = matches!(short.case.schedule.bursts[at].until, Until::Points(_));
            let better = names()
                .take_while(|_| counted)
                .map(until)
                .find(|case| self.shows(case, i) && no_longer(self.turns(bursts), &turns));
            if let Some(case) = better {
                self.shows(&case, i);
                turns = self.turns(bursts).collect();
                short.case = case;
            }
        }
        // A burst that ends at a place stops before the point behind it.
        short.steps = short.steps.min(turns.iter().map(|turn| turn.1).sum());
    }

    /// Task and points of the first turns of the last run, which was recorded.
    fn turns(&self, n: usize) -> impl Iterator<Item = (u8, u32)> + use<W> {
        let turn = |turn: &crate::machine::sim::Turn| (turn.task, turn.points);
        let turns: Vec<_> =
            self.runner.inspect(|seen| seen.turns.iter().take(n).map(turn).collect());
        turns.into_iter()
    }
}

/// Every end of a burst that counts nothing.
fn names() -> impl Iterator<Item = Until> {
    std::iter::once(Until::Blocked).chain(Place::ALL.iter().map(|place| Until::Place(*place)))
}

/// The same tasks take turns, and none is longer.
fn no_longer(turns: impl Iterator<Item = (u8, u32)>, than: &[(u8, u32)]) -> bool {
    turns.zip(than).all(|(turn, than)| turn.0 == than.0 && turn.1 <= than.1)
}
