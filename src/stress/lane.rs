//! One lane of the parent: a child at a time, one batch after the other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use super::message::{Order, Word};
use super::{BATCH, GRACE, Plan, Report, SILENCE, TICK, ticks};

/// What a child may say on stderr that is kept.
const STDERR: u64 = 16 << 10;

#[derive(Debug)]
pub(super) struct Lane<'a> {
    plan: &'a Plan,
    seed: u64,
    begin: Instant,
    report: &'a Mutex<Report>,
    over: &'a AtomicBool,
    /// The child lives as long as this is open, if it answers.
    stdin: Mutex<Option<ChildStdin>>,
    child: Mutex<Option<Child>>,
    /// Looks since the child was heard last.
    silent: AtomicU32,
    /// Looks since it was told to end.
    told: AtomicU32,
    /// It was killed because it did not answer.
    killed: AtomicBool,
}

impl<'a> Lane<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        seed: u64,
        begin: Instant,
        report: &'a Mutex<Report>,
        over: &'a AtomicBool,
    ) -> Lane<'a> {
        let (stdin, child) = (Mutex::default(), Mutex::default());
        let (silent, told, killed) = Default::default();
        Lane { plan, seed, begin, report, over, stdin, child, silent, told, killed }
    }

    /// Runs children until the time is over or there is a reason to stop.
    pub(super) fn run(&self) -> io::Result<()> {
        let mut batch = 0;
        while self.begin.elapsed() < self.plan.time && !self.is_over() {
            let ran = self.batch(self.seed.wrapping_add(batch));
            self.end_child();
            if ran.is_err() {
                self.over.store(true, Ordering::Relaxed);
            }
            ran?;
            batch += 1;
        }
        Ok(())
    }

    /// Ends the child, whatever its threads are doing: it has no parent any more.
    fn end_child(&self) {
        lock(&self.stdin).take();
    }

    /// Looked in on every [`TICK`]: a child whose process is stopped neither answers nor ends. Silence
    /// is counted in looks, for time that this process was stopped for is no fault of the child.
    pub(super) fn look(&self, end: bool) {
        let silent = self.silent.fetch_add(1, Ordering::Relaxed);
        let told = match end {
            true => self.told.fetch_add(1, Ordering::Relaxed),
            false => 0,
        };
        if end {
            self.end_child();
        }
        if silent < ticks(SILENCE) && told < ticks(GRACE) {
            return;
        }
        if let Some(child) = &mut *lock(&self.child) {
            // Whoever is on the way out says nothing either.
            let asleep = silent.saturating_sub(told) >= ticks(GRACE / 2);
            if child.kill().is_ok() && asleep {
                self.killed.store(true, Ordering::Relaxed);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn batch(&self, seed: u64) -> io::Result<()> {
        let mut child = self.spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        self.silent.store(0, Ordering::Relaxed);
        *lock(&self.child) = Some(child);
        let sent = stdin.map(|stdin| self.order(stdin, seed)).transpose();
        let (word, last) = thread::scope(|scope| {
            let stderr = scope.spawn(|| said(stderr));
            let word = stdout.and_then(|stdout| self.listen(stdout));
            (word, stderr.join().unwrap_or_default())
        });
        let status = self.wait()?;
        match word {
            _ if self.killed.load(Ordering::Relaxed) => {
                self.crashed("the process of the threads did not answer and was killed".to_string())
            }
            Some(Word::Stuck) => {}
            Some(Word::Broken(why)) => self.crashed(why),
            // Ended by us, or by the clock.
            _ if self.is_over() || status.is_some_and(|status| status.success()) => {}
            _ => {
                let how = status.map_or(String::new(), |status| status.to_string());
                self.crashed(format!("the process of the threads died: {how}; {last}"))
            }
        }
        match self.is_over() {
            true => Ok(()),
            false => sent.map(|_| ()),
        }
    }

    /// Waits for the child to be gone, while others may kill it.
    fn wait(&self) -> io::Result<Option<ExitStatus>> {
        loop {
            let mut child = lock(&self.child);
            let Some(running) = &mut *child else { return Ok(None) };
            if let Some(status) = running.try_wait()? {
                *child = None;
                return Ok(Some(status));
            }
            drop(child);
            thread::sleep(TICK);
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.plan.program);
        command.arg("stress-child").stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is for the parent: its results are to be complete.
        command.stderr(Stdio::piped()).process_group(0).spawn()
    }

    fn order(&self, mut stdin: ChildStdin, seed: u64) -> io::Result<()> {
        let left = self.plan.time.saturating_sub(self.begin.elapsed()).min(BATCH);
        let order = Order {
            case: self.plan.names.text(&self.plan.case).to_string(),
            policy: self.plan.policy.name().to_string(),
            seed,
            seconds: left.as_secs_f64(),
        };
        let sent = writeln!(stdin, "{}", serde_json::to_string(&order)?);
        if !self.is_over() {
            *lock(&self.stdin) = Some(stdin);
        }
        sent
    }

    /// Hears the child out; its last word, if it was one.
    fn listen(&self, stdout: impl Read) -> Option<Word> {
        let mut last = None;
        for line in BufReader::new(stdout).lines() {
            self.silent.store(0, Ordering::Relaxed);
            match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
                Some(Word::Alive) => {}
                Some(Word::Rounds(rounds)) => lock(self.report).rounds += rounds,
                Some(Word::Finding(found)) => {
                    let findings = &mut lock(self.report).findings;
                    if findings.iter().all(|(known, _)| known.hash != found.hash) {
                        findings.push((found, self.begin.elapsed().as_secs_f64()));
                    }
                }
                Some(Word::Stuck) => {
                    lock(self.report).hung.get_or_insert(self.begin.elapsed());
                    self.over.store(true, Ordering::Relaxed);
                    last = Some(Word::Stuck);
                }
                word => last = word,
            }
        }
        last
    }

    fn crashed(&self, why: String) {
        lock(self.report).crashes.push(why.trim_end_matches([';', ' ', '\n']).replace('\n', "; "));
        self.over.store(true, Ordering::Relaxed);
    }
}

/// What the child said on stderr, all of it read so that it never waits for us.
fn said(stderr: Option<impl Read>) -> String {
    let mut text = Vec::new();
    if let Some(mut stderr) = stderr {
        let _ = stderr.by_ref().take(STDERR).read_to_end(&mut text);
        let _ = io::copy(&mut stderr, &mut io::sink());
    }
    String::from_utf8_lossy(&text).trim().to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with the lock held")
}
