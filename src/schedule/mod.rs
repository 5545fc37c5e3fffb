//! Who runs when: one file per policy. A policy is a value; equal policies give equal runs.

mod bursts;
mod bytes;
mod pct;
mod random;
mod replay;
mod round_robin;

pub use bursts::Bursts;
pub use bytes::Bytes;
pub use pct::Pct;
pub use random::Random;
pub use replay::Replay;
pub use round_robin::RoundRobin;

/// The first runnable task after `task`, cyclically.
fn after(task: u8, runnable: u16) -> u8 {
    let above = runnable & !(((2u32 << task) - 1) as u16);
    if above != 0 { above.trailing_zeros() as u8 } else { runnable.trailing_zeros() as u8 }
}

/// The `n`-th runnable task, `n` below their number.
fn nth(runnable: u16, n: u32) -> u8 {
    let mut mask = runnable;
    for _ in 0..n {
        mask &= mask - 1;
    }
    mask.trailing_zeros() as u8
}

/// The task that was asked about, if any.
fn asked(at: crate::machine::sim::At) -> Option<u8> {
    use crate::machine::sim::At;
    match at {
        At::Begin => None,
        At::Point(task) | At::Place(task) | At::Blocked(task) | At::Done(task) => Some(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sim::{At, Schedule};
    use crate::prng::Prng;

    /// Which tasks can run at each of some steps; never none.
    fn steps() -> Vec<u16> {
        let mut prng = Prng(7);
        (0..500).map(|_| prng.next() as u16 | 1 << prng.below(16)).collect()
    }

    /// Asks at every step, and checks that whoever is named can run.
    fn choices(schedule: &mut impl Schedule) -> Vec<u8> {
        let mut at = At::Begin;
        let ask = |runnable: u16| {
            let task = schedule.next(at, runnable);
            assert!(runnable & 1 << task != 0, "task {task} of {runnable:#b}");
            at = At::Point(task);
            task
        };
        steps().into_iter().map(ask).collect()
    }

    #[test]
    fn every_policy_names_who_can_run_and_says_the_same_twice() {
        let bytes = || Bytes { bytes: (0..200).collect(), used: 0 };
        assert_eq!(choices(&mut bytes()), choices(&mut bytes()));
        assert_eq!(choices(&mut RoundRobin), choices(&mut RoundRobin));
        assert_eq!(choices(&mut Random(Prng(1))), choices(&mut Random(Prng(1))));
        assert_ne!(choices(&mut Random(Prng(1))), choices(&mut Random(Prng(2))));
        for depth in 1..=8 {
            let pct = || Pct::new(Prng(3), depth);
            assert_eq!(choices(&mut pct()), choices(&mut pct()));
        }
    }

    #[test]
    fn a_replay_repeats_the_choices_and_mends_impossible_ones() {
        let tasks = choices(&mut Random(Prng(1)));
        assert_eq!(choices(&mut Replay { tasks: tasks.clone(), at: 0 }), tasks);
        choices(&mut Replay { tasks: vec![15; 100], at: 0 });
        choices(&mut Replay { tasks: vec![200], at: 0 });
    }

    #[test]
    fn round_robin_passes_nobody_by() {
        let turns: Vec<u8> = (0..6)
            .scan(At::Begin, |at, _| {
                let task = RoundRobin.next(*at, 0b1011);
                *at = At::Point(task);
                Some(task)
            })
            .collect();
        assert_eq!(turns, [0, 1, 3, 0, 1, 3]);
    }
}
