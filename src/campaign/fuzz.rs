//! The fuzzing itself: workers that run slices, and a monitor that notes when a finding came.

use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::arm::Arm;
use super::progress::Progress;
use super::shares::{Shares, Yield};
use super::slice::{self, Slice};
use super::work::Work;
use super::{CrashFound, Error, Plan, triage};

/// How often the monitor looks for findings.
const TICK: Duration = Duration::from_millis(20);

/// How the fuzzing went.
#[derive(Debug)]
pub(super) struct Fuzzed {
    /// How long it took.
    pub time: Duration,
    /// It was ended early.
    pub interrupted: bool,
    /// What ended it early, if that was not its user.
    pub failure: Option<Error>,
}

struct Fuzz<'a> {
    binaries: &'a Path,
    work: &'a Work,
    arms: &'a [Arm],
    plan: &'a Plan,
    stop: &'a AtomicBool,
    shares: Mutex<Shares>,
    failure: OnceLock<Error>,
    start: Instant,
}

/// Fuzzes the arms for the time of the plan, or until what they find can not be kept.
pub(super) fn run(
    binaries: &Path,
    work: &Work,
    arms: &[Arm],
    plan: &Plan,
    stop: &AtomicBool,
) -> Fuzzed {
    let total = plan.time * plan.jobs as u32;
    let main = arms.iter().map(|arm| arm.target.per_variant);
    let shares = Mutex::new(Shares::new(main, total));
    let (failure, start) = (OnceLock::new(), Instant::now());
    let fuzz = Fuzz { binaries, work, arms, plan, stop, shares, failure, start };
    fuzz.run();
    let (time, interrupted) = (fuzz.start.elapsed(), stop.load(Ordering::Relaxed));
    Fuzzed { time, interrupted, failure: fuzz.failure.into_inner() }
}

impl Fuzz<'_> {
    fn run(&self) {
        let progress = Progress::new(self.plan.time);
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.plan.jobs).map(|_| scope.spawn(|| self.work())).collect();
            while !workers.iter().all(|worker| worker.is_finished()) {
                self.watch();
                progress.show(self.start.elapsed(), self.arms);
                thread::sleep(TICK);
            }
        });
        self.watch();
    }

    /// One worker: slice after slice until the time is over.
    fn work(&self) {
        while let Some((arm, length, seed)) = self.next() {
            let begin = Instant::now();
            let known = self.arms[arm].log().findings.len();
            let slice = self.slice(arm, length, seed);
            self.arms[arm].keep(&slice.unsaved);
            self.note(&self.arms[arm]);
            let brought = self.brought(arm, known, &slice);
            self.ended(&self.arms[arm], slice);
            let unused = length.saturating_sub(begin.elapsed());
            self.shares().done(arm, brought, unused);
            if self.arms[arm].is_over() {
                self.shares().retire(arm);
            }
        }
    }

    /// What the end of a slice says of its arm.
    fn ended(&self, arm: &Arm, slice: Slice) {
        let mut log = arm.log();
        log.slices += 1;
        log.edges = log.edges.max(slice.edges);
        let idle = slice.executions == 0 && slice.crash.is_none() && !self.is_stopped();
        let failed = idle || slice.failure.is_some();
        log.failed = if failed { log.failed + 1 } else { 0 };
        drop(log);
        if let Some(cause) = slice.failure {
            arm.fail(cause);
        }
        self.crashed(arm, slice.crash);
        if let Err(error) = arm.check() {
            self.fail(arm, error);
        }
    }

    /// What is found can not be kept, or not be read: the fuzzing ends.
    fn fail(&self, arm: &Arm, error: Error) {
        arm.fail(error.to_string());
        // The first of several is as good as any.
        let _ = self.failure.set(error);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.failure.get().is_some()
    }

    fn shares(&self) -> std::sync::MutexGuard<'_, Shares> {
        self.shares.lock().expect("no thread panics with the lock held")
    }

    fn next(&self) -> Option<(usize, Duration, u32)> {
        if self.is_stopped() {
            return None;
        }
        let left = self.plan.time.saturating_sub(self.start.elapsed());
        let mut shares = self.shares();
        let (arm, length) = shares.next(left)?;
        Some((arm, length, seed(self.plan.seed, arm, shares.slices(arm))))
    }

    fn slice(&self, arm: usize, length: Duration, seed: u32) -> Slice {
        let arm = &self.arms[arm];
        let ended = || self.is_stopped() || arm.is_over();
        let command = arm.command(self.binaries, self.work, seed);
        slice::run(command, length, arm.patience(), &ended, &arm.executions)
    }

    fn brought(&self, arm: usize, known: usize, slice: &Slice) -> Yield {
        match slice.new_inputs {
            _ if self.arms[arm].log().findings.len() > known => Yield::Finding,
            0 => Yield::Nothing,
            _ => Yield::Coverage,
        }
    }

    fn crashed(&self, arm: &Arm, crash: Option<slice::Crash>) {
        let Some(crash) = crash else { return };
        arm.log().crashed += 1;
        arm.add_crash(CrashFound { crash, first: Some(self.start.elapsed().as_secs_f64()) });
    }

    fn watch(&self) {
        self.arms.iter().filter(|arm| arm.target.per_variant).for_each(|arm| self.note(arm));
    }

    /// Notes the time of an arm's new findings.
    fn note(&self, arm: &Arm) {
        let all = arm.collected().map_err(|error| self.fail(arm, error)).unwrap_or_default();
        for collected in all {
            let mut log = arm.log();
            if let Entry::Vacant(entry) = log.findings.entry(collected.key) {
                entry.insert(Some(self.start.elapsed().as_secs_f64()));
                log.bug_found |= arm.bug.is_some() && triage::because_of_bug(&collected);
            }
        }
    }
}

/// A seed for libFuzzer, never 0 (which it takes for "choose one").
fn seed(seed: u64, arm: usize, slice: u32) -> u32 {
    let mut x = seed ^ ((arm as u64) << 48) ^ (u64::from(slice) << 16);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) as u32).max(1)
}
