//! The rows: one for each bug, engine and seed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::Bug;
use kvm_lock_fuzz::oracle::Severity;
use kvm_lock_fuzz::run::{Options, Runner};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, State};

/// What one engine needed to find one bug with one seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub bug: String,
    pub engine: String,
    pub seed: u64,
    pub found: bool,
    pub executions: u64,
    /// Events of all executions: what their time is spent on.
    pub events: u64,
    pub cpu_ms: f64,
    /// CPU seconds that were allowed.
    pub cap: f64,
}

impl Row {
    /// Draws cases until one shows the bug or the time is over.
    pub fn measure(bug: Bug, engine: Engine, seed: u64, cap: f64) -> Row {
        let (mut state, mut runner) = (State::new(engine, seed), Runner::new());
        let (mut executions, mut events, begin) = (0, 0, cpu_ms());
        let row = |found, executions, events, cpu_ms| Row {
            bug: bug.id().into(),
            engine: engine.name().into(),
            seed,
            found,
            executions,
            events,
            cpu_ms,
            cap,
        };
        loop {
            let case = state.draw(executions);
            (case.variant, case.bug) = (bug.variant(), Some(bug));
            executions += 1;
            let outcome = runner.run(case, &Options::of(case));
            events += u64::from(outcome.events);
            let violates = outcome.findings.iter().any(|f| f.severity == Severity::Violation);
            if violates && because_of_bug(&mut runner, case) {
                return row(true, executions, events, cpu_ms() - begin);
            }
            state.learn(&mut runner);
            if executions.is_multiple_of(64) && cpu_ms() - begin >= cap * 1e3 {
                return row(false, executions, events, cpu_ms() - begin);
            }
        }
    }
}

/// Whether a violation of the case goes away with the bug.
fn because_of_bug(runner: &mut Runner, case: &Case) -> bool {
    let mut shown = |options: &Options| -> Vec<_> {
        let findings = &runner.run(case, options).findings;
        let violations = findings.iter().filter(|f| f.severity == Severity::Violation);
        violations.map(|f| f.signature).collect()
    };
    let with = shown(&Options::of(case));
    let without = shown(&Options { bug: None, ..Options::of(case) });
    with.iter().any(|signature| !without.contains(signature))
}

/// CPU time of this thread in milliseconds: the machine may be busy with other things.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock that Linux has");
    time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 / 1e6
}

/// The rows of a file.
#[derive(Debug)]
pub struct Rows {
    pub all: Vec<Row>,
    file: File,
}

impl Rows {
    /// Opens the file, makes it where it is missing. A line that a kill cut short is left out.
    pub fn open(path: &Path) -> io::Result<Rows> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let all = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(Rows { all, file })
    }

    /// Whether the row is there, measured with at least that cap where it found nothing.
    pub fn has(&self, bug: Bug, engine: Engine, seed: u64, cap: f64) -> bool {
        let same =
            |row: &&Row| row.bug == bug.id() && row.engine == engine.name() && row.seed == seed;
        self.all.iter().filter(same).any(|row| row.found || row.cap >= cap)
    }

    /// Appends a row, one write for the line.
    pub fn add(&mut self, row: Row) -> io::Result<()> {
        let line = serde_json::to_string(&row)? + "\n";
        self.file.write_all(line.as_bytes())?;
        self.all.push(row);
        Ok(())
    }
}
