//! Identity of a state: 128 bits over shared locations, locks, waits and what each task remembers.

use super::state::State;
use super::symmetry::{Alike, Ranks};
use super::tables::bits;
use super::{Schedule, Wait};
use crate::machine::{MAX_TASKS, Mode};

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
    /// Identity of the state in which tasks go by rank, and these ranks. What others remember of the
    /// tasks is added to how they stand by `more`.
    pub(super) fn fingerprint(
        &mut self,
        alike: &Alike,
        more: impl FnOnce(&mut [Fingerprint]),
    ) -> (Ranks, Fingerprint) {
        let mut standing = [Fingerprint::ZERO; MAX_TASKS];
        let standing = &mut standing[..self.count];
        for (task, print) in standing.iter_mut().enumerate() {
            let known = self.tasks[task].print.unwrap_or_else(|| self.task_print(task));
            (*print, self.tasks[task].print) = (known, Some(known));
        }
        self.add_locks(standing);
        self.add_sections(standing);
        more(standing);
        let ranks = alike.ranks(standing);
        self.add_grace_periods(standing, &ranks);
        let tasks = standing.iter().enumerate();
        let named = tasks.map(|(task, print)| print.with(ranks.of(task) as u64));
        (ranks, named.fold(self.words_print, Fingerprint::plus))
    }

    /// What the task remembers, and how it stands.
    fn task_print(&self, task: usize) -> Fingerprint {
        let state = &self.tasks[task];
        let stands = 1 << 63
            | u64::from(state.uninterruptible)
            | u64::from(state.halfway) << 1
            | u64::from(state.phase.is_some()) << 3
            | u64::from(self.done >> task & 1) << 4
            | u64::from(state.wait.is_some()) << 5
            | u64::from(state.nonblock) << 8;
        let held = state.held.iter().fold(state.local, |print, lock| print.with(lock.0.into()));
        held.with(stands)
    }

    /// Who holds which lock, and who waits for it at which place of the queue. Runs that come to one
    /// state have used the locks in different orders.
    fn add_locks(&self, standing: &mut [Fingerprint]) {
        for &id in &self.used_locks {
            let lock = &self.locks[id.0 as usize];
            let mut add = |task: u8, how: u64| {
                let print = &mut standing[usize::from(task)];
                *print = print.plus(Fingerprint::of(1 << 62 | u64::from(id.0) << 32 | how));
            };
            lock.owner.into_iter().for_each(|task| add(task, 1));
            bits(lock.readers).for_each(|task| add(task, 2));
            for (place, waiter) in lock.queue.iter().enumerate() {
                add(waiter.task, 3 + u64::from(waiter.mode == Mode::Read) + 2 * place as u64);
            }
        }
    }

    /// Sections, spans and single-waiter waits, beyond what tasks remember.
    fn add_sections(&self, standing: &mut [Fingerprint]) {
        let mut add = |task: u8, what: u64, of: usize, depth: u8| {
            let print = &mut standing[usize::from(task)];
            *print = print.plus(Fingerprint::of(what << 48 | (of as u64) << 8 | u64::from(depth)));
        };
        for (i, srcu) in self.srcu.iter().enumerate() {
            bits(srcu.readers).for_each(|task| add(task, 1, i, srcu.depth[usize::from(task)]));
        }
        for (i, span) in self.spans.iter().enumerate() {
            bits(span.inside).for_each(|task| add(task, 2, i, span.depth[usize::from(task)]));
        }
        for (i, wait) in self.rcuwaits.iter().enumerate() {
            wait.task.into_iter().for_each(|task| add(task, 3, i, 0));
        }
        for task in &self.tasks[..self.count] {
            if let Some(Wait::Grace(srcu, readers)) = task.wait {
                bits(readers).for_each(|reader| add(reader, 4, srcu.0.into(), 0));
            }
        }
    }

    /// The readers that each grace period waits for: the one thing that a task has of others by name.
    fn add_grace_periods(&self, standing: &mut [Fingerprint], ranks: &Ranks) {
        for (print, task) in standing.iter_mut().zip(&self.tasks) {
            if let Some(Wait::Grace(srcu, readers)) = task.wait {
                *print = print
                    .with(1 << 61 | u64::from(srcu.0) << 16 | u64::from(ranks.of_all(readers)));
            }
        }
    }
}
