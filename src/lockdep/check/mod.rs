//! `lockdep check`: event scripts from JSON Lines files, one verdict a line.
//!
//! Each line of a file is a record with `id`, `raw_lock_nesting`, `decl` and `events`, as described
//! in `tests/vectors/lockdep/README.md`. Standard output gets one JSON object for each good record
//! and nothing else. What is wrong with a record, and with [`run`]'s `verify` what differs from its
//! own `verdict` and `state`, goes to standard error; the other records still run.

mod json;
mod record;

pub use json::{outcome_json, report_json, state_json};
pub use record::{Record, RecordError, read_record};

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::script;
use super::types::{Config, Mode};

/// Longest line that is read, in bytes.
pub const MAX_LINE: u64 = 64 << 20;

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
        // The reader has gone; there is nobody to tell.
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
        if path.as_os_str() == "-" {
            return self.lines(path, &mut io::stdin().lock());
        }
        match File::open(path) {
            Ok(file) => self.lines(path, &mut BufReader::new(file)),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) -> io::Result<()> {
        self.tally.damaged += 1;
        writeln!(self.stderr, "{}: cannot read: {error}; name a JSON Lines file", path.display())
    }

    fn lines(&mut self, path: &Path, reader: &mut dyn BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        for number in 1_usize.. {
            line.clear();
            let read = reader.take(MAX_LINE).read_until(b'\n', &mut line);
            match read {
                Ok(0) => return Ok(()),
                Err(error) => return self.unreadable(path, &error),
                Ok(_) => {}
            }
            if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
                skip_line(reader);
                let message = format!("a line over {MAX_LINE} bytes, split the record");
                self.damaged(path, number, &message)?;
            } else if !line.trim_ascii().is_empty() {
                self.line(path, number, &line)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, path: &Path, number: usize, line: &[u8]) -> io::Result<()> {
        match read_record(line, self.verify) {
            Err(error) => self.damaged(path, number, &error.to_string()),
            Ok(record) => self.record(path, number, &record),
        }
    }

    fn damaged(&mut self, path: &Path, number: usize, message: &str) -> io::Result<()> {
        self.tally.damaged += 1;
        writeln!(self.stderr, "{}:{number}: {message}", path.display())
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
        let (path, id) = (path.display(), &record.id);
        writeln!(self.stderr, "{path}:{number}: {id} differs: {}", differences.join("; "))
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

/// Reads to the end of an over-long line.
fn skip_line(reader: &mut dyn BufRead) {
    let mut rest = Vec::new();
    while let Ok(n) = reader.take(1 << 16).read_until(b'\n', &mut rest) {
        if n == 0 || rest.last() == Some(&b'\n') {
            return;
        }
        rest.clear();
    }
}
