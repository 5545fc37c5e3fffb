//! What the `protocol` target tells the fuzz engine beside coverage: a page of counters, each of
//! which counts as one more edge of the program.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::oracle::Signature;

/// Bytes of counters. More of them slow every execution down.
pub const COUNTERS: usize = 4096;

/// The engine's view of one execution. The engine clears it before each.
#[derive(Debug)]
#[repr(align(64))]
pub struct Features([AtomicU8; COUNTERS]);

impl Default for Features {
    fn default() -> Self {
        Features::new()
    }
}

impl Features {
    /// All zero.
    pub const fn new() -> Features {
        Features([const { AtomicU8::new(0) }; COUNTERS])
    }

    /// The execution showed that finding.
    pub fn signature(&self, signature: Signature) {
        self.set(COUNTERS / 2 + signature.0 as usize % (COUNTERS / 2));
    }

    /// In the execution a step of one task met a phase of another's operation.
    pub fn meeting(&self, which: usize) {
        self.set(which % (COUNTERS / 2));
    }

    /// Adds what another execution showed; whether any of it is new.
    pub fn merge(&self, other: &Features) -> bool {
        let mut new = false;
        for (seen, shown) in self.0.iter().zip(&other.0) {
            let shown = shown.load(Ordering::Relaxed);
            new |= shown & !seen.fetch_or(shown, Ordering::Relaxed) != 0;
        }
        new
    }

    fn set(&self, counter: usize) {
        self.0[counter].store(1, Ordering::Relaxed);
    }

    /// Number of counters that are set.
    pub fn count(&self) -> usize {
        self.0.iter().filter(|c| c.load(Ordering::Relaxed) != 0).count()
    }
}
