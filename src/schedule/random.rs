//! Uniform choice at every scheduling point.

use super::nth;
use crate::machine::sim::{At, Schedule};
use crate::prng::Prng;

/// A uniformly random runnable task at every scheduling point.
#[derive(Clone, Copy, Debug)]
pub struct Random(pub Prng);

impl Schedule for Random {
    fn next(&mut self, _: At, runnable: u16) -> u8 {
        if runnable & (runnable - 1) == 0 {
            return runnable.trailing_zeros() as u8;
        }
        nth(runnable, self.0.below(runnable.count_ones()))
    }
}
