//! The working folders of a campaign: seeded, from nothing, or over the planted bugs. One campaign
//! at a time has them.
//!
//! A bug in here would be a campaign from nothing that is none, or one that removes findings which
//! no other folder has.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::leftovers::{self, entries, removed};
use super::lock::Lock;
use super::{Error, Plan};
use crate::kvm::{Bug, Variant};

/// What findings of campaigns from nothing wait in for the next seeded one.
const EARLIER: &str = "no-seeds-earlier";

/// The folders, and the lock on them.
#[derive(Debug)]
pub(super) struct Work {
    corpus: PathBuf,
    artifacts: PathBuf,
    /// Folders of artifacts that a seeded campaign takes over, and whether they are moved.
    others: Vec<(PathBuf, bool)>,
    lock: Lock,
}

impl Work {
    /// The folders for that plan, below `fuzz`, locked.
    pub fn lock(fuzz: &Path, plan: &Plan) -> Result<Work, Error> {
        let (name, from_nothing) = match plan.bugs.is_empty() {
            true => ("campaign", "no-seeds"),
            false => ("bugs", "no-seeds-bugs"),
        };
        let name = if plan.seeds { name } else { from_nothing };
        let (corpora, artifacts) = (fuzz.join("corpus"), fuzz.join("artifacts"));
        fs::create_dir_all(&artifacts).map_err(Error::file("make", &artifacts))?;
        let file = artifacts.join(format!(".{name}.lock"));
        let mend = "wait for its end, or fuzz in another clone";
        Ok(Work {
            lock: Lock::take(&file, &artifacts.join(name), mend)?,
            corpus: corpora.join(name),
            others: match plan.seeds {
                true => {
                    vec![(artifacts.join(EARLIER), true), (artifacts.join(from_nothing), false)]
                }
                false => vec![(artifacts.join(EARLIER), true)],
            },
            artifacts: artifacts.join(name),
        })
    }

    /// Empties the folders of a campaign from nothing. What an earlier one found waits elsewhere for
    /// the next seeded campaign.
    pub fn clear(&self) -> Result<(), Error> {
        let (aside, _) = &self.others[0];
        for target in folders(&self.artifacts)? {
            for leaf in folders(&target)?.iter().chain([&target]) {
                let to = aside.join(leaf.strip_prefix(&self.artifacts).expect("it is inside"));
                bring(leaf, &to, true)?;
            }
        }
        empty(&self.corpus)?;
        empty(&self.artifacts)
    }

    /// Brings what campaigns from nothing found in an arm to its artifacts.
    pub fn bring_others(&self, artifacts: &Path) -> Result<(), Error> {
        let arm = artifacts.strip_prefix(&self.artifacts).expect("the arm is one of these");
        self.others.iter().try_for_each(|(from, moved)| bring(&from.join(arm), artifacts, *moved))
    }

    /// The corpus of one arm.
    pub fn corpus(&self, target: &str, variant: Option<Variant>, bug: Option<Bug>) -> PathBuf {
        self.corpus.join(target).join(leaf(variant, bug))
    }

    /// The findings, crashes and timeouts of one arm.
    pub fn artifacts(&self, target: &str, variant: Option<Variant>, bug: Option<Bug>) -> PathBuf {
        self.artifacts.join(target).join(leaf(variant, bug))
    }

    /// The standard input of a target: it keeps the folders locked until the target has ended too,
    /// so that no other campaign meets one whose campaign was killed.
    pub fn stdin(&self) -> Stdio {
        self.lock.share().unwrap_or_else(|_| Stdio::null())
    }
}

fn leaf(variant: Option<Variant>, bug: Option<Bug>) -> &'static str {
    match (bug, variant) {
        (Some(bug), _) => bug.id(),
        (None, Some(variant)) => variant.name(),
        (None, None) => "",
    }
}

/// Brings the files of a folder to another one that has none of that name or a larger one.
fn bring(from: &Path, to: &Path, moved: bool) -> Result<(), Error> {
    let files = if from.is_dir() { entries(from)? } else { Vec::new() };
    for file in files.iter().filter(|file| file.is_file() && !is_hidden(file)) {
        fs::create_dir_all(to).map_err(Error::file("make", to))?;
        let place = to.join(file.file_name().unwrap_or_default());
        let size = |path: &Path| fs::metadata(path).ok().map(|meta| meta.len());
        if size(&place).is_none_or(|there| size(file).is_some_and(|ours| ours < there)) {
            copy(file, &place)?;
        }
        if moved {
            removed(file)?;
        }
    }
    Ok(())
}

/// Copies a file as a whole or not at all.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let draft = to.with_file_name(format!(".{}.part", std::process::id()));
    let copied = fs::copy(from, &draft).and_then(|_| fs::rename(&draft, to));
    copied.or_else(|error| match error.kind() {
        ErrorKind::NotFound if !from.exists() => Ok(()),
        _ => {
            let _ = fs::remove_file(&draft);
            Err(Error::file("write", to)(error))
        }
    })
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The folders in a folder, which may be missing.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let all = if folder.is_dir() { entries(folder)? } else { Vec::new() };
    Ok(all.into_iter().filter(|path| path.is_dir()).collect())
}

/// Removes what a folder holds. The folder itself may be a mount point, and stays.
fn empty(folder: &Path) -> Result<(), Error> {
    let all = if folder.is_dir() { leftovers::entries(folder)? } else { Vec::new() };
    for path in all {
        let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        gone.map_err(Error::file("empty", folder))?;
    }
    Ok(())
}
