//! What a thread does at a scheduling point: mostly nothing, sometimes it lets others pass.
//!
//! Each round has a temper of its own, because no single one brings out every race: calm rounds
//! race at full speed, sleepy ones give a task the time to come a long way while another stands
//! between two steps, which is what makes a busy machine with few cores interleave at all.

use std::hint;
use std::thread;
use std::time::Duration;

use crate::prng::Prng;

#[derive(Clone, Copy, Debug)]
enum Temper {
    Calm,
    Yielding,
    Spinning,
    Sleepy,
}

/// The jitter of one thread in one round.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    temper: Temper,
    prng: Prng,
}

impl Jitter {
    /// No jitter at all.
    pub fn none() -> Jitter {
        Jitter { temper: Temper::Calm, prng: Prng(0) }
    }

    /// The jitter of a task in that round. The tempers of the tasks differ.
    pub fn new(seed: u64, round: u64, task: u8) -> Jitter {
        let mut prng = Prng(seed ^ round.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ u64::from(task));
        let temper = match prng.below(8) {
            0..=2 => Temper::Calm,
            3 => Temper::Yielding,
            4 | 5 => Temper::Spinning,
            _ => Temper::Sleepy,
        };
        Jitter { temper, prng }
    }

    /// At a scheduling point.
    pub(super) fn at_point(&mut self) {
        self.act(16);
    }

    /// At a named place: the interesting ones, by experience.
    pub(super) fn at_place(&mut self) {
        self.act(4);
    }

    fn act(&mut self, one_in: u32) {
        if matches!(self.temper, Temper::Calm) || self.prng.below(one_in) != 0 {
            return;
        }
        match self.temper {
            Temper::Calm => {}
            Temper::Yielding => thread::yield_now(),
            Temper::Spinning => (0..self.prng.below(2_000)).for_each(|_| hint::spin_loop()),
            Temper::Sleepy => thread::sleep(self.nap()),
        }
    }

    /// Mostly short; sometimes so long that others get through even on a busy machine.
    fn nap(&mut self) -> Duration {
        let longest = if self.prng.below(4) == 0 { 1_000 } else { 100 };
        Duration::from_micros(self.prng.below(longest).into())
    }
}
