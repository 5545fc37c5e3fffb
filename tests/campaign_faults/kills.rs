//! `kill -9` of campaigns at random moments. `KILLS=1000 cargo test --test campaign_faults kills -- --nocapture`
//! kills a thousand times, in some ten minutes; `KILLS_SEED` chooses other moments.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kvm_lock_fuzz::prng::Prng;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use crate::small_clone::{SmallClone, arguments, complaints, files, findings, shows};
use crate::target::CRASH;

/// Kills of a plain `cargo test`.
const KILLS: u64 = 12;
/// How long a campaign fuzzes here.
const FUZZING: Duration = Duration::from_secs(1);
/// Clones that campaigns are killed in at the same time.
const LANES: u64 = 4;

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let (kills, seed) = (number("KILLS").unwrap_or(KILLS), number("KILLS_SEED").unwrap_or(1));
    let all: Vec<Lane> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let kills = kills / LANES + u64::from(lane < kills % LANES);
                scope.spawn(move || Lane::run(lane, seed, kills))
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().expect("it holds")).collect()
    });
    let sum = |part: fn(&Lane) -> u64| all.iter().map(part).sum::<u64>();
    println!(
        "{} kills (seed {seed}): {} before the first finding of a clone, {} after the fuzzing; {} \
         whole campaigns between them reported all that was on disk",
        sum(|lane| lane.kills),
        sum(|lane| lane.before),
        sum(|lane| lane.late),
        sum(|lane| lane.wholes)
    );
    assert_eq!(sum(|lane| lane.kills), kills);
}

/// A clone, and what its campaigns found and wrote so far.
struct Lane {
    clone: SmallClone,
    prng: Prng,
    /// Names of all that was ever on disk.
    known: BTreeSet<String>,
    /// Files that were found whole.
    seen: BTreeSet<(String, Vec<u8>)>,
    /// How long a campaign takes that is not killed.
    life: Duration,
    kills: u64,
    /// Kills before anything was found, and after the fuzzing.
    before: u64,
    late: u64,
    wholes: u64,
}

impl Lane {
    fn run(lane: u64, seed: u64, kills: u64) -> Lane {
        let clone = SmallClone::new(&format!("kills-{lane}"), "");
        let prng = Prng(seed.wrapping_mul(LANES).wrapping_add(lane));
        let (known, seen) = Default::default();
        let life = Duration::from_secs(2);
        let (before, late, wholes) = (0, 0, 0);
        let mut lane = Lane { clone, prng, known, seen, life, kills: 0, before, late, wholes };
        while lane.kills < kills {
            lane.kill();
            lane.look();
            if lane.kills == kills || lane.prng.below(3) == 0 {
                lane.whole();
            }
        }
        lane
    }

    fn campaign(&self) -> Command {
        let mut command = self.clone.command(env!("CARGO_BIN_EXE_kvm-lock-fuzz"));
        command.args(arguments()).args(["--json", "--results"]).arg(self.clone.results());
        command
    }

    /// Kills a campaign, alone or with its targets.
    fn kill(&mut self) {
        let mut command = self.campaign();
        if self.prng.below(3) == 0 {
            command.arg("--no-seeds");
        }
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the campaign starts");
        let moment = self.moment();
        thread::sleep(moment);
        let is_alive = child.try_wait().expect("it is ours").is_none();
        end(child, self.prng.below(2) == 0);
        if is_alive {
            self.kills += 1;
            self.before += u64::from(self.known.is_empty());
            self.late += u64::from(moment > FUZZING);
        }
    }

    /// Any moment of a campaign's life. Its last part, where everything is written, is short.
    fn moment(&mut self) -> Duration {
        let part = |prng: &mut Prng| f64::from(prng.below(1 << 20)) / f64::from(1 << 20);
        let moment = match self.prng.below(2) {
            0 => part(&mut self.prng) * 1.05,
            _ => 0.8 + 0.25 * part(&mut self.prng),
        };
        self.life.mul_f64(moment)
    }

    /// All that was on disk is there, and whole.
    fn look(&mut self) {
        let found = self.clone.found();
        let lost: Vec<_> = self.known.iter().filter(|name| !found.contains_key(*name)).collect();
        assert!(lost.is_empty(), "kill {}: {lost:?} of {:?}", self.kills, self.clone.root);
        self.known.extend(found.into_keys());
        for (name, path) in findings(&self.clone.root.join("fuzz")) {
            let file = (name, fs::read(&path).expect("it can be read"));
            assert!(self.seen.contains(&file) || shows(&file.0, &path), "{}", path.display());
            self.seen.insert(file);
        }
        self.look_at_results();
    }

    /// The results are whole, and what they name of themselves is there.
    fn look_at_results(&self) {
        let Ok(text) = fs::read_to_string(self.clone.results().join("results.json")) else {
            return;
        };
        let document: Value = serde_json::from_str(&text).expect("results.json is whole");
        let ours = reported(&document).into_iter();
        for file in ours.filter(|file| file.starts_with(self.clone.results())) {
            assert!(file.is_file(), "{}", file.display());
        }
    }

    /// A campaign that is not killed reports all that is known, and tidies up.
    fn whole(&mut self) {
        let begin = Instant::now();
        let output = self.campaign().output().expect("the campaign runs");
        self.life = begin.elapsed();
        self.wholes += 1;
        let stderr = complaints(&output.stderr);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        self.look();
        let crashed = self.known.contains(CRASH);
        let code = output.status.code();
        assert_eq!((code, &*stderr), (Some(crashed.into()), ""), "{stdout}");
        let document: Value = serde_json::from_str(&stdout).expect("stdout is JSON");
        let names: BTreeSet<String> = reported(&document)
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_string()))
            .collect();
        for name in &self.known {
            assert!(names.contains(&file_of(name)), "{name} is not reported: {stdout}");
        }
        let folders = ["fuzz/artifacts/campaign", "fuzz/corpus/campaign", "results"];
        for folder in folders.map(|folder| self.clone.root.join(folder)) {
            let drafts: Vec<_> =
                files(&folder).into_iter().filter(|path: &PathBuf| is_draft(path)).collect();
            assert!(drafts.is_empty(), "{drafts:?}");
        }
        let drafts =
            files(&self.clone.root).into_iter().filter(|path: &PathBuf| is_draft(path)).count();
        assert!(drafts < 8, "{drafts} drafts pile up");
    }
}

/// Ends a campaign, and its targets if they do not have to end by themselves.
fn end(mut child: Child, all: bool) {
    let group = Pid::from_raw(child.id().try_into().expect("a process"));
    match all {
        // One that has ended cannot be killed.
        true => _ = killpg(group, Signal::SIGKILL),
        false => _ = child.kill(),
    }
    child.wait().expect("it is gone");
}

fn is_draft(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "part")
}

/// The files of everything that a document reports.
fn reported(document: &Value) -> Vec<PathBuf> {
    let results = document["results"].as_array().expect("a list").iter();
    let findings = results.flat_map(|result| result["findings"].as_array().expect("a list"));
    findings.map(|finding| finding["file"].as_str().expect("a file").into()).collect()
}

/// The name of the results' file for what has that name in the artifacts.
fn file_of(name: &str) -> String {
    match name == CRASH {
        true => name.to_string(),
        // Half of the signature is enough there.
        false => format!("{}.case", &name[..name.len() - 8]),
    }
}
