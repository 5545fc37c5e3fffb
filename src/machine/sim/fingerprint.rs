//! Identity of a state: 128 bits over shared locations, locks, waits and what each task remembers.

use super::lock::Lock;
use super::state::{State, bits};
use super::{Schedule, Wait};
use crate::machine::{LockId, Mode};

/// 128 bits that stand for a value: equal values, equal bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize))]
pub struct Fingerprint(pub u64, pub u64);

/// Odd numbers with no structure: the fractional digits of the square roots of 2 and 3.
const K: [u64; 2] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];

impl Fingerprint {
    /// That of nothing.
    pub const ZERO: Fingerprint = Fingerprint(0, 0);

    /// That of one number.
    pub fn of(value: u64) -> Fingerprint {
        Fingerprint(K[1], K[0]).with(value)
    }

    /// That of a sequence with one number more.
    #[must_use]
    pub fn with(self, value: u64) -> Fingerprint {
        Fingerprint(
            fold(self.0 ^ value, K[0]),
            fold(self.1.rotate_left(23) ^ value.wrapping_add(K[1]), K[1]),
        )
    }

    /// That of a set with one member more.
    #[must_use]
    pub fn plus(self, member: Fingerprint) -> Fingerprint {
        Fingerprint(self.0.wrapping_add(member.0), self.1.wrapping_add(member.1))
    }

    /// That of a map whose entry `key` changes from `old` to `new`; 0 is as good as no entry.
    #[must_use]
    pub(super) fn exchange(self, key: u64, old: u64, new: u64) -> Fingerprint {
        let entry = |value: u64| match value {
            0 => Fingerprint::ZERO,
            value => Fingerprint::of(key).with(value),
        };
        let old = entry(old);
        Fingerprint(self.0.wrapping_sub(old.0), self.1.wrapping_sub(old.1)).plus(entry(new))
    }
}

/// The product's halves folded into one (as wyhash does).
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ b.rotate_left(32)) * u128::from(b);
    (product >> 64) as u64 ^ product as u64 ^ a.rotate_left(29)
}

impl<S: Schedule, E> State<S, E> {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let tasks = (0..self.count).map(|task| self.task_print(task));
        let locks = self.used_locks.iter().map(|&id| lock_print(id, &self.locks[id.0 as usize]));
        let all = tasks.chain(locks).fold(self.words_print, Fingerprint::plus);
        all.plus(self.waits_print()).with(u64::from(self.runnable) | u64::from(self.done) << 16)
    }

    /// What the task remembers and holds, and how it stands.
    fn task_print(&self, task: usize) -> Fingerprint {
        let state = &self.tasks[task];
        let wait = match state.wait {
            Some(Wait::Grace(srcu, readers)) => {
                1 | u64::from(srcu.0) << 8 | u64::from(readers) << 16
            }
            Some(_) => 2,
            None => 0,
        };
        let stands = u64::from(state.uninterruptible)
            | u64::from(state.halfway) << 1
            | u64::from(state.phase.is_some()) << 3
            | u64::from(state.nonblock) << 8
            | wait << 16;
        let held = state.held.iter().fold(state.local, |print, lock| print.with(lock.0.into()));
        held.with(stands).with(task as u64)
    }

    /// Sections, spans and waiters, beyond what tasks remember.
    fn waits_print(&self) -> Fingerprint {
        let mut print = Fingerprint::ZERO;
        for (i, srcu) in self.srcu.iter().enumerate() {
            for task in bits(srcu.readers) {
                let depth = u64::from(srcu.depth[task as usize]);
                print = print
                    .plus(Fingerprint::of(1 << 32 | (i as u64) << 8 | u64::from(task)).with(depth));
            }
        }
        for (i, span) in self.spans.iter().enumerate() {
            for task in bits(span.inside) {
                let depth = u64::from(span.depth[task as usize]);
                print = print
                    .plus(Fingerprint::of(2 << 32 | (i as u64) << 8 | u64::from(task)).with(depth));
            }
        }
        for (i, wait) in self.rcuwaits.iter().enumerate() {
            let task = wait.task.map_or(0, |task| 1 + u64::from(task));
            if task != 0 {
                print = print.plus(Fingerprint::of(3 << 32 | i as u64).with(task));
            }
        }
        print
    }
}

/// Who holds the lock and who waits, in order; nothing where it is idle.
fn lock_print(id: LockId, lock: &Lock) -> Fingerprint {
    if lock.free() && lock.queue.is_empty() {
        return Fingerprint::ZERO;
    }
    let owner = lock.owner.map_or(0, |task| 1 + u64::from(task));
    let held =
        Fingerprint::of(4 << 32 | u64::from(id.0)).with(owner << 16 | u64::from(lock.readers));
    let queued =
        lock.queue.iter().map(|w| u64::from(w.task) << 1 | u64::from(w.mode == Mode::Read));
    queued.fold(held, Fingerprint::with)
}
