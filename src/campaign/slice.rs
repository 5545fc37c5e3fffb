//! One slice: a fuzz target as a child process, for so long.
//!
//! The child outlives nobody: it is interrupted at the end of its slice, killed if that does not
//! help, and carries a time limit of its own in case its parent was killed.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a child may take to end after it was interrupted.
const GRACE: Duration = Duration::from_secs(2);
/// How often a child is looked after.
const TICK: Duration = Duration::from_millis(10);
/// LibFuzzer's exit code after SIGINT.
const INTERRUPTED: i32 = 72;
/// Lines of a child's log that are kept for the report of a crash.
const TAIL: usize = 200;

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
    /// The target's own words when it could not work.
    pub gave_up: Option<String>,
}

/// An input that ended a target.
#[derive(Clone, Debug)]
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

/// Runs a target for `length`, or until `ended` says so. `executions` is kept up to date for the live display.
pub fn run(
    mut command: Command,
    length: Duration,
    ended: &dyn Fn() -> bool,
    executions: &AtomicU64,
) -> io::Result<Slice> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.arg(format!("-max_total_time={}", length.as_secs() + 3));
    command.arg("-print_final_stats=1");
    let mut child = command.spawn()?;
    let stderr = child.stderr.take().expect("stderr is piped");
    let (status, mut log) = thread::scope(|scope| {
        let reader = scope.spawn(move || Log::read(BufReader::new(stderr), executions));
        let status = wait(&mut child, length, ended);
        (status, reader.join().expect("the reader does not panic"))
    });
    let status = status?;
    log.slice.crash = log.crash(status);
    if log.slice.crash.is_none() && !matches!(status.code(), None | Some(0 | INTERRUPTED)) {
        log.slice.gave_up = Some(log.last_words(status));
    }
    Ok(log.slice)
}

/// Waits for the end of the child: by itself, by the clock, or because `ended` says so.
fn wait(child: &mut Child, length: Duration, ended: &dyn Fn() -> bool) -> io::Result<ExitStatus> {
    let end = Instant::now() + length;
    while Instant::now() < end && !ended() {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(TICK.min(end.saturating_duration_since(Instant::now())));
    }
    interrupt(child);
    let end = Instant::now() + GRACE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(TICK);
    }
    child.kill()?;
    child.wait()
}

fn interrupt(child: &Child) {
    // A child that has just ended cannot be interrupted, and need not be.
    let _ = i32::try_from(child.id()).map(|id| kill(Pid::from_raw(id), Signal::SIGINT));
}

/// What libFuzzer's log says.
#[derive(Debug, Default)]
struct Log {
    slice: Slice,
    tail: VecDeque<String>,
}

impl Log {
    fn read(lines: impl BufRead, executions: &AtomicU64) -> Log {
        let mut log = Log::default();
        let before = executions.load(Ordering::Relaxed);
        for line in lines.split(b'\n').map_while(Result::ok) {
            log.line(String::from_utf8_lossy(&line).into_owned());
            executions.store(before + log.slice.executions, Ordering::Relaxed);
        }
        log
    }

    fn line(&mut self, line: String) {
        let slice = &mut self.slice;
        if let Some(rest) = line.strip_prefix('#') {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
            slice.executions = digits.parse().unwrap_or(0).max(slice.executions);
        } else if let Some(n) = stat(&line, "stat::number_of_executed_units:") {
            slice.executions = n;
        } else if let Some(n) = stat(&line, "stat::new_units_added:") {
            slice.new_inputs = n;
        } else if let Some((_, rest)) = line.split_once(" inline 8-bit counters)") {
            slice.edges = stat(rest, ":").unwrap_or(0);
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    /// The input that ended the target, if one did.
    fn crash(&self, status: ExitStatus) -> Option<Crash> {
        let kind = match status.code()? {
            77 => "crash",
            70 => "timeout",
            71 => "oom",
            _ => return None,
        };
        let written = |line: &String| {
            let path = line.split_once("Test unit written to ")?.1;
            Some(Path::new(path.trim()).to_path_buf())
        };
        if self.tail.iter().any(|line| line.starts_with("kvm-lock-fuzz: ")) {
            return None;
        }
        let artifact = self.tail.iter().rev().find_map(written)?;
        let (place, message) = self.panic(kind);
        Some(Crash { kind, place, message, artifact })
    }

    /// Why a target could not work: its own line, or the last one of libFuzzer.
    fn last_words(&self, status: ExitStatus) -> String {
        let own = self.tail.iter().find_map(|line| line.strip_prefix("kvm-lock-fuzz: "));
        let last = own.or(self.tail.back().map(String::as_str)).unwrap_or("it said nothing");
        format!("a fuzz target gave up ({status}): {last}")
    }

    /// Place and words of the panic, or libFuzzer's.
    fn panic(&self, kind: &str) -> (String, String) {
        let panic = self.tail.iter().position(|line| line.contains(" panicked at "));
        if let Some(at) = panic {
            let place = self.tail[at].split_once(" panicked at ").map_or("", |parts| parts.1);
            let words = self.tail.get(at + 1).cloned().unwrap_or_default();
            return (inside(place.trim_end_matches(':')), words);
        }
        let error = self.tail.iter().find_map(|line| line.split_once("ERROR: libFuzzer: "));
        (kind.to_string(), error.map_or(kind, |parts| parts.1).to_string())
    }
}

/// A source place without the part of the path that depends on where the tree is.
fn inside(place: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    place.strip_prefix(root).unwrap_or(place).to_string()
}

fn stat(line: &str, name: &str) -> Option<u64> {
    line.strip_prefix(name)?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_libfuzzers_log() {
        let text = "INFO: Loaded 1 modules   (1064 inline 8-bit counters): 1064 [0x1, 0x2), \n\
                    #2\tINITED cov: 5 ft: 5 corp: 1/1b exec/s: 0 rss: 26Mb\n\
                    #4096\tpulse  cov: 9 ft: 9 corp: 2/2b lim: 4 exec/s: 2048 rss: 26Mb\n\
                    stat::number_of_executed_units: 5000\n\
                    stat::new_units_added:          7\n";
        let executions = AtomicU64::new(10);
        let slice = Log::read(text.as_bytes(), &executions).slice;
        assert_eq!((slice.executions, slice.new_inputs, slice.edges), (5000, 7, 1064));
        assert_eq!(executions.into_inner(), 5010);
    }

    #[test]
    fn names_a_panic() {
        let text = "thread '<unnamed>' panicked at src/a.rs:1:2:\nno such thing\nnote: x\n";
        let log = Log::read(text.as_bytes(), &AtomicU64::new(0));
        let panic = ("src/a.rs:1:2".to_string(), "no such thing".to_string());
        assert_eq!(log.panic("crash"), panic);
    }
}
