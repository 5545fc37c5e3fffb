//! Case to outcome: the one entry for targets, command line, search and shrinker.

#[cfg(feature = "cli")]
pub mod causes;
mod end;
#[cfg(feature = "native")]
mod native;
mod program;
mod stage;
mod symbols;
mod words;
mod world;

use std::pin::{Pin, pin};

use crate::case::{Burst, Case, MAX_TASKS, Until};
use crate::kvm::trace::Event;
use crate::kvm::{Bug, Place, Variant};
use crate::lockdep::Mode as Validator;
use crate::machine::Policy;
use crate::machine::sim::{Inspect, Schedule, Settings, Sim, TurnEnd};
use crate::oracle::{Facts, Oracle, Oracles};
use crate::schedule::Bursts;
use world::World;

pub use crate::machine::sim::Ending;
pub use crate::oracle::Finding;
pub use end::End;
#[cfg(feature = "native")]
pub use native::{Broken, Rounds};
pub use stage::Stage;
pub use words::Described;
#[cfg(feature = "explore")]
pub(crate) use words::describe_reports;
#[cfg(feature = "cli")]
pub(crate) use words::for_ever;

/// What a run depends on beside the case's programs, configuration and schedule.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The protocol version.
    pub variant: Variant,
    /// The planted bug.
    pub bug: Option<Bug>,
    /// Admission rule of every rwsem.
    pub policy: Policy,
    /// Every acquire and access is a scheduling point, not only those that need be.
    pub all_points: bool,
    /// Scheduling points after which a run is cut.
    pub max_points: u32,
    /// Keep every step for a timeline, and who ran when.
    pub recording: bool,
}

/// Scheduling points after which a run is cut, unless told otherwise.
pub const MAX_POINTS: u32 = 20_000;

impl Options {
    /// What the case itself says.
    pub fn of(case: &Case) -> Options {
        Options {
            variant: case.variant,
            bug: case.bug,
            policy: case.config.policy,
            all_points: false,
            max_points: MAX_POINTS,
            recording: false,
        }
    }
}

/// What a run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// All findings, each signature once, in the order in which they showed.
    pub findings: Vec<Finding>,
    /// How it ended.
    pub ending: Ending,
    /// Scheduling points passed.
    pub points: u32,
    /// Lock operations and state accesses.
    pub events: u32,
}

/// Runs cases. Reusable: a run resets what the one before it touched and allocates nothing.
#[derive(Debug)]
pub struct Runner {
    sim: Sim<Bursts, Event>,
    world: World,
    oracles: Oracles,
    outcome: Outcome,
    options: Option<Options>,
}

impl Default for Runner {
    fn default() -> Self {
        Runner::new()
    }
}

impl Runner {
    /// A runner with its world laid out, whose validator reports everything.
    pub fn new() -> Runner {
        Runner::with_validator(Validator::Complete)
    }

    /// The same with the validator in that mode: `Kernel` falls silent after its first report.
    pub fn with_validator(mode: Validator) -> Runner {
        let mut sim = Sim::with_validator(Bursts::default(), mode);
        let world = World::build(&mut sim);
        let outcome =
            Outcome { findings: Vec::new(), ending: Ending::Finished, points: 0, events: 0 };
        Runner { sim, world, oracles: Oracles::default(), outcome, options: None }
    }

    /// Every run begins with a validator that knows nothing, and leaves one that knows that run alone.
    ///
    /// Without it a run that has nothing to report may find and leave classes, chains and dependencies
    /// of the runs before: outcomes and reports are the same, [`Inspect::lockdep`] shows more.
    pub fn never_warm(mut self) -> Runner {
        self.sim.never_warm();
        self
    }

    /// Runs the case. A pure function of its arguments.
    pub fn run(&mut self, case: &Case, options: &Options) -> &Outcome {
        let Options { variant, bug, policy, all_points, max_points, recording } = *options;
        let settings = Settings { policy, all_points, max_points, recording };
        self.world.set(&case.config, variant, bug);
        self.options = Some(*options);
        let (world, programs) = (&self.world, &case.programs);
        let plan = |bursts: &mut Bursts| bursts.plan(&case.schedule);
        let ending = self.sim.execute(settings, plan, |sim| {
            sim.set_up(pin!(world.history(sim.task(0), &case.config)));
            execute(programs.tasks().min(MAX_TASKS), sim, |i| {
                program::run(sim.task(i as u8), world, programs.task(i))
            })
        });
        self.judge(ending, Facts { variant, policy });
        &self.outcome
    }

    fn judge(&mut self, ending: Ending, facts: Facts) {
        self.sim.with_lockdep(|lockdep| {
            lockdep.finish();
        });
        let (oracles, outcome) = (&mut self.oracles, &mut self.outcome);
        outcome.findings.clear();
        self.sim.inspect(|seen| {
            (outcome.points, outcome.events) = (seen.points, seen.events);
            oracles.judge(seen, facts, &mut outcome.findings);
        });
        outcome.ending = ending;
    }

    /// What the last run showed.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What the last run, one of that case, ended in.
    pub fn end(&self, case: &Case) -> End {
        self.world.end(self.sim.task(0), &case.config, self.sim.unfinished())
    }

    /// How the last run was made; none before the first.
    pub fn options(&self) -> Option<&Options> {
        self.options.as_ref()
    }

    /// Puts a finding of the last run into words; tasks go by number.
    pub fn describe(&self, finding: &Finding) -> Described {
        self.sim.inspect(|seen| words::describe(seen, finding, &|task| format!("task {task}")))
    }

    /// The same, with the names that are derived for the tasks of the case.
    pub fn describe_in(&self, case: &Case, finding: &Finding) -> Described {
        self.describe_named(&case.task_names(), finding)
    }

    /// The same with these names.
    pub fn describe_named(&self, names: &[String], finding: &Finding) -> Described {
        let name = |task: u8| match names.get(usize::from(task)) {
            Some(name) => name.clone(),
            None => format!("task {task}"),
        };
        self.sim.inspect(|seen| words::describe(seen, finding, &name))
    }

    /// The validator's reports of the last run as text, in the form of the kernel release that the
    /// variant names. `names` are those of the tasks.
    pub fn splats(&self, names: &[String]) -> Vec<String> {
        let variant = self.options.map_or(Variant::default(), |options| options.variant);
        self.sim.inspect(|seen| symbols::splats(seen, variant, names))
    }

    /// Looks at every step of the last run; complete only if it was recorded.
    pub fn inspect<R>(&self, look: impl FnOnce(&Inspect<'_, Event>) -> R) -> R {
        self.sim.inspect(look)
    }

    /// The schedule that repeats the last run, if it was recorded.
    pub fn executed_bursts(&self, out: &mut Vec<Burst>) {
        out.clear();
        self.sim.inspect(|seen| {
            for turn in seen.turns {
                let place = |code: u8| Place::ALL.get(usize::from(code)).copied();
                let (points, until) = match turn.end {
                    TurnEnd::Blocked => (0, Some(Until::Blocked)),
                    // The points come first: the turn may have passed the place before.
                    TurnEnd::Place(code) => (turn.points, place(code).map(Until::Place)),
                    TurnEnd::Preempted => (turn.points, None),
                };
                let counted = in_bytes(points).map(Until::Points);
                let bursts = counted.chain(until).map(|until| Burst { task: turn.task, until });
                out.extend(bursts);
            }
        });
    }
}

/// What the kernel of that variant would print for the case, its tasks named so: its validator's first
/// report, after which it switches itself off.
pub fn kernel_splat(case: &Case, names: &[String], options: &Options) -> Option<String> {
    let mut runner = Runner::with_validator(Validator::Kernel);
    runner.run(case, options);
    runner.splats(names).into_iter().next()
}

/// A count as a sum of bytes.
fn in_bytes(mut left: u32) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let part = u8::try_from(left).unwrap_or(u8::MAX);
        left -= u32::from(part);
        (part > 0).then_some(part)
    })
}

/// Polls up to `MAX_TASKS` futures of one type in place: no heap, no unsafe.
pub(crate) fn execute<S: Schedule, F: Future<Output = ()>>(
    tasks: usize,
    sim: &Sim<S, Event>,
    start: impl Fn(usize) -> F,
) -> Ending {
    let (a, b, c, d) = (pin!(None), pin!(None), pin!(None), pin!(None));
    let (e, f, g, h) = (pin!(None), pin!(None), pin!(None), pin!(None));
    let mut slots: [Pin<&mut Option<F>>; MAX_TASKS] = [a, b, c, d, e, f, g, h];
    for (i, slot) in slots.iter_mut().enumerate().take(tasks) {
        slot.set(Some(start(i)));
    }
    sim.run(&mut slots[..tasks])
}
