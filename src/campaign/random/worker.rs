//! A worker process as its campaign sees it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::message::{Order, Word};
use crate::campaign::log::Log;
use crate::target::knobs;

/// How often a silent worker is looked after.
const TICK: Duration = Duration::from_millis(20);
/// The hidden command that is the worker.
pub(super) const COMMAND: &str = "campaign-worker";

/// A process, killed when it is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    stdin: ChildStdin,
    words: Receiver<Word>,
    log: Option<JoinHandle<Log>>,
}

/// What comes from a worker.
#[derive(Debug)]
pub(super) enum Heard {
    /// A word.
    Word(Word),
    /// Nothing more: it has ended.
    Ended,
    /// Nothing for so long that it never will.
    Silence,
    /// Nothing, and nothing is wanted any more.
    Unwanted,
}

impl Worker {
    pub fn start(program: &Path) -> io::Result<Worker> {
        let mut command = Command::new(program);
        command.arg(COMMAND).env("RUST_BACKTRACE", "0");
        for knob in knobs::ALL {
            command.env_remove(knob);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is for the campaign: its results are to be complete.
        let mut child = command.process_group(0).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("it has no pipes"));
        };
        let (sender, words) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            for word in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                // A receiver that is gone wants nothing.
                let _ = sender.send(word);
            }
        });
        let log = Some(thread::spawn(move || read(stderr)));
        Ok(Worker { child, stdin, words, log })
    }

    /// Gives it something to do. That it has ended is [heard](Worker::hear).
    pub fn order(&mut self, order: &Order) {
        if let Ok(line) = serde_json::to_string(order) {
            let _ = writeln!(self.stdin, "{line}");
        }
    }

    /// Waits for a word, up to `limit`, or until `unwanted` returns `true`. Time that this process was
    /// stopped for does not count.
    pub fn hear(&self, limit: Duration, unwanted: &dyn Fn() -> bool) -> Heard {
        let mut left = limit;
        loop {
            match self.words.recv_timeout(TICK) {
                Ok(word) => return Heard::Word(word),
                Err(RecvTimeoutError::Disconnected) => return Heard::Ended,
                Err(RecvTimeoutError::Timeout) if unwanted() => return Heard::Unwanted,
                Err(RecvTimeoutError::Timeout) => left = left.saturating_sub(TICK),
            }
            if left.is_zero() {
                return Heard::Silence;
            }
        }
    }

    /// Sees it to its end: how it ended, and what it said on standard error.
    pub fn ended(mut self) -> io::Result<(ExitStatus, Log)> {
        let status = self.child.wait()?;
        let log = self.log.take().map(|log| log.join().unwrap_or_default());
        Ok((status, log.unwrap_or_default()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended can not be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that the process says on standard error, in bounded memory.
fn read(mut stderr: ChildStderr) -> Log {
    let (mut log, mut chunk) = (Log::default(), [0; 4096]);
    while let Ok(n @ 1..) = stderr.read(&mut chunk) {
        log.feed(&chunk[..n]);
    }
    log.finish();
    log
}
