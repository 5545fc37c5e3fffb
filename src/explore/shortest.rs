//! Shortest witnesses: for what a search found, the case that shows it with the fewest bursts.

use super::Found;
use crate::case::Case;
use crate::run::Options;

/// Runs that the search for shortest witnesses takes, unless told otherwise.
pub const SHORTEST_RUNS: u32 = 50_000;

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
/// [`Runner`](crate::run::Runner)'s run of its case.
pub fn shortest(case: &Case, options: &Options, found: &[Found], runs: u32) -> Vec<Option<Short>> {
    let _ = (case, options, found, runs);
    todo!()
}
