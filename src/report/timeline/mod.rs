//! The timeline of a recorded run: a lane for each task, a row for each step, and the step that
//! breaks an invariant marked.
//!
//! Locks carry lockdep's names and are taken by the kernel's verbs, so that every row can be
//! searched for in the source. Reads and writes of plain words are left out where a tracepoint says
//! what they mean. A bug here is a row that misses, a name cut short, or a mark at another step than
//! the one that the finding is about.

mod lanes;
mod marks;
mod names;
mod scene;
mod steps;

use std::fmt::Write;

use crate::case::Case;
use crate::case::text::Names as TaskNames;
use crate::kvm::trace::Event;
use crate::machine::sim::{Alarm, Cycle, Inspect, Record, What};
use crate::oracle::{Evidence, Finding, Severity};
use crate::run::{Ending, Outcome, Runner, for_ever};
use lanes::{Lanes, Mark, wrap};
use names::Names;
use scene::Scene;

/// Columns of the text above and below the lanes.
const TEXT: usize = 100;

/// What the model can claim, in one sentence.
const CLAIM: &str = "What the model finds is a claim about KVM only where the modelled steps are \
                     KVM's: compare the marked rows with the source of the variant.";

/// The timeline of `runner`'s last run, which was one of `case` and recorded
/// ([`Options::recording`](crate::run::Options::recording)); tasks go by those names.
///
/// ```
/// use kvm_lock_fuzz::case::{Case, text::Names};
/// use kvm_lock_fuzz::report::timeline::timeline;
/// use kvm_lock_fuzz::run::{Options, Runner};
/// let case = Case::parse(b"variant rwsem\nvm vm0\ntask t\n  munmap 0x0..0x1\n  end\n").unwrap();
/// let mut runner = Runner::new();
/// runner.run(&case, &Options { recording: true, ..Options::of(&case) });
/// assert!(timeline(&case, &Names::default(), &runner).contains("<== lock-order"));
/// ```
pub fn timeline(case: &Case, names: &TaskNames, runner: &Runner) -> String {
    let described: Vec<String> =
        runner.outcome().findings.iter().map(|f| runner.describe(f).message).collect();
    let mut text = header(runner);
    runner.inspect(|seen| {
        let names = Names::new(case, names, seen);
        let mut story = Story::new(&names, seen, runner.outcome(), &described);
        story.tell();
        let Story { lanes, scene, .. } = story;
        text.push_str(&lanes.page());
        for finding in &runner.outcome().findings {
            text.push_str(&who_waits_for_whom(finding, seen, &scene, &names));
        }
    });
    for line in wrap(CLAIM, TEXT) {
        let _ = write!(text, "\n{line}");
    }
    text.push('\n');
    text
}

/// Variant, policy and verdict.
fn header(runner: &Runner) -> String {
    let Some(options) = runner.options() else { return String::new() };
    let outcome = runner.outcome();
    let bug = options.bug.map_or_else(String::new, |bug| format!(" with bug {}", bug.id()));
    let violated = outcome.findings.iter().any(|f| f.severity == Severity::Violation);
    let verdict = if violated { "violation" } else { "clean" };
    let mut kinds: Vec<&str> = outcome.findings.iter().map(|f| f.kind.name()).collect();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push("nothing");
    }
    let ending = match outcome.ending {
        Ending::Finished => "every task finished",
        Ending::Stuck => "tasks are stuck",
        Ending::Bound => "cut by the bound on scheduling points",
    };
    let (variant, policy) = (options.variant.name(), options.policy.name());
    format!(
        "variant {variant}{bug}, rwsems {policy}: {verdict}, {ending}\n\
         found: {}\n\
         lanes: `|` could run, `:` waits; (r) shared, (w) exclusive; <== breaks an invariant\n\n",
        kinds.join(", ")
    )
}

/// The rows as they come about.
struct Story<'a> {
    names: &'a Names<'a>,
    seen: &'a Inspect<'a, Event>,
    outcome: &'a Outcome,
    described: &'a [String],
    lanes: Lanes,
    scene: Scene,
    /// Where each finding is marked.
    marks: Vec<usize>,
    running: Option<u8>,
    /// What each task was last said to hold.
    said: Vec<String>,
}

impl<'a> Story<'a> {
    fn new(
        names: &'a Names<'a>,
        seen: &'a Inspect<'a, Event>,
        outcome: &'a Outcome,
        described: &'a [String],
    ) -> Story<'a> {
        let marks = outcome.findings.iter().map(|f| marks::place(seen, f)).collect();
        let lanes = Lanes::new(names.tasks());
        let scene = Scene::default();
        let said = vec![String::new(); names.tasks().len()];
        Story { names, seen, outcome, described, lanes, scene, marks, running: None, said }
    }

    fn tell(&mut self) {
        let first = self.history();
        for (at, record) in self.seen.records.iter().enumerate().skip(first) {
            if !passive(record, &self.scene) {
                self.switch_to(record.task);
            }
            if let Some(words) = steps::words(record, &mut self.scene, self.names) {
                self.row(record, &words);
            }
            self.mark_lane(at, record);
            self.mark_findings(at, record.task);
        }
        if let Some(task) = self.running {
            self.note_holds(task);
        }
    }

    /// What happened before the tasks started takes one line; returns the first record after it.
    fn history(&mut self) -> usize {
        let begins = |r: &Record<Event>| matches!(r.what, What::Trace(Event::Op(_)));
        let first = self.seen.records.iter().position(begins).unwrap_or(0);
        if first > 0 {
            self.lanes.note(0, "(before: mms are made and subscribers register under mmap_lock)");
        }
        first
    }

    fn row(&mut self, record: &Record<Event>, words: &str) {
        match record.what {
            What::Trace(Event::Op(_)) => self.lanes.note(record.task, words),
            _ => self.lanes.row(record.event, record.task, words),
        }
    }

    /// Another task runs: what the last one keeps is said where it stops.
    fn switch_to(&mut self, task: u8) {
        if self.running == Some(task) {
            return;
        }
        if let Some(last) = self.running.replace(task) {
            self.note_holds(last);
        }
    }

    fn note_holds(&mut self, task: u8) {
        let holds = self.scene.holds(task, self.names);
        let Some(said) = self.said.get_mut(usize::from(task)) else { return };
        if !holds.is_empty() && *said != holds {
            self.lanes.note(task, &format!("-- holds {holds}"));
        }
        *said = holds;
    }

    /// What the lane shows from this record on.
    fn mark_lane(&mut self, at: usize, record: &Record<Event>) {
        let last = self.seen.records[at + 1..].iter().all(|later| later.task != record.task);
        match record.what {
            What::Blocked(..) | What::Waits(_) => self.lanes.mark(record.task, Mark::Waiting),
            What::Acquired(..) | What::Resumed => self.lanes.mark(record.task, Mark::Ready),
            _ => {}
        }
        if last && self.outcome.ending == Ending::Finished {
            self.lanes.mark(record.task, Mark::Done);
        }
    }

    fn mark_findings(&mut self, at: usize, task: u8) {
        for (i, finding) in self.outcome.findings.iter().enumerate() {
            if self.marks[i] != at {
                continue;
            }
            let waits = cycle(finding, self.seen);
            let message = match waits.map(|waits| told(waits, self.seen, &self.scene, self.names)) {
                Some(waits) => waits.join("; "),
                None => self.described[i].clone(),
            };
            self.lanes.note(task, &mark(finding, &message));
        }
    }
}

fn mark(finding: &Finding, message: &str) -> String {
    let kind = finding.kind.name();
    match finding.severity {
        Severity::Violation => format!("<== {kind}: {message}"),
        Severity::Documented => format!("<== {kind} (documented): {message}"),
    }
}

/// Whether the record's task did not run for it: it was given a lock, or found to be stuck.
fn passive(record: &Record<Event>, scene: &Scene) -> bool {
    match record.what {
        What::Acquired(lock, _) => scene.waits_for(record.task, lock),
        What::Alarm(Alarm::Stuck(..) | Alarm::Bypassed(_)) => true,
        _ => false,
    }
}

/// The waits behind a finding, one line each; empty where it is no matter of waits.
fn who_waits_for_whom(
    finding: &Finding,
    seen: &Inspect<'_, Event>,
    scene: &Scene,
    names: &Names<'_>,
) -> String {
    let Some(waits) = cycle(finding, seen) else { return String::new() };
    let mut text = format!("\n{}: who waits for whom\n", finding.kind.name());
    for wait in told(waits, seen, scene, names) {
        let _ = writeln!(text, "  {wait}");
    }
    text
}

fn cycle<'a>(finding: &Finding, seen: &'a Inspect<'_, Event>) -> Option<&'a Cycle> {
    let Evidence::Waits(index) = finding.evidence else { return None };
    seen.cycles.get(usize::from(index))
}

/// Each wait of a cycle, and whom it is for.
fn told(cycle: &Cycle, seen: &Inspect<'_, Event>, scene: &Scene, names: &Names<'_>) -> Vec<String> {
    let wait = |at: usize| {
        let (task, wait) = cycle.waits[at];
        let what = format!("{} waits for {}", names.task(task), names.awaited(wait));
        let next = match at + 1 < cycle.waits.len() {
            true => Some(cycle.waits[at + 1].0),
            false => cycle.closed.then_some(cycle.waits[0].0),
        };
        match next {
            Some(other) => format!("{what}, {} {}", scene.because(wait, other), names.task(other)),
            None => format!("{what}, {}", for_ever(seen, wait)),
        }
    };
    (0..cycle.waits.len()).map(wait).collect()
}
