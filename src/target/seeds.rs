//! Curated seeds, which are kept as text, as the bytes that a target reads.
//!
//! A bug in here would be a seed that reaches the fuzzer as something else than its text says, or
//! that silently does not reach it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::case::files::{self, FileError};
use crate::lockdep::check::{self, Bounds, Lines, MAX_FILE, MAX_LINE, Next, Record, read_record};
use crate::lockdep::script;

/// Form in which a target's seeds are kept in `corpus/<target>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// `*.case`: cases, which the target reads in the binary form.
    Cases,
    /// `*.jsonl`: records of `lockdep check`, which the target reads as bytes of their own.
    Scripts,
    /// What the target reads.
    AsTheyAre,
}

impl Seeds {
    /// Encodes the seeds of a folder into another one, which is made where it is missing; returns
    /// how many. `None` where the seeds are as the target reads them: nothing is written then.
    ///
    /// # Errors
    /// A folder or file that cannot be read or written, or a seed that no bytes stand for.
    pub fn encode(self, from: &Path, to: &Path) -> Result<Option<usize>, FileError> {
        match self {
            Seeds::Cases => files::encode_folder(from, to).map(Some),
            Seeds::Scripts => encode_scripts(from, to).map(Some),
            Seeds::AsTheyAre => Ok(None),
        }
    }
}

/// Encodes the records of a file of event scripts, or of every `*.jsonl` of a folder, each into a
/// file of the other folder that is named after the record; returns how many. Nothing is written
/// unless all of them can be encoded.
///
/// # Errors
/// A file that cannot be read, a record that is damaged, that has the name of another or that no
/// bytes stand for, a folder that cannot be written to.
pub fn encode_scripts(from: &Path, to: &Path) -> Result<usize, FileError> {
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for path in script_files(from)? {
        for (number, record) in records(&path)? {
            let bad = |what: String| error(&path, format!("record {number}: {what}"));
            let name = file_name(&record.id);
            if inputs.iter().any(|(taken, _)| *taken == name) {
                return Err(bad(format!("another one is called {name}; give it an id of its own")));
            }
            let bytes = script::encode(&record.script, record.raw_lock_nesting);
            inputs.push((name, bytes.map_err(|e| bad(e.to_string()))?));
        }
    }
    files::make_folder(to)?;
    for (name, bytes) in &inputs {
        files::write(&to.join(name), bytes)?;
    }
    Ok(inputs.len())
}

/// The file itself, or the `*.jsonl` of a folder, sorted; at least one.
fn script_files(from: &Path) -> Result<Vec<PathBuf>, FileError> {
    if !from.is_dir() {
        return Ok(vec![from.to_path_buf()]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(from).map_err(|e| error(from, e.to_string()))? {
        let path = entry.map_err(|e| error(from, e.to_string()))?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl") && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(error(from, "no *.jsonl file in it; name a folder of event scripts".into()));
    }
    paths.sort();
    Ok(paths)
}

/// The records of a file with the numbers of their lines.
fn records(path: &Path) -> Result<Vec<(usize, Record)>, FileError> {
    let unreadable = |e: io::Error| error(path, e.to_string());
    let mut lines = Lines::new(check::open(path).map_err(unreadable)?, Bounds::default());
    let mut records = Vec::new();
    loop {
        match lines.next_line().map_err(unreadable)? {
            Next::Line(number, line) => match read_record(line, false) {
                Ok(record) => records.push((number, record)),
                Err(e) => return Err(error(path, format!("record {number}: {e}"))),
            },
            Next::TooLong(number) => {
                let what = format!("record {number}: a line over {MAX_LINE} bytes, split it");
                return Err(error(path, what));
            }
            Next::TooLarge => {
                return Err(error(path, format!("over {MAX_FILE} bytes, split the file")));
            }
            Next::End => return Ok(records),
        }
    }
}

/// The id as a file name.
fn file_name(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    id.chars().take(100).map(plain).collect()
}

fn error(path: &Path, message: String) -> FileError {
    FileError { path: path.to_owned(), message }
}
