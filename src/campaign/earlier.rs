//! What earlier campaigns left in the artifacts of an arm: collected findings, and inputs that ended
//! a target. Each is tried again; what still shows is reported again, so that neither a kill nor a
//! later campaign loses it.
//!
//! A bug in here would be a file that is removed although it still shows something.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::leftovers::{entries, removed};
use super::slice::{self, Replay};
use super::work::Work;
use super::{Arm, CrashFound, Error, triage};

/// Beginnings of the names that libFuzzer gives to inputs that ended a target.
const ENDED: [&str; 3] = ["crash-", "timeout-", "oom-"];
/// How long the target may take for one input; its own limit for an input is half of it.
const LIMIT: Duration = Duration::from_secs(20);

/// Takes over the findings that a replay shows, and drops the others.
pub(super) fn findings(arm: &Arm) -> Result<(), Error> {
    for collected in arm.collected()? {
        if triage::replays(&collected) {
            arm.log().findings.insert(collected.key, None);
        } else {
            removed(&collected.path)?;
        }
    }
    Ok(())
}

/// Runs the inputs again that ended the arm's target. One that does no harm any more goes, and of
/// several that end it at one place the smallest stays.
pub(super) fn crashes(
    arm: &Arm,
    binaries: &Path,
    work: &Work,
    stop: &AtomicBool,
) -> Result<(), Error> {
    for input in inputs(&arm.artifacts)? {
        let ended = || stop.load(Ordering::Relaxed);
        let command = arm.launch(binaries, work);
        match slice::replay(command, &input, LIMIT, &ended) {
            Replay::Crash(crash) => {
                if !arm.add_crash(CrashFound { crash, first: None }) {
                    removed(&input)?;
                }
            }
            Replay::Fine => removed(&input)?,
            Replay::Failed(cause) => {
                arm.fail(format!("{} could not be run again: {cause}", input.display()));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The inputs that ended a target, the smallest first.
fn inputs(artifacts: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut all = entries(artifacts)?;
    all.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        ENDED.iter().any(|begin| name.starts_with(begin)) && path.is_file()
    });
    all.sort_by_key(|path| fs::metadata(path).map_or(0, |meta| meta.len()));
    Ok(all)
}
