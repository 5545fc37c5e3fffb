//! At which record each finding belongs.

use crate::kvm::trace::Event;
use crate::lockdep::Kind as Reported;
use crate::machine::sim::{Alarm, Inspect, Record, What};
use crate::machine::{LockId, Mode};
use crate::oracle::{Evidence, Finding};

/// The index of the record at which the finding showed; the last where none can be named.
pub(super) fn place(seen: &Inspect<'_, Event>, finding: &Finding) -> usize {
    let found = match finding.evidence {
        Evidence::Report(index) => reported(seen, index),
        Evidence::Waits(index) => closed(seen, index),
        _ => last_step(seen, finding),
    };
    found.unwrap_or(seen.records.len().saturating_sub(1))
}

/// Where the last of the waiting tasks blocked, or the task that is waited for finished.
fn closed(seen: &Inspect<'_, Event>, index: u16) -> Option<usize> {
    let cycle = seen.cycles.get(usize::from(index))?;
    let waits = |record: &Record<Event>| {
        matches!(record.what, What::Blocked(..) | What::Waits(_))
            && cycle.waits.iter().any(|&(task, _)| task == record.task)
    };
    seen.records.iter().rposition(waits)
}

/// The last tracepoint or alarm of the finding's task at the finding's event.
fn last_step(seen: &Inspect<'_, Event>, finding: &Finding) -> Option<usize> {
    seen.records.iter().rposition(|record| {
        (record.event, record.task) == (finding.event, finding.task)
            && matches!(record.what, What::Trace(_) | What::Alarm(_))
    })
}

/// Where the validator reported it, or where the dependency came that closed its cycle.
fn reported(seen: &Inspect<'_, Event>, index: u16) -> Option<usize> {
    let report = seen.lockdep.reports().get(usize::from(index))?;
    if report.kind != Reported::Circular {
        let alarm = seen.records.iter().position(
            |r| matches!(r.what, What::Alarm(Alarm::Validator(report)) if report == index),
        )?;
        return Some(acquisition(seen, alarm));
    }
    let wanted = seen.lock_of(report.subject?.lock.instance())?;
    let held = seen.lock_of(report.other?.lock.instance())?;
    closing(seen, report.task.index() as u8, held, wanted)
}

/// The validator speaks before the task gets or awaits the lock: that step, where there is one.
fn acquisition(seen: &Inspect<'_, Event>, alarm: usize) -> usize {
    let Record { event, task, .. } = seen.records[alarm];
    let after = &seen.records[alarm + 1..];
    let step = after
        .iter()
        .position(|r| (r.event, r.task) == (event, task) && !matches!(r.what, What::Alarm(_)));
    match step {
        Some(step) if asked(&after[step]).is_some() => alarm + 1 + step,
        _ => alarm,
    }
}

/// The first time that the task asked for `wanted` with `held` as the lock that it took last.
fn closing(seen: &Inspect<'_, Event>, task: u8, held: LockId, wanted: LockId) -> Option<usize> {
    let mut stack: Vec<LockId> = Vec::new();
    for (at, record) in seen.records.iter().enumerate().filter(|(_, r)| r.task == task) {
        match asked(record) {
            Some(lock) if lock == wanted && stack.last() == Some(&held) => return Some(at),
            _ => {}
        }
        match record.what {
            What::Acquired(lock, Mode::Read) if stack.contains(&lock) && downgraded(seen, at) => {}
            What::Acquired(lock, _) => stack.push(lock),
            What::Released(lock) => {
                stack.iter().rposition(|&l| l == lock).map(|slot| stack.remove(slot));
            }
            _ => {}
        }
    }
    None
}

/// The lock that the record's task asks for.
fn asked(record: &Record<Event>) -> Option<LockId> {
    match record.what {
        What::Acquired(lock, _) | What::Blocked(lock, _) => Some(lock),
        _ => None,
    }
}

/// Whether the acquisition at that record only turned an exclusive hold into a shared one.
fn downgraded(seen: &Inspect<'_, Event>, at: usize) -> bool {
    let record = &seen.records[at];
    let before = seen.records[..at].iter().rev().filter(|r| r.task == record.task);
    let last = before.map(|r| r.what).find(|what| match (record.what, what) {
        (What::Acquired(lock, _), What::Acquired(other, _) | What::Released(other)) => {
            lock == *other
        }
        _ => false,
    });
    matches!(last, Some(What::Acquired(_, Mode::Write)))
}
