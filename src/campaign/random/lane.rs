//! One lane of a campaign's random cases: a worker at a time. A worker that dies or falls silent is
//! replaced, and its cases are run again one by one, so that the case that ended it is known and no
//! other is lost.
//!
//! A bug in here would be a case that nothing ran and that counts, or a finding that went with a
//! worker.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::message::{Cases, Order, Word};
use super::worker::{Heard, Worker};
use crate::campaign::slice::{Crash, Replay};
use crate::campaign::{Arm, Error};

/// Workers that were lost in a row, though none of their cases ends one, after which something else
/// is wrong.
const MAX_LOST: usize = 3;

/// What workers are.
#[derive(Clone, Debug)]
pub struct Workers {
    /// The program that is the worker: this one, which has a command for it.
    pub program: PathBuf,
    /// How long a case may take.
    pub limit: Duration,
}

impl Workers {
    /// Workers that are this program.
    pub fn ours() -> Result<Workers, Error> {
        let program = std::env::current_exe().map_err(Error::file("find", Path::new("myself")))?;
        Ok(Workers { program, limit: Duration::from_secs(10) })
    }
}

/// What random cases showed.
#[derive(Debug)]
pub(in crate::campaign) enum Told {
    /// The case of that index shows a finding of that number.
    Finding(u64, u64),
    /// The case of that index ended its worker. Without an artifact.
    Crash(u64, Crash),
}

/// A lane, and its worker between two orders.
#[derive(Debug)]
pub(in crate::campaign) struct Lane<'a> {
    workers: &'a Workers,
    worker: Option<Worker>,
    lost: usize,
}

/// What became of an order.
enum End {
    Done,
    Unwanted,
    /// The worker is gone: the case that it was at, if it said so, and how it went.
    Gone(Option<u64>, Crash),
}

impl<'a> Lane<'a> {
    /// A lane without a worker yet.
    pub fn new(workers: &'a Workers) -> Lane<'a> {
        Lane { workers, worker: None, lost: 0 }
    }

    /// Runs cases of a seed with what the arm runs, until `unwanted` returns `true` and the worker does
    /// not answer. The error is why none can be run.
    pub fn run(
        &mut self,
        arm: &Arm,
        (seed, indices): (u64, Range<u64>),
        unwanted: &dyn Fn() -> bool,
        mut tell: impl FnMut(Told),
    ) -> Result<(), String> {
        let tell = &mut tell;
        let count = indices.end - indices.start;
        let cases = Cases::Drawn { seed, first: indices.start, count, each: false };
        match self.listen(&order(arm, cases), unwanted, tell) {
            End::Done => {
                self.lost = 0;
                arm.drawn.executions.fetch_add(count, Ordering::Relaxed);
                Ok(())
            }
            End::Unwanted => Ok(()),
            End::Gone(_, how) => self.one_by_one(arm, (seed, indices), unwanted, tell, &how),
        }
    }

    /// Runs cases whose worker was lost, each announced.
    fn one_by_one(
        &mut self,
        arm: &Arm,
        (seed, indices): (u64, Range<u64>),
        unwanted: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Told),
        lost: &Crash,
    ) -> Result<(), String> {
        let (mut first, mut crashed) = (indices.start, false);
        while first < indices.end {
            let count = indices.end - first;
            let cases = Cases::Drawn { seed, first, count, each: true };
            match self.listen(&order(arm, cases), unwanted, tell) {
                End::Done => {
                    arm.drawn.executions.fetch_add(count, Ordering::Relaxed);
                    break;
                }
                End::Unwanted => return Ok(()),
                End::Gone(None, how) => return Err(lone(&how)),
                End::Gone(Some(at), how) => {
                    tell(Told::Crash(at, how));
                    arm.drawn.executions.fetch_add(at + 1 - first, Ordering::Relaxed);
                    (first, crashed) = (at + 1, true);
                }
            }
        }
        self.lost = if crashed { 0 } else { self.lost + 1 };
        match self.lost < MAX_LOST {
            true => Ok(()),
            false => Err(format!("{}, and none of its cases does that again", lone(lost))),
        }
    }

    /// Runs the case of a file.
    pub fn replay(&mut self, arm: &Arm, input: &Path, unwanted: &dyn Fn() -> bool) -> Replay {
        let order = order(arm, Cases::Input(input.to_path_buf()));
        match self.listen(&order, unwanted, &mut |_| ()) {
            End::Done => Replay::Fine,
            End::Unwanted => Replay::Failed("the replay was interrupted".to_string()),
            End::Gone(None, how) => Replay::Failed(lone(&how)),
            End::Gone(Some(_), how) => {
                Replay::Crash(Crash { artifact: input.to_path_buf(), ..how })
            }
        }
    }

    /// Sees an order through.
    fn listen(
        &mut self,
        order: &Order,
        unwanted: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Told),
    ) -> End {
        let mut worker = match self.worker.take().map_or_else(|| self.start(), Ok) {
            Ok(worker) => worker,
            Err(how) => return End::Gone(None, how),
        };
        worker.order(order);
        let mut at = None;
        loop {
            match worker.hear(self.workers.limit, unwanted) {
                Heard::Word(Word::At(index)) => at = Some(index),
                Heard::Word(Word::Finding { index, signature }) => {
                    tell(Told::Finding(index, signature));
                }
                Heard::Word(Word::Done) => {
                    self.worker = Some(worker);
                    return End::Done;
                }
                Heard::Unwanted => return End::Unwanted,
                Heard::Silence => return End::Gone(at, self.silence()),
                Heard::Ended => return End::Gone(at, ended(worker)),
            }
        }
    }

    fn start(&self) -> Result<Worker, Crash> {
        let program = &self.workers.program;
        Worker::start(program)
            .map_err(|error| crash("crash", format!("cannot run {}: {error}", program.display())))
    }

    fn silence(&self) -> Crash {
        let limit = self.workers.limit.as_secs_f64();
        Crash { place: "timeout".into(), ..crash("timeout", format!("no end within {limit} s")) }
    }
}

fn order(arm: &Arm, cases: Cases) -> Order {
    let variant = arm.variant.unwrap_or_default().name().to_string();
    Order { variant, bug: arm.bug.map(|bug| bug.id().to_string()), cases }
}

/// How a worker ended: its panic, or its status and last words.
fn ended(worker: Worker) -> Crash {
    let (status, log) = match worker.ended() {
        Ok(ended) => ended,
        Err(error) => return crash("crash", error.to_string()),
    };
    let (place, message) = log.panic("");
    if !place.is_empty() {
        return Crash { place, ..crash("crash", message) };
    }
    let message = log.last_words().unwrap_or_else(|| status.to_string());
    Crash { place: status.to_string(), ..crash("crash", message) }
}

fn crash(kind: &'static str, message: String) -> Crash {
    Crash { kind, place: String::new(), message, artifact: PathBuf::new() }
}

/// A worker that went without a case to blame.
fn lone(how: &Crash) -> String {
    match how.place.as_str() {
        "" => how.message.clone(),
        place => format!("a worker ended by itself at {place}: {}", how.message),
    }
}
