//! The threads on shuttle: random schedules for the bugs; its plain depth-first search for the rest.
//!
//! That search does not end on four tasks, so it is cut: a rate, not a verdict.

use ::shuttle::scheduler::{DfsScheduler, RandomScheduler, Scheduler};
use ::shuttle::{Config, FailurePersistence, Runner, sync, thread};

use crate::caught;
use crate::form::{Bug, Form};
use crate::row::Seen;

#[path = "threads.rs"]
#[allow(clippy::duplicate_mod, reason = "loom's names stand for other types")]
pub mod threads;

const MOST_SCHEDULES: usize = 100_000;

pub fn run(form: &Form, round: u64) -> Seen {
    match form.bug {
        Bug::None => check(form, DfsScheduler::new(Some(MOST_SCHEDULES), false)),
        _ => check(form, RandomScheduler::new_from_seed(round, MOST_SCHEDULES)),
    }
}

fn check(form: &Form, scheduler: impl Scheduler + 'static) -> Seen {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    let form = *form;
    caught::seen("cut here, not exhausted", move |schedules| {
        Runner::new(scheduler, config).run(move || {
            schedules.count();
            threads::execution::<threads::Rwsem>(&form);
        });
    })
}
