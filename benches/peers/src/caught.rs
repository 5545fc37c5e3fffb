//! Runs a peer that panics where it finds something, and tells what it found from its words.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::row::Seen;

/// How many schedules were begun.
#[derive(Clone, Debug, Default)]
pub struct Schedules(Arc<AtomicU64>);

impl Schedules {
    pub fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// `end` is what it means that `check` comes back.
pub fn seen(end: &str, check: impl FnOnce(Schedules)) -> Seen {
    set_hook(Box::new(|_| {}));
    let schedules = Schedules::default();
    let counted = schedules.clone();
    let result = catch_unwind(AssertUnwindSafe(|| check(counted)));
    let found = match result {
        Ok(()) => end.into(),
        Err(payload) => verdict(payload.downcast_ref::<String>().map_or_else(
            || payload.downcast_ref::<&str>().copied().unwrap_or_default(),
            String::as_str,
        )),
    };
    Seen { counts: format!("{} schedules", schedules.0.load(Relaxed)), found }
}

fn verdict(message: &str) -> String {
    let words = [("deadlock", "deadlock"), ("lost", "lost invalidation")];
    let said = words.into_iter().find(|(word, _)| message.contains(word));
    said.map_or_else(|| format!("panic: {message}"), |(_, verdict)| verdict.into())
}
