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
