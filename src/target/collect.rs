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

/// How large a case is: operations and ends, bursts, tasks. Coarser than what the shrinker
/// measures, and cheap enough for every execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size([usize; 3]);

impl Size {
    /// The size of a case.
    pub fn of(case: &Case) -> Size {
        let Case { programs, schedule, .. } = case;
        Size([programs.ops.len(), schedule.bursts.len(), programs.ends.len()])
    }
}

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

/// The findings of one folder, as this process knows them.
#[derive(Debug)]
pub struct Collector {
    folder: PathBuf,
    known: Vec<(Signature, Size)>,
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
            known.push((signature, stored_size(&entry.path())?));
        }
        Ok(Collector { folder: folder.to_path_buf(), known })
    }

    /// Whether that finding is new, or known only from larger cases.
    pub fn wants(&self, signature: Signature, size: Size) -> bool {
        match self.known.iter().find(|(known, _)| *known == signature) {
            Some((_, smallest)) => size < *smallest,
            None => true,
        }
    }

    /// Writes the case under the finding's name, unless another process wrote a smaller one.
    pub fn store(&mut self, kind: Kind, signature: Signature, case: &Case) -> io::Result<()> {
        let path = self.folder.join(file_name(kind, signature));
        let size = Size::of(case);
        let smallest = stored_size(&path).ok().filter(|stored| *stored <= size);
        if smallest.is_none() {
            let draft = self.folder.join(format!(".{}.part", process::id()));
            fs::write(&draft, case.encode())?;
            fs::rename(&draft, &path)?;
        }
        self.remember(signature, smallest.unwrap_or(size));
        Ok(())
    }

    fn remember(&mut self, signature: Signature, size: Size) {
        match self.known.iter_mut().find(|(known, _)| *known == signature) {
            Some((_, smallest)) => *smallest = size,
            None => self.known.push((signature, size)),
        }
    }
}

fn stored_size(path: &Path) -> io::Result<Size> {
    Ok(Size::of(&Case::decode(&fs::read(path)?)))
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
