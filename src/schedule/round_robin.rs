//! Round robin: a scheduling point each, in order of task number. Fair.

use super::{after, asked};
use crate::machine::sim::{At, Schedule};

/// Every runnable task in turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin;

impl Schedule for RoundRobin {
    fn next(&mut self, at: At, runnable: u16) -> u8 {
        match asked(at) {
            Some(task) => after(task, runnable),
            None => runnable.trailing_zeros() as u8,
        }
    }
}
