//! Case to outcome: the one entry for targets, command line, search and shrinker.

use crate::case::Case;
use crate::kvm::{Bug, Variant};
use crate::machine::Policy;
use crate::oracle::{Kind, Severity, Signature};

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
        }
    }
}

/// One finding of a run; `Runner::describe` puts it into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is a case of.
    pub kind: Kind,
    /// How it counts.
    pub severity: Severity,
    /// Its identity across runs.
    pub signature: Signature,
    /// The event of the run at which it showed.
    pub event: u32,
    /// The task that ran then.
    pub task: u8,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every task finished its program.
    Finished,
    /// Tasks are left that nobody can wake.
    Stuck,
    /// The bound on scheduling points cut the run.
    Bound,
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

/// A finding in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Canonical text of the signature, one line.
    pub signature: String,
    /// Lock classes and waits of the finding, by lockdep's names.
    pub classes: Vec<String>,
    /// One line: what happened.
    pub message: String,
}

/// Runs cases. Reusable: a run resets what the one before it touched and allocates nothing.
#[derive(Debug)]
pub struct Runner {
    outcome: Outcome,
}

impl Default for Runner {
    fn default() -> Self {
        Runner::new()
    }
}

impl Runner {
    /// A runner with empty state.
    pub fn new() -> Runner {
        Runner {
            outcome: Outcome {
                findings: Vec::new(),
                ending: Ending::Finished,
                points: 0,
                events: 0,
            },
        }
    }

    /// Runs the case. A pure function of its arguments.
    pub fn run(&mut self, _case: &Case, _options: &Options) -> &Outcome {
        &self.outcome
    }

    /// Puts a finding of the last run into words.
    pub fn describe(&self, finding: &Finding) -> Described {
        Described {
            signature: finding.kind.name().to_string(),
            classes: Vec::new(),
            message: finding.kind.name().to_string(),
        }
    }
}
