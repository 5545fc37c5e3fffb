//! From collected cases to findings: replay, minimise, replay again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::arm::{Collected, Log};
use super::fuzz::Fuzzed;
use super::slice::Crash;
use super::{Arm, ArmReport, CrashFound, Error, First, Plan, Report, fuzz, shares};
use crate::case::Case;
use crate::explore::Witness;
use crate::oracle::{Severity, Signature};
use crate::run::causes::{self, Clue};
use crate::run::{Described, Finding, Options, Runner};
use crate::shrink::{self, Size};

/// Time for minimising all findings together, beside a tenth of the campaign's.
const MINIMISE: Duration = Duration::from_secs(5);
/// Runs for minimising a finding when that time is over.
const LATE_RUNS: u32 = 1000;

/// A finding that a replay of its case shows.
#[derive(Clone, Debug)]
pub struct Found {
    /// The finding.
    pub finding: Finding,
    /// The finding in words.
    pub described: Described,
    /// The smallest case that shows it.
    pub case: Case,
    /// When it came; `None` where an earlier campaign had it.
    pub first: Option<First>,
    /// The case has a planted bug, and without that it does not show the finding.
    pub because_of_bug: bool,
    /// All that a run of the case shows.
    pub shows: Vec<Signature>,
    /// The input that the target collected.
    pub artifact: PathBuf,
    /// Its case is in no file of the results, because it could not be written.
    pub unsaved: bool,
    /// Of a predicted cycle: whether it really hangs.
    pub witness: Option<Witness>,
}

impl Found {
    /// Whether it breaks the verdict.
    pub fn is_violation(&self) -> bool {
        self.finding.severity == Severity::Violation
    }

    /// How large its case is.
    pub fn size(&self) -> Size {
        Size::of(&self.case)
    }

    /// What is known of its cause.
    pub(super) fn clue(&self) -> Clue {
        let shows = self.shows.clone();
        Clue { needs_bug: self.because_of_bug, shows, ..Clue::alone(&self.finding) }
    }
}

/// What a target collected, and the finding unless a replay does not show it.
type Triaged = (Collected, Option<Found>);

/// Makes a report of what the arms collected. Where targets could not be had that random cases do
/// without, their arms are no part of it.
pub(super) fn report(mut arms: Vec<Arm>, plan: &Plan, fuzzed: Fuzzed) -> Report {
    let notice = fuzzed.unbuilt.as_ref().map(|error| format!("random cases only: {error}"));
    if fuzzed.unbuilt.as_ref().is_some_and(Error::is_lack) {
        arms.retain(|arm| arm.ran().is_some());
    }
    let end = Instant::now() + MINIMISE + plan.time / 10;
    let collected = |arm: &Arm| arm.collected().unwrap_or_else(|_| arm.unsaved());
    let all: Vec<_> = arms.iter().flat_map(collected).collect();
    let enough = shares::enough(&fuzz::groups(&arms, plan), plan.jobs);
    let mut found = all_found(all, plan.jobs, end);
    let mut reports = Vec::new();
    for arm in arms {
        let (of_arm, rest) =
            found.into_iter().partition(|(at, _)| at.path.starts_with(&arm.artifacts));
        found = rest;
        reports.push(arm_report(arm, of_arm, &fuzzed, enough));
    }
    let notice = notice.filter(|_| plan.runs.is_none() && !fuzzed.interrupted);
    let Fuzzed { time, interrupted, failure, .. } = fuzzed;
    let runs = plan.runs;
    Report { arms: reports, time, runs, interrupted, notice, failure, unsaved: None }
}

fn arm_report(arm: Arm, triaged: Vec<Triaged>, fuzzed: &Fuzzed, enough: Duration) -> ArmReport {
    let log = arm.log();
    let executions = arm.total();
    let (mut findings, mut crashes) = (Vec::new(), log.crashes.clone());
    for (collected, found) in triaged {
        let first = log.findings.get(&collected.key).copied().flatten();
        match found {
            Some(found) => findings.push(Found { first, ..found }),
            None => crashes.push(unstable(collected, first)),
        }
    }
    findings.sort_by_key(|f| (f.finding.severity, f.finding.kind, f.finding.signature));
    ArmReport {
        target: arm.target.name,
        variant: arm.variant,
        bug: arm.bug,
        executions,
        drawn: arm.drawn.executions.load(Ordering::Relaxed),
        edges: log.edges,
        findings,
        crashes,
        incomplete: log.failure.clone().or_else(|| idle(executions, &log, fuzzed, enough)),
    }
}

/// Why an arm without a known failure ran nothing. `enough` is a time in which every arm has a turn.
fn idle(executions: u64, log: &Log, fuzzed: &Fuzzed, enough: Duration) -> Option<String> {
    let no_turn = || match (fuzzed.interrupted || fuzzed.failure.is_some(), &fuzzed.unbuilt) {
        (true, _) => "no turn came before the fuzzing was stopped".to_string(),
        (false, Some(error)) => error.to_string(),
        (false, None) => {
            let seconds = enough.as_secs();
            format!("no turn came before the time was over; give --seconds {seconds} or more")
        }
    };
    match (executions, log.slices) {
        _ if log.crashed > 0 => None,
        (1.., _) => None,
        (0, 0) => Some(no_turn()),
        (0, 1) => Some("the target ran no execution in its one slice".to_string()),
        (0, n) => Some(format!("the target ran no execution in {n} slices")),
    }
}

/// What a target collected and a replay does not show: a run that is no function of its case.
fn unstable(collected: Collected, first: Option<First>) -> CrashFound {
    let message = "a replay of the case does not show what the target found".to_string();
    let place = collected.key.0.name().to_string();
    let crash = Crash { kind: "unstable", place, message, artifact: collected.path };
    CrashFound { crash, first }
}

/// Minimises all cases, as many at a time as there are jobs.
fn all_found(collected: Vec<Collected>, jobs: usize, end: Instant) -> Vec<Triaged> {
    let (left, all) = (Mutex::new(collected), Mutex::new(Vec::new()));
    let next = || left.lock().expect("no thread panics with the lock held").pop();
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(collected) = next() {
                    let found = guarded(|| find(&collected, end)).flatten();
                    let mut all = all.lock().expect("no thread panics with the lock held");
                    all.push((collected, found));
                }
            });
        }
    });
    all.into_inner().expect("no thread panics with the lock held")
}

/// The finding of a collected file, its case minimised; `None` if a replay does not show it.
fn find(collected: &Collected, end: Instant) -> Option<Found> {
    let mut runner = Runner::new();
    let signature = collected.key.1;
    let case = collected.case()?;
    shows(&mut runner, &case, signature)?;
    let runs = if Instant::now() < end { shrink::MAX_RUNS } else { LATE_RUNS };
    let small = shrink::minimize(&case, &Options::of(&case), signature, &mut runner, runs).case;
    let case = if shows(&mut runner, &small, signature).is_some() { small } else { case };
    let because_of_bug = needs_bug(&case, signature);
    let finding = shows(&mut runner, &case, signature)?;
    let shows = runner.outcome().findings.iter().map(|finding| finding.signature).collect();
    let described = runner.describe_in(&case, &finding);
    let artifact = collected.path.clone();
    let (first, witness, unsaved) = (None, None, false);
    Some(Found {
        finding,
        described,
        case,
        first,
        because_of_bug,
        shows,
        artifact,
        unsaved,
        witness,
    })
}

/// What a panic interrupts counts as not shown: one bad case must not cost the other results.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Whether the collected file still shows the finding.
pub(super) fn replays(collected: &Collected) -> bool {
    let shown = |case| shows(&mut Runner::new(), &case, collected.key.1).is_some();
    guarded(|| collected.case().is_some_and(shown)).unwrap_or(false)
}

/// The finding of a collected file, and its case.
pub(super) fn collected(collected: &Collected) -> Option<(Finding, Case)> {
    let case = collected.case()?;
    let finding = guarded(|| shown(&case, collected.key.1)).flatten()?;
    Some((finding, case))
}

/// The finding of that signature, if a run of the case shows it.
pub(super) fn shown(case: &Case, signature: Signature) -> Option<Finding> {
    shows(&mut Runner::new(), case, signature)
}

/// What the finding of that signature says in a run of the case.
pub(super) fn message(case: &Case, signature: Signature) -> Option<String> {
    let mut runner = Runner::new();
    let finding = shows(&mut runner, case, signature)?;
    Some(runner.describe_in(case, &finding).message)
}

/// Whether the case has a planted bug and does not show the finding without.
pub(super) fn needs_bug(case: &Case, signature: Signature) -> bool {
    causes::needs_bug(&mut Runner::new(), case, signature)
}

fn shows(runner: &mut Runner, case: &Case, signature: Signature) -> Option<Finding> {
    let outcome = runner.run(case, &Options::of(case));
    outcome.findings.iter().find(|finding| finding.signature == signature).copied()
}
