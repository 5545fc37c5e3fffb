//! The random engine: cases drawn from a seed, run in worker processes of this program. It needs
//! nothing that is to be built, so that it finds what there is to find while the fuzz targets are.
//!
//! Case i is a function of seed and i ([`crate::case::random`]), and of the cases that show a finding
//! the smallest stays, of equal ones the first: what a number of cases shows does not depend on the
//! number of workers. A bug in here would be a result that does.

mod child;
mod lane;
mod message;
mod worker;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::slice;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::arm::{Arm, Key};
use super::slice::Crash;
use super::{CrashFound, Engine, Error, First, leftovers, triage};
use crate::case::{Case, random};
use crate::oracle::{Finding, Signature};
use crate::target::collect::{self, size_of};

pub use child::child;
pub use lane::Workers;
pub(super) use lane::{Lane, Told};

/// Cases that a worker is given at a time: some hundredths of a second.
const RANGE: u64 = 256;
/// Cases that loop, after which an arm has no more random cases: each takes a worker twice the limit.
const MAX_TIMEOUTS: u64 = 3;

/// How far an arm's random cases are.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// Cases that were run.
    pub executions: AtomicU64,
    next: AtomicU64,
    timeouts: AtomicU64,
    over: AtomicBool,
    kept: Mutex<Kept>,
}

/// What is on disk of the cases of this campaign.
#[derive(Debug, Default)]
struct Kept {
    /// Size and index of each finding's case.
    findings: BTreeMap<Key, (u64, u64)>,
    /// Index of the case that stands for a crash, by kind and place.
    crashes: BTreeMap<(&'static str, String), u64>,
}

impl Drawn {
    /// The next cases, of `runs` if there is such a bound; `None` where there are no more.
    pub fn take(&self, runs: Option<u64>) -> Option<Range<u64>> {
        let end = runs.unwrap_or(u64::MAX);
        let first = self.next.fetch_add(RANGE, Ordering::Relaxed);
        if first >= end || (runs.is_none() && self.timeouts.load(Ordering::Relaxed) >= MAX_TIMEOUTS)
        {
            self.over.store(true, Ordering::Relaxed);
        }
        (!self.is_over()).then(|| first..end.min(first.saturating_add(RANGE)))
    }

    /// Whether there are no more.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Keeps what a case of the seed showed, `seconds` into the campaign. Returns the finding if the arm
/// has it for the first time.
pub(super) fn keep(
    arm: &Arm,
    seed: u64,
    told: Told,
    seconds: f64,
) -> Result<Option<(Finding, Case)>, Error> {
    match told {
        Told::Finding(index, signature) => finding(arm, seed, index, Signature(signature), seconds),
        Told::Crash(index, crash) => {
            keep_crash(arm, seed, index, crash, seconds)?;
            Ok(None)
        }
    }
}

fn finding(
    arm: &Arm,
    seed: u64,
    index: u64,
    signature: Signature,
    seconds: f64,
) -> Result<Option<(Finding, Case)>, Error> {
    let Some((variant, bug)) = arm.ran() else { return Ok(None) };
    let case = Case { variant, bug, ..Case::decode(&drawn(seed, index)) };
    let Some(finding) = triage::guarded(|| triage::shown(&case, signature)).flatten() else {
        let message = "a replay of the case does not show what the worker found".to_string();
        let place = format!("{:016x}", signature.0);
        let crash = Crash { kind: "unstable", place, message, artifact: Default::default() };
        return keep_crash(arm, seed, index, crash, seconds).map(|()| None);
    };
    let (key, this) = ((finding.kind, signature), (size_of(&case), index));
    let mut kept = arm.drawn.kept.lock().expect("no thread panics with the lock held");
    let known = kept.findings.get(&key).copied();
    if known.is_some_and(|known| known <= this) {
        return Ok(None);
    }
    let is_new = arm.add_finding(key, seconds, Engine::Random);
    let path = arm.artifacts.join(collect::file_name(finding.kind, signature));
    let stored = fs::metadata(&path).ok().map(|meta| meta.len());
    // Of one size the case with the smallest index stays, where the file is known to be ours.
    let is_ours = known.is_some_and(|(size, _)| size == this.0 && stored == Some(size));
    if is_ours || stored.is_none_or(|stored| this.0 < stored) {
        let written = collect::write(&path, &case.encode());
        let kept = written.inspect_err(|_| arm.keep(slice::from_ref(&case)));
        kept.map_err(Error::file("write to", &arm.artifacts))?;
    }
    kept.findings.insert(key, this);
    drop(kept);
    arm.showed(&finding, &case);
    Ok(is_new.then_some((finding, case)))
}

fn keep_crash(arm: &Arm, seed: u64, index: u64, crash: Crash, seconds: f64) -> Result<(), Error> {
    if crash.kind == "timeout" {
        arm.drawn.timeouts.fetch_add(1, Ordering::Relaxed);
    }
    let mut kept = arm.drawn.kept.lock().expect("no thread panics with the lock held");
    let place = (crash.kind, crash.place.clone());
    let known = kept.crashes.get(&place).copied();
    if known.is_some_and(|known| known <= index) {
        return Ok(());
    }
    let artifact = |index| arm.artifacts.join(format!("{}-random-{seed:016x}-{index}", crash.kind));
    let file = artifact(index);
    collect::write(&file, &drawn(seed, index)).map_err(Error::file("write to", &arm.artifacts))?;
    kept.crashes.insert(place, index);
    let first = Some(First { seconds, engine: Engine::Random });
    let found = CrashFound { crash: Crash { artifact: file, ..crash.clone() }, first };
    let Some(old) = known.map(artifact) else {
        arm.add_crash(found);
        return Ok(());
    };
    arm.move_crash(&old, found);
    leftovers::removed(&old)
}

fn drawn(seed: u64, index: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    random::draw(seed, index, &mut bytes);
    bytes
}
