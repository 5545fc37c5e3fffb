//! The fuzzing itself: workers that run slices, a builder that brings the targets, and a monitor
//! that notes when a finding came.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::arm::Arm;
use super::progress::Progress;
use super::random::{self, Lane};
use super::shares::{Group, Shares, Yield};
use super::slice::{self, Slice};
use super::stats::Stats;
use super::work::Work;
use super::{CrashFound, Engine, Error, First, Plan, triage};
use crate::case::Case;
use crate::oracle::{Finding, Kind, Severity};

/// How often the monitor looks for findings.
const TICK: Duration = Duration::from_millis(20);
/// How long the last random cases may take when the time is over.
const GRACE: Duration = Duration::from_secs(1);

/// How the fuzzing went.
#[derive(Debug)]
pub(super) struct Fuzzed {
    /// How long it took.
    pub time: Duration,
    /// It was ended early.
    pub interrupted: bool,
    /// What ended it early, if that was not its user.
    pub failure: Option<Error>,
    /// Why there were no targets.
    pub unbuilt: Option<Error>,
}

/// What a share of the time is for.
#[derive(Clone, Copy)]
struct Unit {
    arm: usize,
    engine: Engine,
}

enum Next {
    /// This unit, for so long, with that seed for the engine.
    Slice(usize, Duration, u32),
    /// Nothing now.
    Wait,
    /// Nothing more.
    Over,
}

struct Fuzz<'a> {
    work: &'a Work,
    arms: &'a [Arm],
    plan: &'a Plan,
    stop: &'a AtomicBool,
    units: Vec<Unit>,
    shares: Mutex<Shares>,
    failure: OnceLock<Error>,
    /// The clock runs from the first case.
    start: OnceLock<Instant>,
    /// The targets, or why there are none.
    targets: OnceLock<Result<PathBuf, Error>>,
    is_over: AtomicBool,
    news: Mutex<News>,
}

/// Lines about first findings.
#[derive(Default)]
struct News {
    told: BTreeSet<(usize, Kind)>,
    lines: Vec<String>,
}

/// Fuzzes the arms for the time of the plan, or until what they find can not be kept. `targets` brings
/// the targets while random cases run, and gives up when what it is given returns `true`.
pub(super) fn run(
    targets: impl FnOnce(&dyn Fn() -> bool) -> Result<PathBuf, Error> + Send,
    work: &Work,
    arms: &[Arm],
    plan: &Plan,
    stop: &AtomicBool,
    stats: &mut Stats,
) -> Fuzzed {
    let units = units(arms, plan);
    let shares = Mutex::new(Shares::new(groups(arms, plan), plan.time * plan.jobs as u32));
    let fuzz = Fuzz {
        work,
        arms,
        plan,
        stop,
        units,
        shares,
        failure: OnceLock::new(),
        start: OnceLock::new(),
        targets: OnceLock::new(),
        is_over: AtomicBool::new(false),
        news: Mutex::default(),
    };
    fuzz.run(targets, stats);
    let (time, interrupted) = (fuzz.elapsed(), stop.load(Ordering::Relaxed));
    let unbuilt = fuzz.targets.into_inner().and_then(Result::err);
    Fuzzed { time, interrupted, failure: fuzz.failure.into_inner(), unbuilt }
}

/// What the time of such a campaign is spent on.
pub(super) fn groups(arms: &[Arm], plan: &Plan) -> Vec<Group> {
    let group = |unit: &Unit| match (unit.engine, arms[unit.arm].target.per_variant) {
        (Engine::Random, _) => Group::Random,
        (Engine::Guided, true) => Group::Guided,
        (Engine::Guided, false) => Group::Other,
    };
    units(arms, plan).iter().map(group).collect()
}

/// Random cases first.
fn units(arms: &[Arm], plan: &Plan) -> Vec<Unit> {
    let unit = |engine| move |arm| Unit { arm, engine };
    let drawn = (0..arms.len()).filter(|&arm| arms[arm].ran().is_some());
    let guided = if plan.runs.is_none() { 0..arms.len() } else { 0..0 };
    drawn.map(unit(Engine::Random)).chain(guided.map(unit(Engine::Guided))).collect()
}

impl Fuzz<'_> {
    fn run(
        &self,
        targets: impl FnOnce(&dyn Fn() -> bool) -> Result<PathBuf, Error> + Send,
        stats: &mut Stats,
    ) {
        let progress = Progress::new(self.plan.time);
        if self.units.iter().any(|unit| unit.engine == Engine::Random) {
            self.start.get_or_init(Instant::now);
        }
        thread::scope(|scope| {
            scope.spawn(|| self.build(targets));
            let workers: Vec<_> =
                (0..self.plan.jobs).map(|number| scope.spawn(move || self.work(number))).collect();
            while !workers.iter().all(|worker| worker.is_finished()) {
                self.watch();
                self.show(&progress);
                stats.tick(self.elapsed(), self.arms, false);
                thread::sleep(TICK);
            }
            self.is_over.store(true, Ordering::Relaxed);
        });
        self.watch();
        self.show(&progress);
        stats.tick(self.elapsed(), self.arms, true);
    }

    /// Brings the targets.
    fn build(&self, targets: impl FnOnce(&dyn Fn() -> bool) -> Result<PathBuf, Error>) {
        let is_over = || self.is_over.load(Ordering::Relaxed);
        let built = targets(&|| is_over() || self.is_stopped());
        let built = match built {
            Err(Error::Interrupted) if is_over() && !self.is_stopped() => Err(Error::Late),
            built => built,
        };
        match &built {
            Ok(_) => {
                self.start.get_or_init(Instant::now);
                self.shares().open();
            }
            Err(Error::Interrupted) => {}
            Err(error) => {
                if error.is_fault() {
                    self.arms.iter().for_each(|arm| arm.fail(error.to_string()));
                }
                if self.start.get().is_some() && self.plan.runs.is_none() {
                    let line =
                        format!("kvm-lock-fuzz: {error}; this campaign has random cases only");
                    self.news().lines.push(line);
                }
            }
        }
        let _ = self.targets.set(built);
    }

    fn show(&self, progress: &Progress) {
        let lines = std::mem::take(&mut self.news().lines);
        lines.iter().for_each(|line| progress.say(line));
        progress.show(self.elapsed(), self.arms, self.targets.get().is_none());
    }

    fn elapsed(&self) -> Duration {
        self.start.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }

    /// One worker: slice after slice until the time is over.
    fn work(&self, number: usize) {
        let mut lane = Lane::new(&self.plan.workers);
        loop {
            let (unit, length, seed) = match self.next(number) {
                Next::Slice(unit, length, seed) => (unit, length, seed),
                Next::Wait => {
                    thread::sleep(TICK);
                    continue;
                }
                Next::Over => return,
            };
            let begin = Instant::now();
            let Unit { arm, engine } = self.units[unit];
            let brought = match engine {
                Engine::Random => self.random(&mut lane, arm, length),
                Engine::Guided => self.guided(arm, length, seed),
            };
            let unused = length.saturating_sub(begin.elapsed());
            self.shares().done(unit, brought, unused);
            if self.is_done(self.units[unit]) {
                self.shares().retire(unit);
            }
        }
    }

    /// One core is the builder's while it is at work.
    fn next(&self, number: usize) -> Next {
        let is_building = self.targets.get().is_none();
        let left = match self.plan.runs {
            Some(_) => Duration::MAX,
            None => self.plan.time.saturating_sub(self.elapsed()),
        };
        if self.is_stopped() || left.is_zero() {
            return Next::Over;
        }
        if is_building && number > 0 && number + 1 == self.plan.jobs {
            return Next::Wait;
        }
        let mut shares = self.shares();
        match shares.next(left) {
            Some((unit, length)) => {
                let seed = seed(self.plan.seed, self.units[unit].arm, shares.slices(unit));
                Next::Slice(unit, length, seed)
            }
            None if is_building => Next::Wait,
            None => Next::Over,
        }
    }

    /// Whether more time for the unit is wasted. A bug is looked for until it is found, unless the
    /// cases are counted.
    fn is_done(&self, unit: Unit) -> bool {
        let arm = &self.arms[unit.arm];
        let is_found = self.plan.runs.is_none() && arm.log().bug_found;
        is_found
            || match unit.engine {
                Engine::Random => arm.is_drawn(),
                Engine::Guided => arm.is_over(),
            }
    }

    /// A slice of random cases.
    fn random(&self, lane: &mut Lane, arm: usize, length: Duration) -> Yield {
        let (end, known) = (Instant::now() + length, self.known(arm, Engine::Random));
        let unit = Unit { arm, engine: Engine::Random };
        while Instant::now() < end && !self.is_stopped() && !self.is_done(unit) {
            let Some(cases) = self.arms[arm].drawn.take(self.plan.runs) else { break };
            let ran =
                lane.run(&self.arms[arm], (self.plan.seed, cases), &|| self.is_late(), |told| {
                    let kept = random::keep(&self.arms[arm], self.plan.seed, told, self.seconds());
                    match kept {
                        Ok(Some((finding, case))) => self.announce(arm, &finding, &case),
                        Ok(None) => {}
                        Err(error) => self.fail(&self.arms[arm], error),
                    }
                });
            if let Err(cause) = ran {
                self.arms[arm].fail(cause);
                self.arms[arm].log().random_failed += 1;
                break;
            }
        }
        match self.known(arm, Engine::Random) > known {
            true => Yield::Finding,
            false => Yield::Nothing,
        }
    }

    /// Whether random cases are not waited for any longer.
    fn is_late(&self) -> bool {
        let is_over = self.plan.runs.is_none() && self.elapsed() > self.plan.time + GRACE;
        is_over || self.is_stopped()
    }

    /// A slice of a target.
    fn guided(&self, arm: usize, length: Duration, seed: u32) -> Yield {
        let Some(Ok(binaries)) = self.targets.get() else { return Yield::Nothing };
        let known = self.known(arm, Engine::Guided);
        let slice = self.slice(binaries, arm, length, seed);
        self.arms[arm].keep(&slice.unsaved);
        self.note(arm);
        let brought = match slice.new_inputs {
            _ if self.known(arm, Engine::Guided) > known => Yield::Finding,
            0 => Yield::Nothing,
            _ => Yield::Coverage,
        };
        self.ended(&self.arms[arm], slice);
        brought
    }

    /// Findings that an engine had first.
    fn known(&self, arm: usize, engine: Engine) -> usize {
        let log = self.arms[arm].log();
        log.findings.values().flatten().filter(|first| first.engine == engine).count()
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

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().expect("no thread panics with the lock held")
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().expect("no thread panics with the lock held")
    }

    fn slice(&self, binaries: &Path, arm: usize, length: Duration, seed: u32) -> Slice {
        let unit = Unit { arm, engine: Engine::Guided };
        let ended = || self.is_stopped() || self.is_done(unit);
        let arm = &self.arms[arm];
        let command = arm.command(binaries, self.work, seed);
        slice::run(command, length, arm.patience(), &ended, &arm.counters)
    }

    fn crashed(&self, arm: &Arm, crash: Option<slice::Crash>) {
        let Some(crash) = crash else { return };
        arm.log().crashed += 1;
        let first = First { seconds: self.seconds(), engine: Engine::Guided };
        arm.add_crash(CrashFound { crash, first: Some(first) });
    }

    fn watch(&self) {
        let drawn = (0..self.arms.len()).filter(|&arm| self.arms[arm].target.per_variant);
        drawn.for_each(|arm| self.note(arm));
    }

    /// Notes the time of an arm's new findings.
    fn note(&self, number: usize) {
        let arm = &self.arms[number];
        let all = arm.collected().map_err(|error| self.fail(arm, error)).unwrap_or_default();
        for collected in all {
            if arm.add_finding(collected.key, self.seconds(), Engine::Guided)
                && let Some((finding, case)) = triage::collected(&collected)
            {
                arm.showed(&finding, &case);
                self.announce(number, &finding, &case);
            }
        }
    }

    /// A line about the first violation of an arm and a kind.
    fn announce(&self, arm: usize, finding: &Finding, case: &Case) {
        let is_violation = finding.severity == Severity::Violation;
        if !is_violation || !self.news().told.insert((arm, finding.kind)) {
            return;
        }
        let (name, kind) = (self.arms[arm].name(), finding.kind.name());
        let message = triage::guarded(|| triage::message(case, finding.signature)).flatten();
        let (message, seconds) = (message.unwrap_or_default(), self.seconds());
        self.news().lines.push(format!("{seconds:.2} s: {name}, {kind}: {message}"));
    }
}

/// A seed for libFuzzer, never 0 (which it takes for "choose one").
fn seed(seed: u64, arm: usize, slice: u32) -> u32 {
    let mut x = seed ^ ((arm as u64) << 48) ^ (u64::from(slice) << 16);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) as u32).max(1)
}
