//! What the random cases showed: a comparison of cases in which nothing happens says nothing.

use std::collections::BTreeMap;

use kvm_lock_fuzz::case::{Case, Tail};
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::{Alarm, Inspect, LockKind, Wait, What};
use kvm_lock_fuzz::machine::{HeldUp, Mode};
use kvm_lock_fuzz::mm::trace::Event as MmEvent;
use kvm_lock_fuzz::oracle::{Finding, Kind};
use kvm_lock_fuzz::run::{Options, Runner};

/// What has to be hit, by whatever case.
pub const WANTED: [&str; 15] = [
    "waits for a mutex",
    "waits for a spinning lock",
    "queues for an rwsem to read",
    "queues for an rwsem to write",
    "passes a queued writer",
    "waits for a grace period",
    "sleeps until regions end",
    "retries after a region",
    "retries after an update",
    "nested region",
    "refused START",
    "downgrades",
    "deadlock",
    "lost-wakeup",
    "livelock",
];

/// How often each was hit.
#[derive(Debug, Default)]
pub struct Hits(pub BTreeMap<&'static str, u32>);

impl Hits {
    /// It was hit.
    pub fn hit(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds those of others.
    pub fn add(&mut self, other: &Hits) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// Takes in a recorded run; what is found is counted where all schedules are searched.
    fn see(&mut self, seen: &Inspect<'_, Event>) {
        for record in seen.records {
            if let Some(what) = noted(seen, record.what) {
                self.hit(what);
            }
        }
    }
}

fn noted(seen: &Inspect<'_, Event>, what: What<Event>) -> Option<&'static str> {
    Some(match what {
        What::Blocked(lock, mode) => match (seen.kind(lock), mode) {
            (LockKind::Mutex, _) => "waits for a mutex",
            (LockKind::RwSem, Mode::Read) => "queues for an rwsem to read",
            (LockKind::RwSem, Mode::Write) => "queues for an rwsem to write",
            _ => "waits for a spinning lock",
        },
        What::Waits(Wait::Grace(..)) => "waits for a grace period",
        What::Waits(Wait::Sleep(_)) => "sleeps until regions end",
        What::Waits(Wait::Retry(HeldUp::ByRegion(..))) => "retries after a region",
        What::Waits(Wait::Retry(HeldUp::ByUpdate(_))) => "retries after an update",
        What::Alarm(Alarm::Bypassed(_)) => "passes a queued writer",
        What::Trace(Event::Mm(MmEvent::RegionStart { depth: 1.., .. })) => "nested region",
        What::Trace(Event::Mm(MmEvent::RegionOpen { ok: false, .. })) => "refused START",
        _ => return None,
    })
}

/// Runs random schedules of the case, and returns their findings without those of kind `lock-order`,
/// which one run's dependencies can make longer than those of all.
pub fn random_runs(
    runner: &mut Runner,
    case: &Case,
    schedules: u16,
    hits: &mut Hits,
) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut case = case.clone();
    for seed in 0..schedules {
        case.schedule.tail = match seed % 2 {
            0 => Tail::Random { seed },
            _ => Tail::Pct { seed, depth: 1 + (seed / 2 % 4) as u8 },
        };
        let options = Options { recording: true, ..Options::of(&case) };
        let findings = runner.run(&case, &options).findings.clone();
        runner.inspect(|seen| hits.see(seen));
        all.extend(findings.into_iter().filter(|finding| finding.kind != Kind::LockOrder));
    }
    all
}
