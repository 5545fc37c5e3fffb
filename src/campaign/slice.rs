//! One slice: a fuzz target as a child process, for the given time.
//!
//! No child outlives its slice: it is asked to end behind its execution, interrupted if that takes
//! longer than any execution may, killed if that does not help, and has a time limit of its own in case
//! its parent was killed. A bug in here would be a target that did not do its work and looks as if it
//! had, one that holds the campaign up, or an input that hangs and is not reported.

use std::cell::Cell;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::log::Log;
use crate::case::Case;

/// How long a child may take to end after it was interrupted.
const GRACE: Duration = Duration::from_secs(3);
/// How often a child is looked after, in milliseconds.
const TICK: u8 = 10;
/// Bytes of a log that are read at a time.
const CHUNK: usize = 1 << 16;
/// LibFuzzer's exit code after SIGINT.
const INTERRUPTED: i32 = 72;

/// What a slice did.
#[derive(Debug, Default)]
pub struct Slice {
    /// Executions.
    pub executions: u64,
    /// Inputs that joined the corpus.
    pub new_inputs: u64,
    /// Instrumented edges of the target.
    pub edges: u64,
    /// The input that ended it before its time.
    pub crash: Option<Crash>,
    /// Why the target did not fuzz to the end of its slice, where no input ended it.
    pub failure: Option<String>,
    /// Cases with findings that the target could not store.
    pub unsaved: Vec<Case>,
}

/// What is known of a target while it runs.
#[derive(Debug, Default)]
pub struct Counters {
    /// Executions of all its slices.
    pub executions: AtomicU64,
    /// Edges that the last slice has covered; 0 before the first.
    pub covered: AtomicU64,
    /// The same of features, which are libFuzzer's finer measure.
    pub features: AtomicU64,
    /// Inputs in its corpus.
    pub corpus: AtomicU64,
}

impl Counters {
    /// Takes over what a log says; `counted` are the executions that it said before.
    fn show(&self, log: &Log, counted: &Cell<u64>) {
        // Another slice of the arm may count at the same time.
        let more = log.executions - counted.replace(log.executions);
        self.executions.fetch_add(more, Ordering::Relaxed);
        let [covered, features] = log.covered;
        let all = [&self.covered, &self.features, &self.corpus];
        for (counter, n) in all.into_iter().zip([covered, features, log.corpus]) {
            if n > 0 {
                counter.store(n, Ordering::Relaxed);
            }
        }
    }
}

/// An input that ended a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// `crash`, `timeout`, `oom`; `unstable` where a replay does not show what was collected.
    pub kind: &'static str,
    /// Where it panicked, or libFuzzer's word for what happened: equal crashes have it equal.
    pub place: String,
    /// What the panic said.
    pub message: String,
    /// Where libFuzzer put the input.
    pub artifact: PathBuf,
}

/// How a target reacted to one input that is run again.
#[derive(Debug)]
pub enum Replay {
    /// The input ended it again.
    Crash(Crash),
    /// The input does it no harm any more.
    Fine,
    /// Neither: the target could not run it, and this is why.
    Failed(String),
}

/// Who ended a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Itself, before its time.
    Early,
    /// It was asked to, or interrupted, at the end of its slice.
    Interrupt,
    /// A kill, because it did not react to the interrupt.
    Kill,
}

/// Runs a target for `length`, or until `ended` returns `true`. `counters` are kept up to date for
/// the live display. Standard input is left to the command.
///
/// An execution that runs at the end of that time goes on for `patience`, which is to be longer than
/// libFuzzer lets it: so an input that hangs is reported, and not interrupted.
pub fn run(
    mut command: Command,
    length: Duration,
    patience: Duration,
    ended: &dyn Fn() -> bool,
    counters: &Counters,
) -> Slice {
    command.arg(format!("-max_total_time={}", length.as_secs() + 3));
    command.arg("-print_final_stats=1");
    let counted = Cell::new(0);
    let show = |log: &Log| counters.show(log, &counted);
    match watched(&mut command, [length, patience], ended, &show) {
        Ok(process) => process.slice(),
        Err(error) => Slice { failure: Some(cannot_run(&command, &error)), ..Slice::default() },
    }
}

/// Runs a target on that input alone, for `limit` at most.
pub fn replay(
    mut command: Command,
    input: &Path,
    limit: Duration,
    ended: &dyn Fn() -> bool,
) -> Replay {
    command.arg(input);
    let process = match watched(&mut command, [limit, Duration::ZERO], ended, &|_| ()) {
        Ok(process) => process,
        Err(error) => return Replay::Failed(cannot_run(&command, &error)),
    };
    match (process.crash(input), process.failure()) {
        (Some(crash), _) => Replay::Crash(crash),
        (None, _) if process.end == End::Early && process.status.success() => Replay::Fine,
        (None, Some(failure)) => Replay::Failed(failure),
        (None, None) => Replay::Failed("the replay was interrupted".to_string()),
    }
}

fn cannot_run(command: &Command, error: &io::Error) -> String {
    format!("cannot run {}: {error}", Path::new(command.get_program()).display())
}

/// A process that has ended.
struct Ended {
    status: ExitStatus,
    end: End,
    log: Log,
}

/// Starts the command and sees it through to its end.
fn watched(
    command: &mut Command,
    [length, patience]: [Duration; 2],
    ended: &dyn Fn() -> bool,
    show: &dyn Fn(&Log),
) -> io::Result<Ended> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running::start(command)?;
    let (mut end, mut status) = (End::Early, running.until(length, ended, show)?);
    if status.is_none() && !ended() {
        // LibFuzzer ends behind the execution then; an interrupt ends it at once.
        running.signal(Signal::SIGUSR1);
        (end, status) = (End::Interrupt, running.until(patience, ended, show)?);
    }
    if status.is_none() {
        running.signal(Signal::SIGINT);
        (end, status) = (End::Interrupt, running.until(GRACE, &|| false, show)?);
    }
    let status = match status {
        Some(status) => status,
        None => {
            end = End::Kill;
            running.child.kill()?;
            running.child.wait()?
        }
    };
    running.drain();
    show(&running.log);
    Ok(Ended { status, end, log: running.log })
}

/// A process that runs, and what it has written so far.
///
/// Its log is read by the thread that looks after it: one that waited for the end of the log would
/// wait for whatever else has inherited that end.
struct Running {
    child: Child,
    stderr: Option<ChildStderr>,
    log: Log,
    chunk: Vec<u8>,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Running> {
        let mut child = command.spawn()?;
        let stderr = child.stderr.take();
        Ok(Running { child, stderr, log: Log::default(), chunk: vec![0; CHUNK] })
    }

    /// Waits for the end of the child; `None` where the clock or `ended` came first.
    fn until(
        &mut self,
        length: Duration,
        ended: &dyn Fn() -> bool,
        show: &dyn Fn(&Log),
    ) -> io::Result<Option<ExitStatus>> {
        let end = Instant::now() + length;
        while Instant::now() < end && !ended() {
            self.read(TICK);
            show(&self.log);
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
        }
        Ok(None)
    }

    /// Reads what is there, at most a chunk, and waits so many milliseconds for it. Returns whether
    /// there may be more.
    fn read(&mut self, wait: u8) -> bool {
        let Some(stderr) = &mut self.stderr else {
            thread::sleep(Duration::from_millis(wait.into()));
            return false;
        };
        let mut waiting = [PollFd::new(stderr.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut waiting, PollTimeout::from(wait)), Ok(1..)) {
            return false;
        }
        match stderr.read(&mut self.chunk) {
            Ok(0) => self.stderr = None,
            Ok(n) => self.log.feed(&self.chunk[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.stderr = None,
        }
        self.stderr.is_some()
    }

    fn signal(&self, signal: Signal) {
        // A child that has just ended cannot be reached, and need not be.
        let _ = i32::try_from(self.child.id()).map(|id| kill(Pid::from_raw(id), signal));
    }

    /// Reads what an ended child has left, which is no more than its pipe holds.
    fn drain(&mut self) {
        let mut chunks = 0..64;
        while chunks.next().is_some() && self.read(0) {}
        self.log.finish();
    }
}

impl Ended {
    fn slice(self) -> Slice {
        let crash = self.log.artifact().and_then(|artifact| self.crash(&artifact));
        let failure = if crash.is_none() { self.failure() } else { None };
        if let (Some(_), Some(input)) = (self.log.gave_up(), self.log.artifact()) {
            // The input that was running when the target gave up is not to blame.
            let _ = fs::remove_file(input);
        }
        let Log { executions, new_inputs, edges, unsaved, .. } = self.log;
        Slice { executions, new_inputs, edges, crash, failure, unsaved }
    }

    /// The input that ended the target, if one did.
    fn crash(&self, artifact: &Path) -> Option<Crash> {
        let kind = match self.status.code()? {
            77 => "crash",
            70 => "timeout",
            71 => "oom",
            _ => return None,
        };
        if self.log.gave_up().is_some() {
            return None;
        }
        let (place, message) = self.log.panic(kind);
        Some(Crash { kind, place, message, artifact: artifact.to_path_buf() })
    }

    /// Why the target did not fuzz to its end, if no input ended it.
    fn failure(&self) -> Option<String> {
        if let Some(words) = self.log.gave_up() {
            return Some(format!("the target gave up: {words}"));
        }
        let asked = self.end == End::Interrupt && self.status.success();
        let signals = [Signal::SIGINT, Signal::SIGUSR1].map(|signal| Some(signal as i32));
        let interrupted =
            self.status.code() == Some(INTERRUPTED) || signals.contains(&self.status.signal());
        match self.end {
            End::Kill => Some(format!(
                "the target did not end within {} s of an interrupt and was killed",
                GRACE.as_secs()
            )),
            _ if asked || interrupted => None,
            _ => Some(self.last_words()),
        }
    }

    fn last_words(&self) -> String {
        let how = format!("the target ended by itself ({})", self.status);
        self.log.last_words().map_or(how.clone(), |words| format!("{how}: {words}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell script in the place of a target. Interrupts end it as they end a target, also where
    /// the tests run in the background, which has them ignored.
    fn shell(script: &str) -> Command {
        let mut command = Command::new("env");
        command.args(["--default-signal=INT", "sh", "-c", script, "sh"]).stdin(Stdio::null());
        command
    }

    fn slice(script: &str) -> Slice {
        ran(shell(script), &Counters::default())
    }

    fn ran(command: Command, counters: &Counters) -> Slice {
        run(command, Duration::from_millis(500), Duration::from_secs(2), &|| false, counters)
    }

    #[track_caller]
    fn fails(script: &str, words: &str) {
        let slice = slice(script);
        let failure = slice.failure.expect("it failed");
        assert!(failure.contains(words), "{failure}");
        assert!(slice.crash.is_none());
    }

    #[test]
    fn a_target_that_dies_is_seen() {
        fails("kill -9 $$", "signal: 9 (SIGKILL)");
        fails("echo '#2 INITED' >&2; kill -SEGV $$", "signal: 11 (SIGSEGV)");
        fails("exit 0", "exit status: 0");
        fails("echo; echo no space >&2; exit 3", "exit status: 3): no space");
        fails("echo 'kvm-lock-fuzz: no knob' >&2; exit 77", "gave up: no knob");
        fails("trap '' INT USR1; while :; do sleep 1; done", "was killed");
    }

    #[test]
    fn a_missing_target_is_seen() {
        let slice = ran(Command::new("/no/such/target"), &Counters::default());
        assert!(slice.failure.expect("it failed").starts_with("cannot run /no/such/target: "));
    }

    #[test]
    fn a_flood_or_an_heir_of_the_log_does_not_hold_it_up() {
        let begin = Instant::now();
        assert!(slice("while :; do echo flood; done >&2").failure.is_none());
        fails("sleep 60 & exit 4", "exit status: 4");
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    }

    #[test]
    fn an_execution_ends_or_hangs_behind_the_slice_and_not_for_who_stops_it() {
        // As libFuzzer in an execution: it ends at once when interrupted, and else when its limit comes.
        let hangs = "trap '' USR1; trap 'exit 72' INT; echo '#2 INITED' >&2; n=0; \
                     while [ $n -lt 20 ]; do sleep 0.05; n=$((n+1)); done; \
                     echo 'x; Test unit written to timeout-1' >&2; exit 70";
        let crash = slice(hangs).crash.expect("libFuzzer reports it");
        assert_eq!((crash.kind, crash.artifact.to_str()), ("timeout", Some("timeout-1")));
        let begin = Instant::now();
        let stopped = || begin.elapsed() > Duration::from_millis(300);
        let (length, patience) = (Duration::from_secs(60), Duration::from_secs(60));
        let slice = run(shell(hangs), length, patience, &stopped, &Counters::default());
        assert!(slice.crash.is_none() && slice.failure.is_none());
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_target_that_works_is_fine() {
        let counters = Counters { executions: AtomicU64::new(10), ..Counters::default() };
        let script = "echo '#4096 pulse' >&2; trap 'exit 0' USR1; while :; do sleep 0.1; done";
        let slice = ran(shell(script), &counters);
        assert_eq!((slice.failure, slice.executions), (None, 4096));
        assert_eq!(counters.executions.into_inner(), 4106);
    }
}
