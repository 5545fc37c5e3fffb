//! A case's schedule: bursts that end after so many scheduling points, at a named place, or where
//! the task blocks; then the tail.

use super::{Pct, Random, RoundRobin};
use crate::case::{Burst, Schedule as Plan, Tail, Until};
use crate::machine::sim::{At, Schedule};
use crate::prng::Prng;

/// What comes after the bursts.
#[derive(Clone, Copy, Debug)]
enum After {
    Fair(RoundRobin),
    Random(Random),
    Pct(Pct),
}

/// Bursts in order, then the tail. A burst whose task cannot run is skipped.
#[derive(Clone, Debug)]
pub struct Bursts {
    bursts: Vec<Burst>,
    /// The burst that runs; past the end, the tail does.
    at: usize,
    /// Scheduling points that the burst has left; 0 where it has not begun.
    left: u16,
    after: After,
}

impl Default for Bursts {
    fn default() -> Self {
        Bursts { bursts: Vec::new(), at: 0, left: 0, after: After::Fair(RoundRobin) }
    }
}

impl Bursts {
    /// Takes over a case's schedule.
    pub fn plan(&mut self, plan: &Plan) {
        self.bursts.clear();
        self.bursts.extend_from_slice(&plan.bursts);
        (self.at, self.left) = (0, 0);
        self.after = match plan.tail {
            Tail::Fair => After::Fair(RoundRobin),
            Tail::Random { seed } => After::Random(Random(Prng(u64::from(seed)))),
            Tail::Pct { seed, depth } => After::Pct(Pct::new(Prng(u64::from(seed)), depth)),
        };
    }

    /// Whether the running burst goes on from here.
    fn goes_on(&mut self, at: At, burst: Burst) -> bool {
        match (at, burst.until) {
            (At::Point(task), Until::Points(_)) if task == burst.task => {
                self.left -= 1;
                self.left > 0
            }
            (At::Point(task), _) => task == burst.task,
            _ => false,
        }
    }

    /// Begins the next burst that can run.
    fn begin(&mut self, runnable: u16) -> Option<u8> {
        while let Some(burst) = self.bursts.get(self.at) {
            if runnable & 1 << burst.task != 0 {
                self.left = match burst.until {
                    Until::Points(n) => u16::from(n),
                    _ => 1,
                };
                return Some(burst.task);
            }
            self.at += 1;
        }
        None
    }
}

impl Schedule for Bursts {
    fn next(&mut self, at: At, runnable: u16) -> u8 {
        if let Some(&burst) = self.bursts.get(self.at) {
            if self.left > 0 {
                if self.goes_on(at, burst) {
                    return burst.task;
                }
                self.at += 1;
                self.left = 0;
            }
            if let Some(task) = self.begin(runnable) {
                return task;
            }
        }
        match &mut self.after {
            After::Fair(tail) => tail.next(at, runnable),
            After::Random(tail) => tail.next(at, runnable),
            After::Pct(tail) => tail.next(at, runnable),
        }
    }

    fn stops_at(&self, task: u8, place: u8) -> bool {
        self.left > 0
            && self.bursts.get(self.at).is_some_and(|burst| {
                burst.task == task && matches!(burst.until, Until::Place(p) if p as u8 == place)
            })
    }
}
