//! The case minimiser: the smallest case that still shows the same finding.
//!
//! Greedy and deterministic. Each step proposes a smaller case, in the order in which a reader
//! profits: fewer operations, fewer tasks, no drawn schedule, fewer bursts, less configuration,
//! smaller ranges, plain numbers, named places for counts; what still shows the finding is kept, and the steps are
//! repeated until none succeeds. Shorter programs meet at other moments, so that a step on programs
//! is tried under a handful of schedules; the schedule that showed the finding is then written out
//! and shrunk itself. A bug here would be a result that is illegal, larger, or shows another finding.

mod config;
mod numbers;
mod programs;
mod schedule;
mod size;

pub use size::Size;

use crate::case::legal::{Illegal, Rule};
use crate::case::{Burst, Case, Schedule, Tail};
use crate::oracle::Signature;
use crate::run::{Options, Runner};

/// Runs that a minimisation may take, unless told otherwise.
pub const MAX_RUNS: u32 = 50_000;

/// Who says whether a case still shows what it must.
pub trait Judge {
    /// Whether the case shows the finding.
    fn keeps(&mut self, case: &Case) -> bool;

    /// The schedule that a run of the case executes, as bursts of counted points; where nothing is
    /// known of it, a drawn schedule stays as it is.
    fn executed(&mut self, _case: &Case, _bursts: &mut Vec<Burst>) {}
}

impl<F: FnMut(&Case) -> bool> Judge for F {
    fn keeps(&mut self, case: &Case) -> bool {
        self(case)
    }
}

/// Judges by running: what must stay is a signature.
struct BySignature<'a> {
    runner: &'a mut Runner,
    options: Options,
    keep: Signature,
}

impl BySignature<'_> {
    /// The options with what the case itself says: shrinking may change it.
    fn options(&self, case: &Case, recording: bool) -> Options {
        let Options { all_points, max_points, .. } = self.options;
        Options { all_points, max_points, recording, ..Options::of(case) }
    }
}

impl Judge for BySignature<'_> {
    fn keeps(&mut self, case: &Case) -> bool {
        let options = self.options(case, false);
        let findings = &self.runner.run(case, &options).findings;
        findings.iter().any(|finding| finding.signature == self.keep)
    }

    fn executed(&mut self, case: &Case, bursts: &mut Vec<Burst>) {
        let options = self.options(case, true);
        self.runner.run(case, &options);
        self.runner.executed_bursts(bursts);
    }
}

/// A minimised case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small {
    /// The case.
    pub case: Case,
    /// What each of its tasks was in the case that it came from.
    pub tasks: Vec<u8>,
}

/// The smallest case found, within `runs` runs, that shows the finding of signature `keep` as `case`
/// does under `options`. It names the options' variant, bug and policy. The case itself, so named,
/// if it does not show the finding.
pub fn minimize(
    case: &Case,
    options: &Options,
    keep: Signature,
    runner: &mut Runner,
    runs: u32,
) -> Small {
    let mut case = Case { variant: options.variant, bug: options.bug, ..case.clone() };
    case.config.policy = options.policy;
    small(&case, &mut BySignature { runner, options: *options, keep }, runs)
}

/// The smallest case found that the judge keeps, after at most `runs` questions. The case itself if
/// the judge does not keep it.
///
/// ```
/// use kvm_lock_fuzz::case::{Case, Op};
/// use kvm_lock_fuzz::shrink::shrink;
/// let case: Case = "vm v task a fault gfn 3 write cow 0x100 end task b fault gfn 1".parse().unwrap();
/// let mut faults = |case: &Case| case.programs.ops.iter().any(|op| op.vm().is_some());
/// let small = shrink(&case, &mut faults, 1000);
/// assert_eq!(small.to_string(), "variant counted\nvm vm0\ntask vcpu\n  fault gfn 0x00\n");
/// ```
pub fn shrink(case: &Case, judge: &mut impl Judge, runs: u32) -> Case {
    small(case, judge, runs).case
}

fn small(case: &Case, judge: &mut impl Judge, runs: u32) -> Small {
    let mut search = Search::new(case, judge, runs);
    if !search.ask(case) {
        return search.finish();
    }
    loop {
        let before = Size::of(&search.best);
        programs::reduce(&mut search);
        schedule::reduce(&mut search);
        config::reduce(&mut search);
        numbers::reduce(&mut search);
        if Size::of(&search.best) == before {
            return search.finish();
        }
    }
}

/// The case with the shortest schedule found that the judge keeps, after at most `runs` questions;
/// its programs and configuration stay as they are.
pub fn shorten(case: &Case, judge: &mut impl Judge, runs: u32) -> Case {
    let mut search = Search::new(case, judge, runs);
    if search.ask(case) {
        schedule::reduce(&mut search);
    }
    search.best
}

/// The best case so far, and who judges the next.
struct Search<'a, J> {
    best: Case,
    /// What its tasks were in the case that it came from.
    tasks: Vec<u8>,
    judge: &'a mut J,
    /// Questions left.
    runs: u32,
}

impl<'a, J: Judge> Search<'a, J> {
    fn new(case: &Case, judge: &'a mut J, runs: u32) -> Search<'a, J> {
        let tasks = (0..case.programs.tasks() as u8).collect();
        Search { best: case.clone(), tasks, judge, runs }
    }

    fn finish(self) -> Small {
        Small { case: self.best, tasks: self.tasks }
    }

    fn ask(&mut self, case: &Case) -> bool {
        self.runs > 0 && {
            self.runs -= 1;
            self.judge.keeps(case)
        }
    }

    /// Takes the candidate if it is legal, smaller and kept.
    fn offer(&mut self, candidate: Case) -> bool {
        let taken = is_bearable(&candidate)
            && Size::of(&candidate) < Size::of(&self.best)
            && self.ask(&candidate);
        if taken {
            self.best = candidate;
        }
        taken
    }

    /// Takes the candidate under its own schedule or another one.
    fn offer_rescheduled(&mut self, candidate: Case) -> bool {
        if !is_bearable(&candidate) {
            return false;
        }
        self.offer(candidate.clone())
            || tails().any(|tail| {
                let schedule = Schedule { bursts: Vec::new(), tail };
                self.offer(Case { schedule, ..candidate.clone() })
            })
    }
}

/// Legal, except for the number of bursts: an executed schedule is long before it is shrunk.
fn is_bearable(case: &Case) -> bool {
    !matches!(case.check(), Err(Illegal { rule, .. }) if rule != Rule::TooManyBursts)
}

/// Schedules to try a shorter program under.
fn tails() -> impl Iterator<Item = Tail> {
    let random = (0..24).map(|seed| Tail::Random { seed });
    let pct = (0..8).map(|seed| Tail::Pct { seed, depth: 2 + (seed % 2) as u8 });
    std::iter::once(Tail::Fair).chain(random).chain(pct)
}
