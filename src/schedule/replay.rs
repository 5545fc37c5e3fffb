//! A recorded list of tasks, one for every time the schedule is asked.

use super::RoundRobin;
use crate::machine::sim::{At, Schedule};

/// Replays choices; where one cannot run, or past the end, round robin.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// The tasks, in order.
    pub tasks: Vec<u8>,
    /// How many have been replayed.
    pub at: usize,
}

impl Schedule for Replay {
    fn next(&mut self, at: At, runnable: u16) -> u8 {
        let task = self.tasks.get(self.at).copied();
        self.at += 1;
        match task {
            Some(task) if task < 16 && runnable & 1 << task != 0 => task,
            _ => RoundRobin.next(at, runnable),
        }
    }
}
