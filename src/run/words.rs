//! Findings in words.

use crate::kvm::trace::Event;
use crate::lockdep::Kind as Reported;
use crate::machine::HeldUp;
use crate::machine::sim::{Inspect, Wait};
#[cfg(feature = "explore")]
use crate::oracle::Signature;
use crate::oracle::{Evidence, Finding, WaitStep, wait_steps};

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

pub(super) fn describe(
    seen: &Inspect<'_, Event>,
    finding: &Finding,
    name: &dyn Fn(u8) -> String,
) -> Described {
    let kind = finding.kind.name();
    match finding.evidence {
        Evidence::Report(index) => report(seen, kind, index),
        Evidence::Waits(index) => waits(seen, finding, index, name),
        Evidence::Invariant(what) => plain(kind, what, what.to_owned()),
        Evidence::At(what, function) => {
            plain(kind, &format!("{what} {function}"), format!("{what}, in {function}"))
        }
        Evidence::Bypassed(what, times) => {
            let times = if times == 1 { "once".to_string() } else { format!("{times} times") };
            plain(kind, what, format!("{what}: passed by later arrivals {times}"))
        }
    }
}

/// The validator's reports in words.
#[cfg(feature = "explore")]
pub(crate) fn describe_reports(seen: &Inspect<'_, Event>) -> Vec<(Signature, Described)> {
    let reports = seen.lockdep.reports().iter().enumerate();
    let words = |(index, reported): (usize, &crate::lockdep::Report)| {
        let kind = crate::oracle::reported_kind(reported.kind).name();
        (Signature(reported.signature), report(seen, kind, index as u16))
    };
    reports.map(words).collect()
}

fn plain(kind: &str, signature: &str, message: String) -> Described {
    Described { signature: format!("{kind} {signature}"), classes: Vec::new(), message }
}

fn report(seen: &Inspect<'_, Event>, kind: &str, index: u16) -> Described {
    let Some(report) = seen.lockdep.reports().get(usize::from(index)) else {
        return plain(kind, "", String::new());
    };
    let text = seen.lockdep.signature(report);
    // A kind that several of the validator's stand for keeps their names.
    let detail = match report.kind {
        Reported::UserHeld | Reported::ExitHeld => text.as_str(),
        _ => text.split_once(' ').map_or("", |(_, detail)| detail),
    };
    let mut classes = seen.lockdep.report_names(report);
    classes.dedup();
    Described {
        signature: format!("{kind} {detail}"),
        classes,
        message: format!("{}: {detail}", title(kind, report.kind)),
    }
}

fn title(kind: &str, reported: Reported) -> &'static str {
    match kind {
        "held-at-exit" if reported == Reported::UserHeld => "lock held on return to user space",
        "held-at-exit" => "lock held at exit",
        "lock-order" => "possible circular locking dependency",
        "recursive-lock" => "possible recursive locking",
        "irq-order" => "possible irq lock inversion",
        "unlock-balance" => "bad unlock balance",
        "sleep-in-atomic" => "invalid wait context",
        _ => "validator report",
    }
}

fn waits(
    seen: &Inspect<'_, Event>,
    finding: &Finding,
    index: u16,
    name: &dyn Fn(u8) -> String,
) -> Described {
    let Some(cycle) = seen.cycles.get(usize::from(index)) else {
        return plain(finding.kind.name(), "", String::new());
    };
    let steps = wait_steps(seen, cycle);
    let names: Vec<String> = steps.iter().map(waited).collect();
    let mut signature = format!("{} {}", finding.kind.name(), names.join(" -> "));
    if let Some(instance) = steps.iter().map(|s| s.instance).find(|i| !i.is_empty()) {
        signature = format!("{signature} {instance}");
    }
    let open = cycle.waits.last().filter(|_| !cycle.closed);
    let end = open.map_or(String::new(), |&(_, wait)| format!(", {}", for_ever(seen, wait)));
    let told: Vec<String> =
        steps.iter().map(|s| format!("{} waits for {}", name(s.task), waited(s))).collect();
    Described {
        signature,
        classes: steps.iter().map(|s| s.name.to_owned()).collect(),
        message: told.join(", ") + &end,
    }
}

/// Why the last wait of a chain that leads to no waiting task never ends. No region is open there:
/// its task could end it, or would wait itself.
pub(crate) fn for_ever(seen: &Inspect<'_, Event>, wait: Wait) -> String {
    let leaked = |name, count: u64| {
        format!("but none is open: {name} has leaked and stays at {}", count as i64)
    };
    match (wait, seen.count(wait)) {
        (Wait::Sleep(_), Some(0)) => "but none is open: the wake-up was lost".to_owned(),
        (Wait::Sleep(_), Some(count)) => leaked("mn_active_invalidate_count", count),
        (Wait::Retry(HeldUp::ByRegion(..)), Some(count)) => leaked("mmu_notifier_count", count),
        (Wait::Retry(_), _) => "which no update will replace".to_owned(),
        _ => "which no task will release".to_owned(),
    }
}

fn waited(step: &WaitStep) -> String {
    match step.mode {
        "" => step.name.to_owned(),
        mode => format!("{}:{mode}", step.name),
    }
}
