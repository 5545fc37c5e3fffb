//! `lockdep check`: event scripts from JSON Lines files, one verdict a line.
//!
//! Each line of a file is a record with `id`, `raw_lock_nesting`, `decl` and `events`, as described
//! in `tests/vectors/lockdep/README.md`. Standard output gets one JSON object for each good record
//! and nothing else. What is wrong with a record, and with [`run`]'s `verify` what differs from its
//! own `verdict` and `state`, goes to standard error; the other records still run.

mod json;
mod lines;
mod record;

pub use json::{outcome_json, report_json, state_json};
pub use lines::{Bounds, Lines, MAX_FILE, MAX_LINE, Next, open};
pub use record::{Record, RecordError, read_record};

use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::script;
use super::types::{Config, Mode};
use crate::quote;

/// Most damaged records of a file that are named; the others are counted.
pub const MAX_NAMED: usize = 100;

/// All good.
const GOOD: u8 = 0;
/// `verify` found a difference.
const DIFFERS: u8 = 1;
/// A file or a record could not be used.
const DAMAGED: u8 = 2;

/// How many records came out how.
#[derive(Default)]
struct Tally {
    good: usize,
    differ: usize,
    damaged: usize,
}

impl Tally {
    fn exit_code(&self) -> u8 {
        match (self.damaged, self.differ) {
            (0, 0) => GOOD,
            (0, _) => DIFFERS,
            _ => DAMAGED,
        }
    }
}

/// Runs every record of `files` (`-` is standard input) and returns the exit code: 2 if any file
/// or record was damaged, else 1 if `verify` found a difference, else 0.
pub fn run(files: &[PathBuf], verify: bool, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let mut check = Check { verify, stdout, stderr, tally: Tally::default() };
    let ended = files.iter().try_for_each(|file| check.file(file));
    match ended.and_then(|()| check.summary()) {
        Ok(()) => check.tally.exit_code(),
        // The reader has gone: nothing is left to say.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => check.tally.exit_code(),
        Err(error) => {
            let _ = writeln!(check.stderr, "cannot write the results: {error}");
            DAMAGED
        }
    }
}

struct Check<'a> {
    verify: bool,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
    tally: Tally,
}

impl Check<'_> {
    /// Checks a file. Errors are those of writing.
    fn file(&mut self, path: &Path) -> io::Result<()> {
        match open(path) {
            Ok(reader) => self.lines(path, Lines::new(reader, Bounds::default())),
            Err(error) => self.unreadable(path, &error),
        }
    }

    /// One line on standard error, whatever the input has put into it.
    fn say(&mut self, path: &Path, message: &dyn Display) -> io::Result<()> {
        let line = format!("{}{message}", path.display());
        writeln!(self.stderr, "{}", quote::line(&line))
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) -> io::Result<()> {
        self.tally.damaged += 1;
        self.say(path, &format_args!(": cannot read: {error}; name a JSON Lines file"))
    }

    fn lines(&mut self, path: &Path, mut lines: Lines<impl BufRead>) -> io::Result<()> {
        let before = self.tally.damaged;
        loop {
            match lines.next_line() {
                Ok(Next::Line(number, line)) => match read_record(line, self.verify) {
                    Err(error) => self.damaged(path, number, before, &error)?,
                    Ok(record) => self.record(path, number, &record)?,
                },
                Ok(Next::TooLong(number)) => {
                    let message = format_args!("a line over {MAX_LINE} bytes, split the record");
                    self.damaged(path, number, before, &message)?;
                }
                Ok(Next::TooLarge) => {
                    self.tally.damaged += 1;
                    self.say(path, &format_args!(": over {MAX_FILE} bytes, split the file"))?;
                    break;
                }
                Ok(Next::End) => break,
                Err(error) => {
                    self.unreadable(path, &error)?;
                    break;
                }
            }
        }
        let unnamed = (self.tally.damaged - before).saturating_sub(MAX_NAMED);
        if unnamed == 0 {
            return Ok(());
        }
        let what = "damaged records, mend those above first";
        self.say(path, &format_args!(": over {MAX_NAMED} {what}; {unnamed} more are not listed"))
    }

    /// Counts a damaged record and names it, unless enough of the file were named: those of a file
    /// that holds something else would bury the rest. `before` is the count before the file.
    fn damaged(
        &mut self,
        path: &Path,
        number: usize,
        before: usize,
        message: &dyn Display,
    ) -> io::Result<()> {
        self.tally.damaged += 1;
        if self.tally.damaged - before > MAX_NAMED {
            return Ok(());
        }
        self.say(path, &format_args!(":{number}: {message}"))
    }

    fn record(&mut self, path: &Path, number: usize, record: &Record) -> io::Result<()> {
        let config = |mode| Config { mode, raw_lock_nesting: record.raw_lock_nesting };
        let kernel = script::run(&record.script, config(Mode::Kernel));
        let mut complete = script::run(&record.script, config(Mode::Complete));
        complete.lockdep.finish();
        let result = outcome_json(&record.id, &record.script, &kernel, &complete);
        writeln!(self.stdout, "{result}")?;
        self.tally.good += 1;
        if self.verify { self.compare(path, number, record, &result) } else { Ok(()) }
    }

    /// Says where a result differs from the record's own verdict and state.
    fn compare(
        &mut self,
        path: &Path,
        number: usize,
        record: &Record,
        result: &Value,
    ) -> io::Result<()> {
        let fields = ["kind", "at", "chain", "report"].map(|f| (f, &record.verdict[f]));
        let state = ["classes", "edges", "chains"].map(|f| (f, &record.state[f]));
        let differs = |name: &str, got: &Value, wanted: &Value| {
            (got != wanted).then(|| format!("{name} is {got}, not {wanted}"))
        };
        let verdict = fields.iter().filter_map(|(f, wanted)| differs(f, &result[*f], wanted));
        let state = state.iter().filter_map(|(f, wanted)| differs(f, &result["state"][*f], wanted));
        let differences: Vec<String> = verdict.chain(state).collect();
        if differences.is_empty() {
            return Ok(());
        }
        self.tally.differ += 1;
        let (id, differences) = (&record.id, differences.join("; "));
        self.say(path, &format_args!(":{number}: {id} differs: {differences}"))
    }

    fn summary(&mut self) -> io::Result<()> {
        self.stdout.flush()?;
        if self.verify {
            let Tally { good, differ, damaged } = self.tally;
            let same = good - differ;
            writeln!(
                self.stderr,
                "{same} of {good} records agree, {differ} differ, {damaged} damaged"
            )?;
        }
        Ok(())
    }
}
