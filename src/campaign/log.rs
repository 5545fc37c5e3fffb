//! What libFuzzer writes to stderr, line by line, with bounded memory: a target that floods its log
//! costs time and no space.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::target::collect;

/// Lines of a log that are kept for the report of a crash.
const TAIL: usize = 200;
/// Bytes of a line that are read: more than the longest case has.
const LINE: usize = 1 << 14;
/// Characters of a line that are kept.
const KEPT: usize = 4096;
/// Cases that are kept.
const CASES: usize = 16;
/// Characters of a target's words that are quoted.
const QUOTED: usize = 300;
/// How a target begins its own words when it cannot work.
const OWN: &str = "kvm-lock-fuzz: ";

/// The log of one process.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Executions.
    pub executions: u64,
    /// Inputs that joined the corpus.
    pub new_inputs: u64,
    /// Instrumented edges.
    pub edges: u64,
    /// Edges that the target has covered, and features.
    pub covered: [u64; 2],
    /// Inputs in its corpus.
    pub corpus: u64,
    /// Cases that the target could not store.
    pub unsaved: Vec<Case>,
    tail: VecDeque<String>,
    begun: Vec<u8>,
}

impl Log {
    /// Takes in the next bytes of the log.
    pub fn feed(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(self.begun.len()).min(part.len());
            self.begun.extend_from_slice(&part[..room]);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// Ends the log, where its last line has no ending.
    pub fn finish(&mut self) {
        if !self.begun.is_empty() {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.begun).trim_end().to_string();
        self.begun.clear();
        self.line(line);
    }

    fn line(&mut self, line: String) {
        if let Some(rest) = line.strip_prefix('#') {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
            self.executions = digits.parse().unwrap_or(0).max(self.executions);
            let [cov, ft, corp] = ["cov: ", "ft: ", "corp: "].map(|name| number(rest, name));
            self.covered = [cov, ft].map(|n| n.unwrap_or(0));
            self.corpus = corp.unwrap_or(0);
        } else if let Some(n) = stat(&line, "stat::number_of_executed_units:") {
            self.executions = n;
        } else if let Some(n) = stat(&line, "stat::new_units_added:") {
            self.new_inputs = n;
        } else if let Some((_, rest)) = line.split_once(" inline 8-bit counters)") {
            self.edges = stat(rest, ":").unwrap_or(0);
        } else if let Some(case) = collect::parse_unsaved(&line)
            && self.unsaved.len() < CASES
        {
            self.unsaved.push(case);
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.chars().take(KEPT).collect());
    }

    /// The target's own words, if it could not work.
    pub fn gave_up(&self) -> Option<String> {
        self.tail.iter().find_map(|line| line.strip_prefix(OWN)).map(quoted)
    }

    /// The last words of the log that say anything.
    pub fn last_words(&self) -> Option<String> {
        let spoken = |line: &&String| !line.trim().is_empty() && !line.starts_with("stat::");
        self.tail.iter().rev().find(spoken).map(|line| quoted(line))
    }

    /// Where libFuzzer put the input that ended the target.
    pub fn artifact(&self) -> Option<PathBuf> {
        let written = |line: &String| {
            let path = line.split_once("Test unit written to ")?.1;
            Some(Path::new(path.trim()).to_path_buf())
        };
        self.tail.iter().rev().find_map(written)
    }

    /// Place and words of the panic, or libFuzzer's; `kind` where neither says anything.
    pub fn panic(&self, kind: &str) -> (String, String) {
        let panic = self.tail.iter().position(|line| line.contains(" panicked at "));
        if let Some(at) = panic {
            let place = self.tail[at].split_once(" panicked at ").map_or("", |parts| parts.1);
            let words = self.tail.get(at + 1).map_or(String::new(), |line| quoted(line));
            return (inside(place.trim_end_matches(':')), words);
        }
        let error = self.tail.iter().find_map(|line| line.split_once("ERROR: libFuzzer: "));
        (kind.to_string(), error.map_or(kind.to_string(), |parts| quoted(parts.1)))
    }
}

/// Words of a process as a part of one line: short, and without what moves a terminal's cursor.
fn quoted(words: &str) -> String {
    let words = words.trim();
    let plain = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(QUOTED).collect()
}

/// A source place without the part of the path that depends on where the tree is.
fn inside(place: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    place.strip_prefix(root).unwrap_or(place).to_string()
}

/// The number behind that name in a line.
fn number(line: &str, name: &str) -> Option<u64> {
    let (_, rest) = line.split_once(name)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn stat(line: &str, name: &str) -> Option<u64> {
    line.strip_prefix(name)?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &[u8]) -> Log {
        let mut log = Log::default();
        text.chunks(7).for_each(|chunk| log.feed(chunk));
        log.finish();
        log
    }

    #[test]
    fn reads_libfuzzers_log() {
        let text = "INFO: Loaded 1 modules   (1064 inline 8-bit counters): 1064 [0x1, 0x2), \n\
                    #2\tINITED cov: 5 ft: 5 corp: 1/1b exec/s: 0 rss: 26Mb\n\
                    #4096\tpulse  cov: 9 ft: 11 corp: 2/2b lim: 4 exec/s: 2048 rss: 26Mb\n\
                    stat::number_of_executed_units: 5000\n\
                    stat::new_units_added:          7\n";
        let log = log(text.as_bytes());
        assert_eq!((log.executions, log.new_inputs, log.edges), (5000, 7, 1064));
        assert_eq!((log.covered, log.corpus), ([9, 11], 2));
    }

    #[test]
    fn takes_in_cases_that_could_not_be_stored() {
        let longest = |seed| {
            let bytes = (0..4096u32).map(|i| (i.wrapping_mul(seed) >> 11) as u8);
            Case::decode(&bytes.collect::<Vec<u8>>())
        };
        for seed in 0..50 {
            let case = longest(2_654_435_761u32.wrapping_add(2 * seed));
            let log = log(format!("{}\nx\n", collect::unsaved(&case)).as_bytes());
            assert_eq!(log.unsaved, [case]);
        }
    }

    #[test]
    fn names_a_panic() {
        let log = log(b"thread '<unnamed>' panicked at src/a.rs:1:2:\nno such thing\nnote: x\n");
        let panic = ("src/a.rs:1:2".to_string(), "no such thing".to_string());
        assert_eq!(log.panic("crash"), panic);
    }

    #[test]
    fn a_flood_takes_no_space() {
        let mut log = Log::default();
        for _ in 0..1000 {
            log.feed(&[b'x'; 65536]);
        }
        assert_eq!(log.begun.len(), LINE, "a line without an end");
        log.feed(&b"\n\x1b[2Jy".repeat(100_000));
        log.finish();
        assert_eq!((log.tail.len(), log.last_words()), (TAIL, Some(" [2Jy".to_string())));
    }
}
