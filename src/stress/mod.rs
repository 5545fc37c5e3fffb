//! A case on real threads for a while, in child processes: threads that are stuck cannot be joined,
//! so the process that holds them has to go.
//!
//! A child ends when its standard input does, however the parent ended, and says ten times a second that
//! it lives. One that is silent for five seconds (it is stopped) is killed, and counts as a crash.
//!
//! A bug in here would be a child that outlives its parent, a parent that waits for ever for a child, a
//! finding that is dropped, or a crash of a child taken for silence.

mod child;
mod lane;
mod message;
mod reproduce;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::case::text::Names;
use crate::machine::Policy;
use crate::prng::Prng;
use lane::Lane;

pub use child::child;
pub use message::Reported;
pub use reproduce::reproduce;

/// Longest time of one child.
const BATCH: Duration = Duration::from_secs(10);
/// How often the lanes are looked after.
const TICK: Duration = Duration::from_millis(20);
/// How long children may take beyond their time before they are told to end, and then to end.
const GRACE: Duration = Duration::from_secs(2);
/// How long a child may say nothing.
const SILENCE: Duration = Duration::from_secs(5);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that is the child: this one.
    pub program: PathBuf,
    /// The case, with the variant to run.
    pub case: Case,
    /// What its tasks are called.
    pub names: Names,
    /// Admission rule of every rwsem.
    pub policy: Policy,
    /// Children at a time.
    pub lanes: usize,
    /// How long, unless it hangs before.
    pub time: Duration,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rounds, of all lanes.
    pub rounds: u64,
    /// How long it took.
    pub time: Duration,
    /// Findings, each signature once, with the seconds before it.
    pub findings: Vec<(Reported, f64)>,
    /// What a child said or died of that could not go on.
    pub crashes: Vec<String>,
    /// Tasks got stuck, after so long.
    pub hung: Option<Duration>,
    /// It was ended from outside.
    pub interrupted: bool,
    /// Why it ended early: no child could be run.
    pub failed: Option<String>,
}

impl Report {
    /// Something is wrong with the variant, or with us.
    pub fn is_bad(&self) -> bool {
        let violation = |(found, _): &(Reported, f64)| found.severity == "violation";
        self.findings.iter().any(violation) || !self.crashes.is_empty()
    }
}

/// Runs the case until the time is over, it hangs, a child crashes, or `stop` is set. `progress` is
/// told of what there is now and then.
pub fn run(plan: &Plan, stop: &AtomicBool, progress: impl Fn(&Report)) -> Report {
    let begin = Instant::now();
    let report = Mutex::new(Report::default());
    let over = AtomicBool::new(false);
    let mut seeds = Prng(plan.seed);
    let lanes: Vec<Lane> =
        (0..plan.lanes).map(|_| Lane::new(plan, seeds.next(), begin, &report, &over)).collect();
    let failed = thread::scope(|scope| {
        let threads: Vec<_> = lanes.iter().map(|lane| scope.spawn(|| lane.run())).collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            let late = begin.elapsed() >= plan.time + GRACE;
            if late || stop.load(Ordering::Relaxed) {
                over.store(true, Ordering::Relaxed);
            }
            lanes.iter().for_each(|lane| lane.look(over.load(Ordering::Relaxed)));
            progress(&report.lock().expect("no thread panics with the lock held"));
            thread::sleep(TICK);
        }
        let joined = threads.into_iter().map(|t| t.join().expect("a lane does not panic"));
        joined.collect::<std::io::Result<Vec<()>>>().err()
    });
    let mut report = report.into_inner().expect("no thread panics with the lock held");
    report.time = begin.elapsed();
    report.interrupted = stop.load(Ordering::Relaxed);
    report.failed = failed.map(|error| format!("cannot run a child process: {error}"));
    report
}

/// Looks in that time, at most.
fn ticks(time: Duration) -> u32 {
    (time.as_millis() / TICK.as_millis()) as u32
}
