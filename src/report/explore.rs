//! The verdict of a search, for people and as JSON.

use serde::Serialize;

use super::answers::{self, Answers};
use super::count::number;
use super::json::{self, Entry, Verdict};
use super::page::Page;
use super::text::by_cause;
use super::witness::Answer;
use crate::case::Case;
use crate::case::text::Names;
use crate::explore::session::{Searched, Stop};
use crate::explore::{Coverage, RowJson, Short, ShownFinding, Witness};
use crate::oracle::Severity;
use crate::run::Runner;
use crate::run::causes::{self, Clue};

/// The verdict of a search as JSON: that of a run, and what only a search knows.
#[derive(Clone, Debug, Serialize)]
pub struct Explored {
    #[serde(flatten)]
    verdict: Verdict,
    /// Different states.
    states: usize,
    /// Bytes that the search took, roughly.
    memory: usize,
    /// Preemptions that a schedule may have; null for any number.
    max_preemptions: Option<u8>,
    /// Every schedule of up to this number of preemptions was covered; null without such a bound.
    preemptions: Option<u8>,
    /// Under which policies the programs hang; null where nothing does.
    policies: Option<Vec<RowJson>>,
}

/// The case of a finding, and what is known of it.
#[derive(Clone, Debug, Serialize)]
pub struct Shortest {
    /// Bursts of its schedule.
    bursts: usize,
    /// Scheduling points in them.
    steps: u32,
    /// No schedule is shorter.
    proven: bool,
}

/// Whether the search found a violation.
pub fn violated(searched: &Searched) -> bool {
    searched.shown.findings.iter().any(|shown| shown.finding.severity == Severity::Violation)
}

/// The verdict as JSON. `file` names the files of cases.
pub fn json(searched: &Searched, file: &dyn Fn(&Case) -> Option<String>) -> Explored {
    let Searched { case, names, options, explored, shown, max_preemptions, .. } = searched;
    let mut entries: Vec<Entry> =
        shown.findings.iter().map(|shown| entry(shown, names, file)).collect();
    for (i, lead) in leads(searched).into_iter().enumerate() {
        entries[i].group = Some(entries[lead].signature.clone());
    }
    let counts = explored.progress.counts;
    let verdict = json::explored(case, options.policy.name(), violated(searched), entries);
    Explored {
        verdict: Verdict {
            exhausted: explored.exhausted(),
            bound: bound(searched),
            schedules: counts.schedules,
            answers: Answers::of(&shown.taken, &searched.limits),
            ..verdict
        },
        states: explored.progress.states,
        memory: explored.progress.memory,
        max_preemptions: *max_preemptions,
        preemptions: explored.preemptions,
        policies: shown.matrix.as_ref().map(|matrix| matrix.json(names)),
    }
}

fn entry(shown: &ShownFinding, names: &Names, file: &dyn Fn(&Case) -> Option<String>) -> Entry {
    let case = shown.short.as_ref().map(|short| &short.case);
    let shortest = shown.short.as_ref();
    let answer = |witness: &Witness| Answer {
        file: witness.shown().and_then(file),
        ..Answer::new(witness, names, file)
    };
    Entry {
        shortest: shortest.map(|short| Shortest {
            bursts: short.case.schedule.bursts.len(),
            steps: short.steps,
            proven: short.proven,
        }),
        witness: shown.witness.as_ref().map(answer),
        file: case.and_then(file),
        ..Entry::explored(&shown.finding, shown.described.clone(), case, names)
    }
}

/// What stopped the search; nothing if all schedules were tried.
fn bound(searched: &Searched) -> Option<String> {
    let Searched { explored, stopped, max_preemptions, .. } = searched;
    let flaw = explored.coverage.flaw().map(str::to_string);
    match (stopped, max_preemptions) {
        _ if explored.coverage == Coverage::Strayed => flaw,
        (Some(Stop::Schedules(most)), _) => Some(format!("{most} schedules")),
        (Some(Stop::States(most)), _) => Some(format!("{most} states")),
        (Some(Stop::Memory(most)), _) => Some(format!("{most} of memory")),
        (Some(Stop::System(at)), _) => Some(format!("no memory left in the system at {at}")),
        (Some(Stop::Time(time)), _) => Some(format!("{} s", time.as_secs())),
        (Some(Stop::Interrupted), _) => Some("interrupted".to_string()),
        (None, Some(most)) if explored.coverage == Coverage::Preemptions => {
            Some(number(u64::from(*most), "preemption"))
        }
        (None, _) => flaw,
    }
}

/// The verdict for people: one line, every finding with its case, and the policies. `file` names the
/// files of cases; those that have none stand in the text.
pub fn text(searched: &Searched, file: &dyn Fn(&Case) -> Option<String>) -> String {
    let mut page = Page::new(headline(searched), &searched.names, file);
    let leads = leads(searched);
    for i in by_cause(&leads) {
        told(&mut page, &searched.shown.findings[i], leads[i] == i);
    }
    if let Some(matrix) = &searched.shown.matrix {
        page.apart();
        page.text.push_str("rwsem policies under which these programs hang:\n");
        page.indented(&matrix.text());
    }
    page.finish()
}

/// For each finding the one that stands for its cause: the first of those that go away with the planted
/// bug. One that no single run shows stands for itself.
fn leads(searched: &Searched) -> Vec<usize> {
    let mut runner = Runner::new();
    let clue = |shown: &ShownFinding| match &shown.short {
        Some(short) => Clue::of_run(&shown.finding, &short.case, &mut runner),
        None => Clue::alone(&shown.finding),
    };
    causes::leads(&searched.shown.findings.iter().map(clue).collect::<Vec<_>>())
}

fn headline(searched: &Searched) -> String {
    let Searched { case, options, explored, .. } = searched;
    let bug = case.bug.map_or(String::new(), |bug| format!(" with bug {}", bug.id()));
    let progress = &explored.progress;
    format!(
        "variant {}{bug}, rwsems {}: {}, {}, {}, {} ({} MiB){}\n",
        options.variant.name(),
        options.policy.name(),
        sum(searched),
        extent(searched),
        number(progress.counts.schedules, "schedule"),
        number(progress.states as u64, "state"),
        progress.memory.div_ceil(1 << 20),
        answers::head(&searched.shown.taken, &searched.limits),
    )
}

fn sum(searched: &Searched) -> String {
    let findings = searched.shown.findings.iter();
    let documented = findings.filter(|f| f.finding.severity == Severity::Documented).count();
    let clean = if searched.explored.exhausted() { "clean" } else { "clean so far" };
    match (violated(searched), documented) {
        (true, _) => "violation".to_string(),
        (false, 0) => clean.to_string(),
        (false, documented) => format!("{clean} ({documented} documented)"),
    }
}

/// How far the search came.
fn extent(searched: &Searched) -> String {
    let Some(bound) = bound(searched) else { return "exhausted".to_string() };
    let covered = searched.explored.preemptions.map(|most| match most {
        0 => "every schedule without a preemption".to_string(),
        most => format!("every schedule of up to {}", number(most.into(), "preemption")),
    });
    let stopped = searched.stopped.map(|stop| match stop {
        Stop::Schedules(most) => format!("stopped by --max-schedules {most}"),
        Stop::States(most) => format!("stopped by --max-states {most}"),
        Stop::Memory(most) => format!("stopped by --max-memory {most}"),
        Stop::System(at) => {
            format!("stopped because the system gave no more memory than {at}; see --max-memory")
        }
        Stop::Time(time) => format!("stopped by --seconds {}", time.as_secs()),
        Stop::Interrupted => "interrupted".to_string(),
    });
    match (covered, stopped) {
        (Some(covered), Some(stopped)) => format!("{covered}, of more {stopped}"),
        (Some(all), None) | (None, Some(all)) => all,
        (None, None) => format!("not exhausted because of {bound}"),
    }
}

/// A finding, its shortest case, and the answer if it is a predicted cycle. `leads` where it stands for
/// its cause.
fn told(page: &mut Page<'_>, shown: &ShownFinding, leads: bool) {
    let kind = shown.finding.kind.name();
    match leads {
        true => page.finding(&shown.finding, &shown.described),
        false => page.symptom(&shown.finding, &shown.described),
    }
    match &shown.short {
        None => page.text.push_str("    no single run shows it: several teach the validator\n"),
        Some(short) => page.case(&size(short), &short.case, kind),
    }
    if let Some(witness) = &shown.witness {
        page.witness(witness, kind);
    }
}

/// How short the case is.
fn size(short: &Short) -> String {
    let proven = if short.proven { "shortest case" } else { "short case" };
    match short.case.schedule.bursts.len() {
        0 => format!("{proven}, no burst needed"),
        bursts => {
            let steps = number(short.steps.into(), "step");
            format!("{proven}, {}, {steps}", number(bursts as u64, "burst"))
        }
    }
}
