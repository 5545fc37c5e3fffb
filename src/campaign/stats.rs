//! `stats.jsonl` in the results folder: how a campaign goes, a line for each second. Campaigns append to
//! it, so that it tells the whole story of a results folder.
//!
//! A line is written at once, so that a kill costs at most the one that is being written; the next
//! campaign cuts off what is no whole line. A bug in here would be a line in the middle that is none,
//! or a campaign that ends because its statistics cannot be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::slice::Counters;
use super::{Arm, Error};
use crate::report::json;

/// Name of the file in the results folder.
pub const NAME: &str = "stats.jsonl";
/// Time between two lines.
const SECOND: Duration = Duration::from_secs(1);
/// Bytes at the end of the file that are looked at; a line has less.
const TAIL: u64 = 1 << 16;

/// A line: where the campaign is.
#[derive(Debug, Serialize)]
struct Line {
    /// Always [`json::FORMAT`].
    format: u32,
    /// When the campaign began, in seconds of the Unix time; it tells the campaigns of a file apart.
    campaign: u64,
    /// Seconds of fuzzing.
    seconds: f64,
    /// Executions of all arms.
    executions: u64,
    /// Executions a second since the line before.
    rate: f64,
    /// Findings of all arms.
    findings: usize,
    /// Inputs that ended a target, of all arms.
    crashes: usize,
    /// Each arm by itself.
    arms: Vec<ArmLine>,
}

#[derive(Debug, Serialize)]
struct ArmLine {
    target: &'static str,
    variant: Option<&'static str>,
    bug: Option<&'static str>,
    executions: u64,
    rate: f64,
    /// Edges of the program that its target covered in its last slice, and features, which are more
    /// than that; null before its first.
    covered: Option<u64>,
    features: Option<u64>,
    /// Inputs in its target's corpus in its last slice; null before its first.
    corpus: Option<u64>,
    findings: usize,
    crashes: usize,
}

/// The file of a campaign that runs.
#[derive(Debug)]
pub(super) struct Stats {
    file: Option<File>,
    campaign: u64,
    /// When the last line was written, and the executions of each arm then.
    last: Duration,
    executions: Vec<u64>,
}

impl Stats {
    /// Opens the file of the results folder, and makes it end in a whole line.
    pub fn open(folder: &Path) -> Result<Stats, Error> {
        let path = folder.join(NAME);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.and_then(|mut file| mended(&mut file).map(|()| file));
        let began = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
        Ok(Stats {
            file: Some(file.map_err(Error::file("write", &path))?),
            campaign: began,
            last: Duration::ZERO,
            executions: Vec::new(),
        })
    }

    /// Writes a line where a second has passed since the last one, or where the fuzzing is over.
    pub fn tick(&mut self, elapsed: Duration, arms: &[Arm], is_over: bool) {
        if elapsed < self.last + SECOND && !is_over {
            return;
        }
        let line = self.line(elapsed, arms);
        if let Some(file) = &mut self.file
            && append(file, &line).is_err()
        {
            // The results say what is wrong with the disk.
            self.file = None;
        }
    }

    fn line(&mut self, elapsed: Duration, arms: &[Arm]) -> Line {
        let since = (elapsed - self.last).as_secs_f64().max(1e-3);
        self.last = elapsed;
        self.executions.resize(arms.len(), 0);
        let all: Vec<ArmLine> = arms
            .iter()
            .zip(&mut self.executions)
            .map(|(arm, last)| arm_line(arm, last, since))
            .collect();
        Line {
            format: json::FORMAT,
            campaign: self.campaign,
            seconds: json::rounded(elapsed.as_secs_f64()),
            executions: all.iter().map(|arm| arm.executions).sum(),
            rate: json::rounded(all.iter().map(|arm| arm.rate).sum()),
            findings: all.iter().map(|arm| arm.findings).sum(),
            crashes: all.iter().map(|arm| arm.crashes).sum(),
            arms: all,
        }
    }
}

fn arm_line(arm: &Arm, last: &mut u64, since: f64) -> ArmLine {
    let executions = arm.total();
    let rate = json::rounded(executions.saturating_sub(*last) as f64 / since);
    *last = executions;
    let Counters { covered, features, corpus, .. } = &arm.counters;
    let known = |counter: &AtomicU64| Some(counter.load(Ordering::Relaxed)).filter(|n| *n > 0);
    let log = arm.log();
    ArmLine {
        target: arm.target.name,
        variant: arm.variant.map(|variant| variant.name()),
        bug: arm.bug.map(|bug| bug.id()),
        executions,
        rate,
        covered: known(covered),
        features: known(features),
        corpus: known(corpus),
        findings: log.findings.len(),
        crashes: log.crashes.len(),
    }
}

/// Appends a line with one write. Where it finds no room the file is as it was.
fn append(file: &mut File, line: &Line) -> io::Result<()> {
    let length = file.metadata()?.len();
    let text = serde_json::to_string(line)? + "\n";
    file.write_all(text.as_bytes()).inspect_err(|_| _ = file.set_len(length))
}

/// Cuts off what a kill left of a line.
fn mended(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let begin = length.saturating_sub(TAIL);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(begin))?;
    file.take(TAIL).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
    match begin + whole {
        // A file without any line in all that is somebody else's.
        at if whole == 0 && at > 0 => file.write_all(b"\n"),
        at if at < length => file.set_len(at),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_torn_line_is_cut_off_and_whole_ones_stay() {
        let folder = std::env::temp_dir().join(format!("stats-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("it can be made");
        let path = folder.join(NAME);
        let long = "x".repeat(2 * TAIL as usize);
        let texts = ["", "{}\n", "{}\n{\"a\"", "{\"a\"", &long];
        for (text, mended) in texts.iter().zip(["", "{}\n", "{}\n", "", &format!("{long}\n")]) {
            fs::write(&path, text).expect("it can be written");
            let mut stats = Stats::open(&folder).expect("it can be opened");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), *mended);
            stats.tick(SECOND / 2, &[], false);
            assert_eq!(fs::read_to_string(&path).expect("it is there"), *mended, "not yet");
            stats.tick(SECOND, &[], false);
            let all = fs::read_to_string(&path).expect("it is there");
            let line = all.strip_prefix(mended).expect("what was there stays");
            assert!(line.ends_with("}\n") && line.lines().count() == 1, "{line}");
        }
        fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
