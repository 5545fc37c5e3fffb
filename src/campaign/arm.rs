//! The arms of a campaign: each a target, for `protocol` with a variant or a planted bug, and
//! with folders of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use super::leftovers;
use super::random::Drawn;
use super::slice::Counters;
use super::work::Work;
use super::{CrashFound, Engine, Error, First, Plan, Tree, triage};
use crate::case::Case;
use crate::kvm::{Bug, Variant};
use crate::oracle::{Finding, Kind, Severity, Signature};
use crate::run::{Options, Runner};
use crate::target::{Info, collect, knobs};

/// Slices ended by a crash, and slices that failed in a row, after which an arm gets no more time.
const MAX_CRASHES: usize = 3;
/// Seconds that an execution may take where the option file says nothing.
const TIMEOUT: u64 = 10;

/// One thing to fuzz.
#[derive(Debug)]
pub struct Arm {
    /// The target.
    pub target: &'static Info,
    /// The variant, for `protocol`.
    pub variant: Option<Variant>,
    /// The planted bug.
    pub bug: Option<Bug>,
    /// Folder that the target writes its corpus to.
    pub corpus: PathBuf,
    /// Folder of its findings and crashes.
    pub artifacts: PathBuf,
    /// What its target has done so far.
    pub counters: Counters,
    /// Its random cases.
    pub(super) drawn: Drawn,
    glue: OnceLock<Glue>,
    log: Mutex<Log>,
}

/// What the clone has for the target.
#[derive(Debug, Default)]
struct Glue {
    seeds: Vec<PathBuf>,
    flags: Vec<String>,
}

/// Identity of a finding within an arm.
pub(super) type Key = (Kind, Signature);

/// A finding that a target collected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Collected {
    /// What the file's name says.
    pub key: Key,
    /// The file.
    pub path: PathBuf,
    /// What would stand in the file, where it could not be written.
    unsaved: Option<Vec<u8>>,
}

impl Collected {
    /// The case that shows it.
    pub fn case(&self) -> Option<Case> {
        let read = || fs::read(&self.path).ok();
        Some(Case::decode(&self.unsaved.clone().or_else(read)?))
    }
}

/// What an arm brought so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Findings, and when each came; `None` where an earlier campaign had it.
    pub findings: BTreeMap<Key, Option<First>>,
    /// Cases of findings that could not be stored, in the binary form.
    pub unsaved: BTreeMap<Key, Vec<u8>>,
    /// Crashes, each place once.
    pub crashes: Vec<CrashFound>,
    /// Slices that ended in a crash.
    pub crashed: usize,
    /// Slices that failed, one after the other to the last one.
    pub failed: usize,
    /// Slices of random cases that failed.
    pub random_failed: usize,
    /// Slices that have ended.
    pub slices: usize,
    /// Why the target did not do its work, the first time.
    pub failure: Option<String>,
    /// Instrumented edges.
    pub edges: u64,
    /// The planted bug showed.
    pub bug_found: bool,
}

/// The arms of a plan, their folders made.
pub(super) fn all(work: &Work, plan: &Plan) -> Result<Vec<Arm>, Error> {
    let mut arms = Vec::new();
    for &target in &plan.targets {
        for (variant, bug) in settings(target, plan) {
            arms.push(Arm::new(work, plan, target, variant, bug)?);
        }
    }
    Ok(arms)
}

fn settings(target: &Info, plan: &Plan) -> Vec<(Option<Variant>, Option<Bug>)> {
    match (target.per_variant, plan.bugs.is_empty()) {
        (true, true) => plan.variants.iter().map(|&v| (Some(v), None)).collect(),
        (true, false) => plan.bugs.iter().map(|&b| (Some(b.variant()), Some(b))).collect(),
        (false, true) => vec![(None, None)],
        (false, false) => Vec::new(),
    }
}

impl Arm {
    fn new(
        work: &Work,
        plan: &Plan,
        target: &'static Info,
        variant: Option<Variant>,
        bug: Option<Bug>,
    ) -> Result<Arm, Error> {
        let arm = Arm {
            target,
            variant,
            bug,
            corpus: work.corpus(target.name, variant, bug),
            artifacts: work.artifacts(target.name, variant, bug),
            counters: Counters::default(),
            drawn: Drawn::default(),
            glue: OnceLock::new(),
            log: Mutex::default(),
        };
        for folder in [&arm.corpus, &arm.artifacts] {
            fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
            leftovers::remove_drafts(folder)?;
            leftovers::probe(folder)?;
        }
        leftovers::remove_empty(&arm.corpus)?;
        if plan.seeds {
            work.bring_others(&arm.artifacts)?;
        }
        Ok(arm)
    }

    /// Puts the seeds in place, and reads the options that the target is started with.
    pub(super) fn prepare(&self, tree: &Tree, plan: &Plan) -> Result<(), Error> {
        let seeds = if plan.seeds { seeds(tree, self.target)? } else { Vec::new() };
        let flags = flags(tree, self.target)?;
        self.glue.get_or_init(|| Glue { seeds, flags });
        Ok(())
    }

    fn glue(&self) -> &Glue {
        self.glue.get_or_init(Glue::default)
    }

    /// What it is called: by its planted bug, variant or target.
    pub fn name(&self) -> &'static str {
        name(self.target.name, self.variant, self.bug)
    }

    /// What its cases are run with; `None` for targets that run no cases.
    pub(super) fn ran(&self) -> Option<(Variant, Option<Bug>)> {
        Some((self.variant?, self.bug))
    }

    /// Executions so far, of both engines.
    pub(super) fn total(&self) -> u64 {
        let drawn = self.drawn.executions.load(Ordering::Relaxed);
        self.counters.executions.load(Ordering::Relaxed) + drawn
    }

    /// The command that fuzzes the arm. The time is missing.
    pub(super) fn command(&self, binaries: &Path, work: &Work, seed: u32) -> Command {
        let mut command = self.launch(binaries, work);
        command.arg(format!("-seed={seed}"));
        command.arg(&self.corpus).args(&self.glue().seeds);
        command
    }

    /// The command that starts the target as this arm wants it, without any input.
    pub(super) fn launch(&self, binaries: &Path, work: &Work) -> Command {
        let mut command = Command::new(binaries.join(self.target.name));
        command.stdin(work.stdin());
        for knob in knobs::ALL {
            command.env_remove(knob);
        }
        if self.target.per_variant {
            command.env(knobs::COLLECT, &self.artifacts);
            command.envs(self.variant.map(|variant| (knobs::VARIANT, variant.name())));
            command.envs(self.bug.map(|bug| (knobs::BUG, bug.id())));
        }
        command.arg(format!("-artifact_prefix={}/", self.artifacts.display()));
        command.args(&self.glue().flags);
        command
    }

    /// How long an execution may go on when its slice is over: libFuzzer looks at the clock twice in
    /// the time that it allows one.
    pub(super) fn patience(&self) -> Duration {
        let limit =
            self.glue().flags.iter().find_map(|flag| flag.strip_prefix("-timeout=")?.parse().ok());
        Duration::from_secs(2 * limit.unwrap_or(TIMEOUT))
    }

    /// Keeps what cases show that a target could not store.
    pub(super) fn keep(&self, cases: &[Case]) {
        for case in cases {
            let (mut runner, bytes) = (Runner::new(), case.encode());
            for finding in &runner.run(case, &Options::of(case)).findings {
                let key = (finding.kind, finding.signature);
                self.log().unsaved.insert(key, bytes.clone());
            }
        }
    }

    /// What could not be stored.
    pub(super) fn unsaved(&self) -> Vec<Collected> {
        let path = |(kind, signature)| self.artifacts.join(collect::file_name(kind, signature));
        let log = self.log();
        let all = log.unsaved.iter();
        all.map(|(&key, bytes)| Collected { key, path: path(key), unsaved: Some(bytes.clone()) })
            .collect()
    }

    /// What the targets of this and earlier campaigns collected, and what they could not store.
    pub(super) fn collected(&self) -> Result<Vec<Collected>, Error> {
        let failed = || Error::file("read", &self.artifacts);
        let mut collected = Vec::new();
        for entry in fs::read_dir(&self.artifacts).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if let Some(key) = entry.file_name().to_str().and_then(collect::parse_file_name) {
                collected.push(Collected { key, path: entry.path(), unsaved: None });
            }
        }
        let mut unsaved = self.unsaved();
        unsaved.retain(|one| !one.path.exists());
        collected.extend(unsaved);
        collected.sort();
        Ok(collected)
    }

    /// Notes when a finding came; returns whether it was not known.
    pub(super) fn add_finding(&self, key: Key, seconds: f64, engine: Engine) -> bool {
        let mut log = self.log();
        let is_new = !log.findings.contains_key(&key);
        log.findings.entry(key).or_insert(Some(First { seconds, engine }));
        is_new
    }

    /// Notes whether the arm's planted bug is behind a finding.
    pub(super) fn showed(&self, finding: &Finding, case: &Case) {
        let is_violation = finding.severity == Severity::Violation;
        if self.bug.is_some() && is_violation && triage::needs_bug(case, finding.signature) {
            self.log().bug_found = true;
        }
    }

    /// Another input stands for a crash that is known.
    pub(super) fn move_crash(&self, old: &Path, found: CrashFound) {
        let crashes = &mut self.log().crashes;
        crashes.iter_mut().filter(|known| known.crash.artifact == old).for_each(|known| {
            *known = found.clone();
        });
    }

    /// Notes a crash, unless one of the same place is known; returns whether it was not.
    pub(super) fn add_crash(&self, found: CrashFound) -> bool {
        let crashes = &mut self.log().crashes;
        let same = |known: &CrashFound| {
            (known.crash.kind, &known.crash.place) == (found.crash.kind, &found.crash.place)
        };
        let is_new = !crashes.iter().any(same);
        if is_new {
            crashes.push(found);
        }
        is_new
    }

    /// Notes why the target did not do its work.
    pub(super) fn fail(&self, cause: String) {
        self.log().failure.get_or_insert(cause);
    }

    /// Whether more time for the arm is wasted on the target: it only crashes, or it fails.
    pub(super) fn is_over(&self) -> bool {
        let log = self.log();
        log.crashed.max(log.failed) >= MAX_CRASHES
    }

    /// Whether more time for the arm is wasted on random cases: none is left, or none can be run.
    pub(super) fn is_drawn(&self) -> bool {
        self.drawn.is_over() || self.log().random_failed >= MAX_CRASHES
    }

    /// Whether what the target writes is kept; removes what was not.
    pub(super) fn check(&self) -> Result<(), Error> {
        leftovers::remove_empty(&self.corpus)?;
        [&self.corpus, &self.artifacts].into_iter().try_for_each(|folder| leftovers::probe(folder))
    }

    /// What it brought so far.
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no thread panics with the lock held")
    }
}

/// What an arm is called.
pub(super) fn name(
    target: &'static str,
    variant: Option<Variant>,
    bug: Option<Bug>,
) -> &'static str {
    let variant = variant.map(Variant::name);
    bug.map(Bug::id).or(variant).unwrap_or(target)
}

/// Folders of read-only seeds: those of cargo-fuzz, which the curated ones are encoded into, or the
/// curated ones beside them where they are as the target reads them.
fn seeds(tree: &Tree, target: &Info) -> Result<Vec<PathBuf>, Error> {
    let shared = tree.shared_corpus(target.name);
    let curated = tree.seeds(target.name);
    let encoded = curated.is_dir() && target.seeds.encode(&curated, &shared)?.is_some();
    let as_they_are = (!encoded).then_some(curated);
    Ok([Some(shared), as_they_are].into_iter().flatten().filter(|f| f.is_dir()).collect())
}

/// The target's option file as flags of libFuzzer.
fn flags(tree: &Tree, target: &Info) -> Result<Vec<String>, Error> {
    let path = tree.beside(target.name, "options");
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let option = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some(match name.trim() {
            "dict" => format!("-dict={}", tree.beside(target.name, "dict").display()),
            name => format!("-{name}={}", value.trim()),
        })
    };
    Ok(text.lines().filter_map(option).collect())
}
