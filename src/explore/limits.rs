//! What stops a search.

use std::time::Instant;

use super::Progress;

/// Where a search gives up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Schedules.
    pub schedules: u64,
    /// Different states: what bounds the memory.
    pub states: usize,
    /// A moment. What is found before it depends on the machine; nothing else does.
    pub until: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { schedules: 10_000_000, states: 4_000_000, until: None }
    }
}

impl Limits {
    /// The limit that the search has come to, in words.
    pub fn reached(&self, progress: &Progress) -> Option<String> {
        let _ = progress;
        todo!()
    }
}
