//! A case's tasks on a machine of the caller's: what a search and threads run.

use super::world::World;
use super::{End, Options, program};
use crate::case::Case;
use crate::kvm::KvmTask;
use crate::machine::{Build, Task};

/// The world of a case, laid out and set, and its programs.
#[derive(Debug)]
pub struct Stage {
    world: World,
    case: Case,
}

impl Stage {
    /// Lays the world out on `b` and sets it for the case, in the variant and with the bug that
    /// `options` say.
    pub fn build(b: &mut impl Build, case: Case, options: &Options) -> Stage {
        let mut world = World::build(b);
        world.set(&case.config, options.variant, options.bug);
        Stage { world, case }
    }

    /// Sets the world, as it is laid out, for another case.
    pub fn set(&mut self, case: Case, options: &Options) {
        self.world.set(&case.config, options.variant, options.bug);
        self.case = case;
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// What happened before the tasks start.
    pub async fn history<T: KvmTask>(&self, t: T) {
        self.world.history(t, &self.case.config).await;
    }

    /// The program of task `i`.
    pub async fn task<T: KvmTask>(&self, t: T, i: usize) {
        program::run(t, &self.world, self.case.programs.task(i)).await;
    }

    /// What a run has come to that left those tasks unfinished, seen by any of its tasks.
    pub fn end<T: Task>(&self, t: T, stuck: u16) -> End {
        self.world.end(t, &self.case.config, stuck)
    }
}
