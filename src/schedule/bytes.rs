//! A byte for every real choice; round robin when they run out.

use super::{RoundRobin, nth};
use crate::machine::sim::{At, Schedule};

/// Choices read from bytes.
#[derive(Clone, Debug, Default)]
pub struct Bytes {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many have been used.
    pub used: usize,
}

impl Schedule for Bytes {
    fn next(&mut self, at: At, runnable: u16) -> u8 {
        let choices = runnable.count_ones();
        if choices == 1 {
            return runnable.trailing_zeros() as u8;
        }
        let Some(&byte) = self.bytes.get(self.used) else {
            return RoundRobin.next(at, runnable);
        };
        self.used += 1;
        nth(runnable, u32::from(byte) % choices)
    }
}
