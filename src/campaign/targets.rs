//! Where a campaign's targets come from, and what has to be done before they can fuzz.

use std::path::{Path, PathBuf};

use super::random::Lane;
use super::work::Work;
use super::{Arm, Error, Plan, Tree, build, earlier};

/// Where the targets come from.
#[derive(Debug)]
pub(super) enum Targets<'a> {
    /// They are to be built in this clone.
    Clone(&'a Tree),
    /// The files of their names in that folder.
    Built(&'a Tree, &'a Path),
    /// There are none, and this is why.
    None(Error),
}

impl Targets<'_> {
    /// Brings the targets, and puts in place what their arms want. What ended a target before is run
    /// again with what there is. `ended` ends it early.
    pub fn prepare(
        self,
        work: &Work,
        arms: &[Arm],
        plan: &Plan,
        ended: &dyn Fn() -> bool,
    ) -> Result<PathBuf, Error> {
        let built = self.binaries(arms, plan, ended);
        let binaries = built.as_ref().ok().map(PathBuf::as_path);
        let mut lane = Lane::new(&plan.workers);
        for arm in arms {
            earlier::crashes(arm, binaries, work, &mut lane, ended)?;
        }
        built
    }

    fn binaries(
        self,
        arms: &[Arm],
        plan: &Plan,
        ended: &dyn Fn() -> bool,
    ) -> Result<PathBuf, Error> {
        let (tree, binaries) = match self {
            Targets::Clone(tree) => (tree, build::targets(tree, plan.sanitizer, ended)?),
            Targets::Built(tree, binaries) => (tree, binaries.to_path_buf()),
            Targets::None(error) => return Err(error),
        };
        arms.iter().try_for_each(|arm| arm.prepare(tree, plan))?;
        Ok(binaries)
    }
}
