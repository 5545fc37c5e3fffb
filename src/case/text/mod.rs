//! The text form (`.case`): what humans read, diff, write and commit.
//!
//! ```text
//! case      = statement*
//! statement = "variant" NAME                        one of `kvm-lock-fuzz variants`; default counted
//!           | "bug" ID                              a planted bug of that variant
//!           | "policy" POLICY                       writer-fair (default), reader-biased, phase-fair
//!           | "mm" "earlier"                        another mm was created before this one
//!           | "vm" NAME slot*                       a VM registers with the mm's notifier list
//!           | "subscriber" ("sleeper" | "refuser")  so does another subscriber
//!           | "task" NAME operation*                the program of a task
//!           | "schedule" [burst ("," burst)*] ["then" tail]
//! slot      = "slot" ID "gfn" RANGE "hva" PAGE      stands before the tasks start
//! operation = "fault" "gfn" PAGE ["read" | "write"] [VM]
//!           | "memslot" "create" ID "gfn" RANGE "hva" PAGE [VM]
//!           | "memslot" "delete" ID [VM]
//!           | "memslot" "move" ID "gfn" PAGE [VM]
//!           | "memslot" "flags" ID ("log-dirty" | "none") [VM]
//!           | opener RANGE split* "end"             a region
//!           | split                                 a region of its own
//! opener    = "munmap" | "mremap" | "mprotect" | "madvise" | "fork" | "cow"
//!           | "swapout" | "migrate" | "reaper"
//! split     = "split" RANGE ["depth" N]             a THP split, N regions deep; default 1
//! burst     = TASK "until" (PLACE | "blocked") | TASK "*" N
//! tail      = "fair" | "random" SEED | "pct" SEED "depth" N
//! RANGE     = PAGE ".." PAGE | PAGE                 half-open, or that one page
//! ```
//!
//! Numbers are decimal or `0x` hexadecimal page numbers. White space, line breaks included, only
//! separates; `#` starts a comment. VMs and tasks are declared before they are named; a VM that is
//! not named is the first. A region is closed by its `end`; one left open is an error. `cow` spans
//! one page; `cow`, `swapout`, `migrate` and `reaper` hold no split. A burst `until PLACE` ends just
//! before the task passes that place, `*N` after N scheduling points; both end where the task
//! blocks or finishes. After the bursts the rest runs fairly, unless `then` says otherwise.
//!
//! A NAME is a letter or `_`, then letters, digits, `_` and `-`: at most [`MAX_NAME`] characters. Lines end
//! with LF, CR LF or CR.
//!
//! Printing leaves out what is default. Names and comments are no part of a case: printing derives a
//! task's name from its first operation, unless a table of [`Names`] is at hand, which
//! [`Case::parse_named`] reads off a text. The law: `parse(print(c)) == c` for every legal case `c`.
//! What is not legal is refused with line, column and how to mend it, never repaired in silence.

mod cursor;
mod lex;
mod names;
mod parse;
mod print;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Case, Opener};
use crate::kvm::{Place, Variant};
use crate::machine::Policy;
use lex::ENDS;

pub use names::{MAX_NAME, Names};

/// Bytes of the longest text that is read.
pub const MAX_TEXT: usize = 1 << 20;

/// Why a text is no case, and where: `line L, column C: what; how to mend`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1; a tab is one.
    pub column: usize,
    /// What is wrong, and how to mend it.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    /// An error at a byte offset of a text.
    fn at(text: &[u8], offset: usize, message: String) -> ParseError {
        let before = String::from_utf8_lossy(&text[..offset.min(text.len())]);
        let line = before.rsplit(ENDS).next().unwrap_or_default();
        let ends = before.matches(ENDS).count() - before.matches("\r\n").count();
        ParseError { line: ends + 1, column: line.chars().count() + 1, message }
    }
}

/// Every word of the grammar, for the dictionary of a fuzzer: those of the statements, and the names
/// of variants, policies, openers and places. Ids of planted bugs are names, not words.
pub fn words() -> BTreeSet<&'static str> {
    let names = Variant::ALL.iter().map(|variant| variant.name());
    let names = names.chain(Policy::ALL.iter().map(|policy| policy.name()));
    let names = names.chain(Opener::ALL.iter().map(|opener| opener.name()));
    let names = names.chain(Place::ALL.iter().map(|place| place.name()));
    names.chain(parse::words()).collect()
}

impl Case {
    /// The case that a text stands for.
    ///
    /// ```
    /// use kvm_lock_fuzz::case::Case;
    /// let case = Case::parse(b"vm vm0  task a  cow 0x100 end").unwrap();
    /// assert_eq!(Case::parse(case.to_string().as_bytes()), Ok(case));
    /// let error = Case::parse(b"vm vm0\ntask a\n  cow 0x100").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "line 3, column 3: the region is not closed in its task; add `end`"
    /// );
    /// ```
    pub fn parse(text: &[u8]) -> Result<Case, ParseError> {
        parsed(text).map(|(case, _)| case)
    }

    /// The same with the names that the text gives its tasks.
    pub fn parse_named(text: &[u8]) -> Result<(Case, Names), ParseError> {
        let (case, names) = parsed(text)?;
        let names = Names::new(&case, &names);
        Ok((case, names))
    }
}

impl FromStr for Case {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Case, ParseError> {
        Case::parse(text.as_bytes())
    }
}

fn parsed(text: &[u8]) -> Result<(Case, Vec<&str>), ParseError> {
    let text = readable(text)?;
    parse::parse(text).map_err(|e| ParseError::at(text.as_bytes(), e.offset, e.message))
}

/// The text without its byte-order mark, if it is text of a bearable size.
fn readable(bytes: &[u8]) -> Result<&str, ParseError> {
    if bytes.len() > MAX_TEXT {
        let message = format!("the text is longer than {MAX_TEXT} bytes; cut it");
        return Err(ParseError { line: 1, column: 1, message });
    }
    if let Some(offset) = bytes.iter().position(|&b| b == 0) {
        let message = "a NUL byte; a case is UTF-8 text".to_string();
        return Err(ParseError::at(bytes, offset, message));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let message = "not UTF-8; a case is UTF-8 text".to_string();
        ParseError::at(bytes, e.valid_up_to(), message)
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
