//! The fuzzing itself: workers that run slices, and a monitor that notes when a finding came.

use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::arm::{Arm, MAX_CRASHES};
use super::progress::Progress;
use super::shares::{Shares, Yield};
use super::slice::{self, Slice};
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
}

struct Fuzz<'a> {
    binaries: &'a Path,
    arms: &'a [Arm],
    plan: &'a Plan,
    stop: &'a AtomicBool,
    shares: Mutex<Shares>,
    start: Instant,
}

/// Fuzzes the arms for the time of the plan.
pub(super) fn run(
    binaries: &Path,
    arms: &[Arm],
    plan: &Plan,
    stop: &AtomicBool,
) -> Result<Fuzzed, Error> {
    let total = plan.time * plan.jobs as u32;
    let main = arms.iter().map(|arm| arm.target.per_variant);
    let fuzz = Fuzz {
        binaries,
        arms,
        plan,
        stop,
        shares: Mutex::new(Shares::new(main, total)),
        start: Instant::now(),
    };
    fuzz.run()?;
    let interrupted = stop.load(Ordering::Relaxed);
    Ok(Fuzzed { time: fuzz.start.elapsed(), interrupted })
}

impl Fuzz<'_> {
    fn run(&self) -> Result<(), Error> {
        let progress = Progress::new(self.plan.time);
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.plan.jobs).map(|_| scope.spawn(|| self.work())).collect();
            let mut watched = Ok(());
            while !workers.iter().all(|worker| worker.is_finished()) {
                watched = watched.and_then(|()| self.watch());
                progress.show(self.start.elapsed(), self.arms);
                thread::sleep(TICK);
            }
            let worked = workers.into_iter().map(|worker| worker.join().expect("workers return"));
            worked.collect::<Result<(), Error>>().and(watched)
        })?;
        self.watch()
    }

    /// One worker: slice after slice until the time is over.
    fn work(&self) -> Result<(), Error> {
        while let Some((arm, length, seed)) = self.next() {
            let begin = Instant::now();
            let known = self.arms[arm].log().findings.len();
            let slice = self.slice(arm, length, seed)?;
            self.note(&self.arms[arm])?;
            let brought = self.brought(arm, known, &slice);
            if let Some(words) = slice.gave_up {
                return Err(Error::Target(words));
            }
            self.arms[arm].log().edges = slice.edges;
            self.crashed(arm, slice.crash);
            let unused = length.saturating_sub(begin.elapsed());
            self.shares().done(arm, brought, unused);
            if self.is_over(&self.arms[arm]) {
                self.shares().retire(arm);
            }
        }
        Ok(())
    }

    fn shares(&self) -> std::sync::MutexGuard<'_, Shares> {
        self.shares.lock().expect("no thread panics with the lock held")
    }

    fn next(&self) -> Option<(usize, Duration, u32)> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let left = self.plan.time.saturating_sub(self.start.elapsed());
        let mut shares = self.shares();
        let (arm, length) = shares.next(left)?;
        Some((arm, length, seed(self.plan.seed, arm, shares.slices(arm))))
    }

    fn slice(&self, arm: usize, length: Duration, seed: u32) -> Result<Slice, Error> {
        let arm = &self.arms[arm];
        let ended = || self.stop.load(Ordering::Relaxed) || self.is_over(arm);
        let command = arm.command(self.binaries, seed);
        let program = Path::new(command.get_program()).to_path_buf();
        slice::run(command, length, &ended, &arm.executions).map_err(Error::file("run", &program))
    }

    fn brought(&self, arm: usize, known: usize, slice: &Slice) -> Yield {
        match slice.new_inputs {
            _ if self.arms[arm].log().findings.len() > known => Yield::Finding,
            0 => Yield::Nothing,
            _ => Yield::Coverage,
        }
    }

    fn crashed(&self, arm: usize, crash: Option<slice::Crash>) {
        let Some(crash) = crash else { return };
        let first = self.start.elapsed().as_secs_f64();
        let mut log = self.arms[arm].log();
        log.crashed += 1;
        let crashes = &mut log.crashes;
        if crashes.iter().all(|known| known.crash.place != crash.place) {
            crashes.push(CrashFound { crash, first });
        }
    }

    /// Whether more time for the arm is wasted: its bug was found, or it only crashes.
    fn is_over(&self, arm: &Arm) -> bool {
        let log = arm.log();
        log.bug_found || log.crashed >= MAX_CRASHES
    }

    fn watch(&self) -> Result<(), Error> {
        self.arms.iter().filter(|arm| arm.target.per_variant).try_for_each(|arm| self.note(arm))
    }

    /// Notes the time of an arm's new findings.
    fn note(&self, arm: &Arm) -> Result<(), Error> {
        for collected in arm.collected()? {
            let mut log = arm.log();
            if let Entry::Vacant(entry) = log.findings.entry(collected.key) {
                entry.insert(Some(self.start.elapsed().as_secs_f64()));
                log.bug_found |= arm.bug.is_some() && triage::because_of_bug(&collected);
            }
        }
        Ok(())
    }
}

/// A seed for libFuzzer, never 0 (which it takes for "choose one").
fn seed(seed: u64, arm: usize, slice: u32) -> u32 {
    let mut x = seed ^ ((arm as u64) << 48) ^ (u64::from(slice) << 16);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) as u32).max(1)
}
