//! A case on OS threads, over and over: each round runs its programs once, and the simulator's
//! validator, wait-for graph and oracles judge what happened.
//!
//! The schedule of the case says nothing here: the machine's own schedule and the jitter decide.

mod crew;

use std::fmt;
use std::pin::pin;

use super::{End, Ending, Options, Outcome, Runner};
use crate::case::{Case, MAX_TASKS};
use crate::kvm::trace::Event;
use crate::machine::log::{Entry, Log, Step};
use crate::machine::native::SimulatorOnly;
use crate::machine::sim::{Refused, Settings};
use crate::oracle::Facts;
use crew::Crew;

/// The machine of OS threads is at fault, not the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A lock was given that the simulator would have refused.
    Refused(Refused),
    /// A task panicked.
    Panicked,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Refused(refused) => {
                write!(f, "the machines disagree about a lock: {refused:?}")
            }
            Broken::Panicked => f.write_str("a task panicked"),
        }
    }
}

impl std::error::Error for Broken {}

/// Runs a case on threads of its own.
///
/// ```
/// use kvm_lock_fuzz::case::Case;
/// use kvm_lock_fuzz::run::{Ending, Options, Rounds};
///
/// let case = Case::parse(b"vm a slot 0 gfn 0 hva 0 task t munmap 0..8 end task u fault gfn 0")?;
/// let mut rounds = Rounds::new(&case, &Options::of(&case), 1)?;
/// assert_eq!(rounds.run()?.ending, Ending::Finished);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rounds {
    case: Case,
    options: Options,
    seed: u64,
    round: u64,
    crew: Option<Crew>,
    judge: Runner,
    log: Log<Event>,
    end: End,
}

impl Rounds {
    /// Makes ready to run the case's programs; `seed` is the jitter's.
    pub fn new(case: &Case, options: &Options, seed: u64) -> Result<Rounds, SimulatorOnly> {
        let crew = Crew::new(case, options, seed)?;
        Ok(Rounds {
            case: case.clone(),
            options: *options,
            seed,
            round: 0,
            crew: Some(crew),
            judge: Runner::new(),
            log: Log::new(),
            end: End::default(),
        })
    }

    /// One round. Returns when every task has finished, or when it is proved that those that have
    /// not never will; their threads are left behind for as long as the process lives.
    pub fn run(&mut self) -> Result<&Outcome, Broken> {
        let crew = match self.crew.take() {
            Some(crew) => crew,
            None => {
                Crew::new(&self.case, &self.options, self.seed).expect("the policy was accepted")
            }
        };
        self.round += 1;
        crew.start(self.round);
        let tasks = self.case.programs.tasks();
        let mut quiet = None;
        while !crew.waits_for_the_end() {
            if crew.has_lost_a_thread() {
                return Err(Broken::Panicked);
            }
            let now = crew.machine().quiet(tasks);
            // Twice the same: else it is too early to look.
            if let (Some(now), true) = (now, now == quiet)
                && self.is_stuck(&crew, now)?
            {
                return Ok(&self.judge.outcome);
            }
            quiet = now;
        }
        self.judge(&crew).map_err(Broken::Refused)?;
        if !crew.holds_locks() {
            self.crew = Some(crew);
        }
        Ok(&self.judge.outcome)
    }

    /// Nothing moves: whether nothing ever will.
    fn is_stuck(&mut self, crew: &Crew, quiet: u64) -> Result<bool, Broken> {
        let judged = self.judge(crew);
        let tasks = self.case.programs.tasks();
        if !crew.machine().confirms(tasks, quiet, &self.log) {
            return Ok(false);
        }
        judged.map_err(Broken::Refused)?;
        Ok(self.judge.sim.doomed() == self.judge.sim.unfinished())
    }

    /// Enters what has happened into the simulator, and asks the oracles.
    fn judge(&mut self, crew: &Crew) -> Result<(), Refused> {
        crew.machine().snapshot(self.case.programs.tasks(), &mut self.log);
        self.log.entries.iter_mut().for_each(mend);
        self.judge.adopt(&self.case, &self.options, &self.log)?;
        self.end = crew.end(self.judge.sim.unfinished());
        Ok(())
    }

    /// What the last round ended in.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// The last round as if it had been a run of the simulator: findings in words, splats, steps.
    pub fn judged(&self) -> &Runner {
        &self.judge
    }
}

/// A publication that is not in the section of the zero check reads the count after the fact: what
/// it reads says nothing about the instant of the publication.
fn mend(entry: &mut Entry<Event>) {
    if let Step::Trace(Event::Publish { one_section: false, active, .. }) = &mut entry.step {
        *active = 0;
    }
}

impl Runner {
    /// Judges a run of the case on another machine.
    fn adopt(&mut self, case: &Case, options: &Options, log: &Log<Event>) -> Result<(), Refused> {
        let Options { variant, bug, policy, all_points, recording, .. } = *options;
        let settings = Settings { policy, all_points, max_points: u32::MAX, recording };
        self.sim.reset(settings, |bursts| bursts.plan(&case.schedule));
        self.world.set(&case.config, variant, bug);
        self.options = Some(*options);
        self.sim.set_up(pin!(self.world.history(self.sim.task(0), &case.config)));
        let ending: Ending = self.sim.adopt(case.programs.tasks().min(MAX_TASKS), log)?;
        self.judge(ending, Facts { variant, policy });
        Ok(())
    }
}
