//! Exhaustive search over the schedules of a case's programs.
//!
//! A step is what a task does from one scheduling point to the next. The search runs depth first: it
//! goes back by loading the machine's tables and telling the tasks that have gone on what they saw
//! (`drive`). Three reductions keep it short, and none loses a finding or a final state:
//!
//! - Orders of steps that commute count once: source sets and sleep sets (`path`; Abdulla, Aronis,
//!   Jonsson, Sagonas, POPL 2014). What a step touches is noted as it runs, blocking, queues, grace
//!   periods and what oracles compare included (`sets`).
//! - From a known state nothing is run again (`visited`). What that part of the search did is raced with
//!   the present path as if it had been run (Yang, Chen, Gopalakrishnan, Kirby, SPIN 2008), and
//!   everything that slept there has to sleep here; of what is awake, only that is tried (`arrive`).
//! - States that differ only in which of several tasks with one program is which are one
//!   (`machine/sim/symmetry`; Bosnacki, Dams, Holenderski, STTT 4, 2002).
//!
//! A state is the machine's tables, what every task still remembers, and what the oracles do; 128 bits
//! stand for it. No schedule returns to a state: retries and waits take somebody else's step each, so
//! the search ends. The lock validator is fed by all runs together.
//!
//! With a bound on preemptions only the last two are made, with the task that ran last as part of the
//! state; the bound rises from none to the one asked for, unless less covers everything.
//! `tests/explore_sound.rs` compares all of it with enumeration, and sees deliberate mistakes caught.
//!
//! One gap is known: mprotect and fork of a range that is not mapped take mmap_lock and drop it within
//! one step, so that the trylock of the OOM reaper never meets it held there; `--points all` shows that
//! order.

mod again;
mod arrive;
mod budget;
#[cfg(feature = "cli")]
mod bytes;
mod check;
mod closed;
mod config;
mod coverage;
mod cursor;
mod drive;
mod engine;
#[cfg(feature = "cli")]
mod fit;
mod hang;
mod layers;
mod limits;
#[cfg(feature = "cli")]
mod live;
mod matrix;
mod model;
mod path;
mod prediction;
mod protocol;
mod quest;
mod repeat;
#[cfg(feature = "cli")]
pub mod resume;
mod run_witness;
#[cfg(feature = "cli")]
pub mod session;
mod sets;
mod shortest;
mod show;
mod slots;
mod stepper;
#[cfg(feature = "cli")]
mod store;
mod visited;
mod watch;
mod witness;

use std::collections::BTreeSet;

use crate::case::Case;
use crate::machine::sim::{Fingerprint, Sim};
use crate::oracle::{Finding, Oracle, Oracles, Signature};
use crate::run::{Described, Options, Stage};

pub use budget::{Budget, Taken};
#[cfg(feature = "cli")]
pub use bytes::Bytes;
pub use closed::{Added, Closed, closed};
pub use config::{Config, Mistake, Reduction};
pub use coverage::{Coverage, TooManyTasks};
pub use cursor::Cursor;
pub use engine::{Counts, Search};
pub use limits::{Limits, MAX_MEMORY, Reached};
#[cfg(feature = "cli")]
pub use matrix::RowJson;
pub use matrix::{Hangs, Matrix, Row, matrix};
pub use model::{Model, Observer, SearchTask};
pub use prediction::{Instances, PredictedStep, Prediction, predictions};
pub use protocol::{Judge, Machine, Programs};
pub use run_witness::{witness_of, witnesses_of};
pub use shortest::{SHORTEST_RUNS, Short, shortest};
pub use show::{Shown, ShownFinding, show};
pub use slots::search;
pub use witness::{Answer, Whose, Witness, witness, witnesses};

/// What a search has seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Its counts.
    pub counts: Counts,
    /// Different states.
    pub states: usize,
    /// Bytes that it takes, roughly.
    pub memory: usize,
    /// Bytes that it takes while the next step is made: tables that are full grow.
    pub memory_ahead: usize,
    /// It stopped because the system had no memory for that.
    pub starved: bool,
    /// Length of the present path.
    pub depth: usize,
    /// States on the path that have tasks left to try.
    pub frontier: usize,
    /// Preemptions that schedules may have now; none for any number.
    pub preemptions: Option<u8>,
    /// Different findings.
    pub findings: usize,
    /// The part of the search that is done: an estimate, which can fall when new orders turn up.
    pub fraction: f64,
}

/// What a search has seen in the end.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Which of all schedules were covered.
    pub coverage: Coverage,
    /// Where preemptions are bounded: every schedule of up to that many was covered.
    pub preemptions: Option<u8>,
    /// How far it came.
    pub progress: Progress,
    /// Each signature once, in the order in which they showed.
    pub findings: Vec<Found>,
    /// What the validator predicts from the dependencies of all runs: the `lock-order` and
    /// `recursive-lock` findings among them, for [`witness()`].
    pub predictions: Vec<Prediction>,
    /// The validator's reports in words: of the dependencies of all runs together.
    pub reports: Vec<(Signature, Described)>,
    /// Contents of the shared locations, and who had finished, at the ends of runs.
    pub ends: BTreeSet<Fingerprint>,
}

impl Explored {
    /// Whether every schedule was covered.
    pub fn exhausted(&self) -> bool {
        self.coverage.is_exhausted()
    }
}

/// A finding, and a schedule that shows it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The finding. Its event, task and evidence are those of a run that is gone.
    pub finding: Finding,
    /// Who ran, step by step, in the run that first showed it. For what follows from dependencies of
    /// several runs, the run that brought the last of them.
    pub steps: Vec<u8>,
}

/// Searches the schedules of the case's programs, run as `options` say; its own schedule is ignored.
/// `go_on` is asked before every step.
pub fn explore(
    case: &Case,
    options: &Options,
    config: Config,
    go_on: impl FnMut(&dyn Fn() -> Progress) -> bool,
) -> Result<Explored, TooManyTasks> {
    explore_by::<Oracles>(case, options, config, go_on)
}

/// The same with one oracle in the place of all.
pub fn explore_by<O: Oracle>(
    case: &Case,
    options: &Options,
    config: Config,
    mut go_on: impl FnMut(&dyn Fn() -> Progress) -> bool,
) -> Result<Explored, TooManyTasks> {
    let mut machine: Machine = Sim::new(Cursor::default());
    let stage = Stage::build(&mut machine, case.clone(), options);
    let programs = Programs::new(stage, options);
    let mut run = Search::new(&programs, &machine, Judge::<O>::new(options), config)?;
    let coverage = search(&mut run, |run| !go_on(&|| run.progress()));
    run.conclude();
    Ok(run.explored(coverage))
}
