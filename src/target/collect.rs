//! Findings on disk: one file per signature, the smallest case seen so far, there before the
//! target returns.
//!
//! A bug in here would be a half-written file under a finding's name, a finding lost by a kill,
//! or a larger case replacing a smaller one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::case::Case;
use crate::oracle::{Kind, Signature};

/// Hexadecimal digits of a signature.
const HASH: usize = 16;

/// The name of a finding's file: `deadlock-0123456789abcdef`.
pub fn file_name(kind: Kind, signature: Signature) -> String {
    format!("{}-{:016x}", kind.name(), signature.0)
}

/// Kind and signature of a finding's file.
pub fn parse_file_name(name: &str) -> Option<(Kind, Signature)> {
    let (kind, hash) = name.split_at_checked(name.len().checked_sub(HASH)?)?;
    let kind = Kind::ALL.iter().copied().find(|k| kind.strip_prefix(k.name()) == Some("-"))?;
    let mut digits = hash.bytes().map(|digit| char::from(digit).to_digit(16));
    let hash = digits.try_fold(0, |hash, digit| Some((hash << 4) | u64::from(digit?)))?;
    Some((kind, Signature(hash)))
}

/// How a line begins that says a case which could not be stored.
const UNSAVED: &str = "kvm-lock-fuzz unsaved case: ";

/// A line for stderr with a case that could not be stored, so that it is not lost. What stands in
/// it is the text form, because white space only separates there.
pub fn unsaved(case: &Case) -> String {
    let text = case.to_string();
    [UNSAVED, &text.split_whitespace().collect::<Vec<_>>().join(" ")].concat()
}

/// The case of such a line.
pub fn parse_unsaved(line: &str) -> Option<Case> {
    Case::parse(line.strip_prefix(UNSAVED)?.as_bytes()).ok()
}

/// The findings of one folder, as this process knows them.
#[derive(Debug)]
pub struct Collector {
    folder: PathBuf,
    known: Vec<(Signature, u64)>,
}

impl Collector {
    /// Opens the folder, makes it where it is missing, and reads what it already holds.
    pub fn open(folder: &Path) -> io::Result<Collector> {
        fs::create_dir_all(folder)?;
        let mut known = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Some((_, signature)) = entry.file_name().to_str().and_then(parse_file_name) else {
                continue;
            };
            known.push((signature, entry.metadata()?.len()));
        }
        Ok(Collector { folder: folder.to_path_buf(), known })
    }

    /// Whether that finding is new, or known only from larger cases.
    pub fn wants(&self, signature: Signature, size: u64) -> bool {
        match self.known.iter().find(|(known, _)| *known == signature) {
            Some((_, smallest)) => size < *smallest,
            None => true,
        }
    }

    /// Writes the case under the finding's name, unless another process wrote a smaller one.
    pub fn store(&mut self, kind: Kind, signature: Signature, case: &Case) -> io::Result<()> {
        let path = self.folder.join(file_name(kind, signature));
        let size = size_of(case);
        let stored = fs::metadata(&path).ok().map(|stored| stored.len());
        let smallest = stored.filter(|stored| *stored <= size);
        if smallest.is_none() {
            self.put(&path, case)?;
        }
        self.remember(signature, smallest.unwrap_or(size));
        Ok(())
    }

    fn put(&self, path: &Path, case: &Case) -> io::Result<()> {
        write(path, &case.encode())
    }

    fn remember(&mut self, signature: Signature, size: u64) {
        match self.known.iter_mut().find(|(known, _)| *known == signature) {
            Some((_, smallest)) => *smallest = size,
            None => self.known.push((signature, size)),
        }
    }
}

/// Writes a file as a whole or not at all. A process writes one at a time to a folder.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_file_name(format!(".{}.part", process::id()));
    let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    written.inspect_err(|_| _ = fs::remove_file(&draft))
}

/// What makes a case smaller than another: the bytes of its binary form, which are its file's.
pub fn size_of(case: &Case) -> u64 {
    case.encoded_len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_round_trip() {
        for &kind in Kind::ALL {
            let signature = Signature(0x0123_4567_89ab_cdef);
            let name = file_name(kind, signature);
            assert_eq!(parse_file_name(&name), Some((kind, signature)));
        }
    }

    #[test]
    fn a_case_that_can_not_be_stored_is_a_line_and_leaves_no_draft() {
        let folder = std::env::temp_dir().join(format!("unsaved-{}", process::id()));
        let case = Case::decode(b"\x02some bytes of a fuzzer, many of them, and a few more");
        let collector = Collector::open(&folder).expect("the folder can be made");
        let name = file_name(Kind::Deadlock, Signature(1));
        fs::create_dir_all(folder.join(&name).join("in-the-way")).expect("it can be made");
        assert!(collector.put(&folder.join(&name), &case).is_err());
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "no draft stays");
        let line = unsaved(&case);
        assert_eq!((line.lines().count(), parse_unsaved(&line)), (1, Some(case)));
        assert_eq!(parse_unsaved("kvm-lock-fuzz: cannot write"), None);
        fs::remove_dir_all(&folder).expect("it can be removed");
    }

    #[test]
    fn other_files_are_no_findings() {
        let names =
            ["", "-", "crash-0123456789abcdef", "deadlock-0123456789abcdeg", "é".repeat(9).leak()];
        for name in names {
            assert_eq!(parse_file_name(name), None, "{name}");
        }
        assert_eq!(parse_file_name(".deadlock-0123456789abcdef"), None);
        assert_eq!(parse_file_name("deadlock0123456789abcdef"), None);
    }
}
