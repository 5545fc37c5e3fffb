//! Probabilistic concurrency testing: random priorities, and `depth - 1` random points at which the
//! running task drops below all others (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010).

use super::asked;
use crate::machine::MAX_TASKS;
use crate::machine::sim::{At, Schedule};
use crate::prng::Prng;

/// Scheduling points among which the change points lie.
const HORIZON: u32 = 256;
/// Most change points.
const MAX_CHANGES: usize = 7;

/// Priorities with change points. A depth one too small misses for ever: vary it.
#[derive(Clone, Copy, Debug)]
pub struct Pct {
    priority: [u16; MAX_TASKS],
    change: [u32; MAX_CHANGES],
    points: u32,
    lowest: u16,
}

impl Pct {
    /// Depth `1..=8`: one more than the number of change points.
    pub fn new(mut prng: Prng, depth: u8) -> Pct {
        let mut priority = [0; MAX_TASKS];
        for i in 0..MAX_TASKS {
            let j = prng.below(i as u32 + 1) as usize;
            priority[i] = priority[j];
            priority[j] = (i + MAX_TASKS) as u16;
        }
        let mut change = [u32::MAX; MAX_CHANGES];
        for point in change.iter_mut().take(usize::from(depth.max(1)) - 1) {
            *point = prng.below(HORIZON);
        }
        Pct { priority, change, points: 0, lowest: MAX_TASKS as u16 }
    }
}

impl Schedule for Pct {
    fn next(&mut self, at: At, runnable: u16) -> u8 {
        if self.change.contains(&self.points)
            && let Some(task) = asked(at)
        {
            self.lowest = self.lowest.saturating_sub(1);
            self.priority[task as usize] = self.lowest;
        }
        self.points += 1;
        let mut best = runnable.trailing_zeros() as u8;
        for task in best + 1..MAX_TASKS as u8 {
            let higher = self.priority[task as usize] > self.priority[best as usize];
            if runnable & 1 << task != 0 && higher {
                best = task;
            }
        }
        best
    }
}
