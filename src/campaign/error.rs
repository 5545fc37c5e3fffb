//! What can stop a campaign. Each error is one line: what, where, how to mend.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::case::files::{FileError, mend};

/// Why a campaign could not be run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Started outside a clone of the project.
    NoTree(PathBuf),
    /// A tool failed; the text names it and says how to mend that.
    Tool(String),
    /// A tool is missing; the text names it and says how to mend that.
    Missing(String),
    /// The time was over before the fuzz targets were built.
    Late,
    /// The campaign is one of random cases.
    Unasked,
    /// Reading or writing a file failed.
    File(&'static str, PathBuf, io::Error),
    /// Reading or writing a case failed.
    Case(FileError),
    /// Another campaign is at work in the folder.
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The process of that campaign, where it is known.
        holder: Option<u32>,
        /// What to do instead.
        mend: &'static str,
    },
    /// Ctrl-C before any fuzzing.
    Interrupted,
}

impl Error {
    /// For `map_err`: `doing` is a verb, as in "cannot write results/table.txt".
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |error| Error::File(doing, path, error)
    }

    /// Whether it only says that something is not there which random cases do without.
    pub(super) fn is_lack(&self) -> bool {
        matches!(self, Error::NoTree(_) | Error::Missing(_) | Error::Unasked)
    }

    /// Whether it says that something went wrong, and neither lacks nor comes too late.
    pub(super) fn is_fault(&self) -> bool {
        !self.is_lack() && !matches!(self, Error::Late | Error::Interrupted)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoTree(from) => write!(
                f,
                "no source tree at or above {}: the fuzz targets are built from it, so start \
                 inside a clone of kvm-lock-fuzz",
                from.display()
            ),
            Error::Tool(text) | Error::Missing(text) => f.write_str(text),
            Error::Unasked => f.write_str("no other cases were asked for"),
            Error::Late => f.write_str(
                "the fuzz targets were not built when the time was over; what is built already stays",
            ),
            Error::Case(error) => error.fmt(f),
            Error::File(doing, path, error) => {
                write!(f, "cannot {doing} {}: {error}{}", path.display(), mend(error.kind()))
            }
            Error::Busy { folder, holder, mend } => {
                let holder = holder.map_or(String::new(), |id| format!(" (process {id})"));
                let folder = folder.display();
                write!(f, "another campaign{holder} is at work in {folder}; {mend}")
            }
            Error::Interrupted => f.write_str("interrupted before the fuzzing began"),
        }
    }
}

impl std::error::Error for Error {}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error::Case(error)
    }
}
