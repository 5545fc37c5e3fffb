//! What earlier campaigns left in the artifacts of an arm: collected findings, and inputs that ended
//! a target. Each is tried again; what still shows is reported again, so that neither a kill nor a
//! later campaign loses it.
//!
//! A bug in here would be a file that is removed although it still shows something.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::leftovers::{entries, removed};
use super::random::Lane;
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
///
/// Where the arm runs cases a worker runs them as well, and does so alone without the target; what only
/// the target could show is kept then.
pub(super) fn crashes(
    arm: &Arm,
    binaries: Option<&Path>,
    work: &Work,
    lane: &mut Lane,
    ended: &dyn Fn() -> bool,
) -> Result<(), Error> {
    for input in inputs(&arm.artifacts)? {
        match replay(arm, binaries, work, lane, &input, ended) {
            Replay::Crash(crash) => {
                if !arm.add_crash(CrashFound { crash, first: None }) {
                    removed(&input)?;
                }
            }
            Replay::Fine if binaries.is_some() => removed(&input)?,
            Replay::Fine => {}
            Replay::Failed(cause) => {
                arm.fail(format!("{} could not be run again: {cause}", input.display()));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Runs an input with all there is, until it ends something.
fn replay(
    arm: &Arm,
    binaries: Option<&Path>,
    work: &Work,
    lane: &mut Lane,
    input: &Path,
    ended: &dyn Fn() -> bool,
) -> Replay {
    if arm.ran().is_some() {
        match lane.replay(arm, input, ended) {
            Replay::Fine => {}
            crash => return crash,
        }
    }
    let Some(binaries) = binaries else { return Replay::Fine };
    slice::replay(arm.launch(binaries, work), input, LIMIT, ended)
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
