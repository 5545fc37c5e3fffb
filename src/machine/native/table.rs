//! Who holds what and who waits for what, written before every block and before every release, and
//! read by a watchdog.
//!
//! A hold is entered after the lock was got and struck out before it is released: what the table
//! says is held *is* held. So a snapshot in which nothing changes from its beginning to its end is a
//! moment of the run, and a task that waits for a held lock in it waits for its holder.
//!
//! A reader can also wait behind a writer that waits itself, and no table can prove that: the reader
//! may have passed the writer and not yet said so, for as long as it gets no time on a CPU. There the
//! lock is asked whether a writer holds readers back (it does so until it has had the lock), and
//! then the reader has to say once more that it has not got it, of an attempt begun after that.
//!
//! No time enters into any of this: on a slow machine a deadlock is found later, and never where
//! there is none.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::Native;
use super::lock::Lock;
use crate::machine::log::{Entry, Log, Step};
use crate::machine::sim::Wait;
use crate::machine::{HeldUp, LockId, MAX_TASKS, Mode, RcuWait, Site, Srcu, Word};

/// What a task told the watchdog before it went to sleep.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    /// For a lock.
    Lock(LockId, Mode, Site),
    /// For a grace period.
    Grace(Srcu),
    /// For its wake-up.
    Sleep(RcuWait),
    /// For a write to one of these; their versions when it last read them.
    Retry(HeldUp, Vec<(Word, u64)>),
}

/// What one task did, and why it does not run.
#[derive(Debug)]
pub(super) struct TaskLog<E> {
    entries: Vec<Entry<E>>,
    wait: Option<Waiting>,
    done: bool,
    /// How often a reader has said that it still waits.
    beats: u64,
    /// Rises with every change of the above.
    changes: u64,
}

impl<E> Default for TaskLog<E> {
    fn default() -> Self {
        TaskLog { entries: Vec::new(), wait: None, done: false, beats: 0, changes: 0 }
    }
}

impl<E> TaskLog<E> {
    /// The task does something, and so waits no longer.
    pub(super) fn push(&mut self, entry: Entry<E>) {
        self.set_wait(None);
        self.entries.push(entry);
    }

    /// A reader has waited for a while and has not got its lock.
    pub(super) fn still_waits(&mut self) {
        self.beats += 1;
    }

    /// The task goes to sleep (after it said so), or runs on.
    pub(super) fn set_wait(&mut self, wait: Option<Waiting>) {
        self.changes += 1;
        self.wait = wait;
    }

    pub(super) fn finish(&mut self, task: usize, stamp: u64) {
        self.push(Entry { stamp, task: task as u8, step: Step::Done });
        self.done = true;
    }

    /// Forgets the run.
    pub(super) fn clear(&mut self) {
        self.changes += 1;
        self.entries.clear();
        self.wait = None;
        self.done = false;
    }
}

impl<E> Native<E> {
    /// One of the locations has been written since.
    pub(super) fn changed(&self, seen: &[(Word, u64)]) -> bool {
        seen.iter().any(|&(word, version)| self.words[usize::from(word.0)].version() != version)
    }

    /// The task says that it waits.
    pub fn waits(&self, task: usize) -> bool {
        self.tasks[task].log.lock().wait.is_some()
    }

    fn beats(&self) -> [u64; MAX_TASKS] {
        std::array::from_fn(|task| self.tasks[task].log.lock().beats)
    }
}

impl<E: Copy> Native<E> {
    /// Where all of the first `tasks` tasks have finished or wait: a number that is the same again
    /// only if none of them has stirred meanwhile.
    pub fn quiet(&self, tasks: usize) -> Option<u64> {
        let mut changes = 0;
        for task in &self.tasks[..tasks] {
            let log = task.log.lock();
            if !log.done && log.wait.is_none() {
                return None;
            }
            changes += log.changes;
        }
        Some(changes)
    }

    /// Copies the run so far. A task that says that it waits and will go on by itself is listed as
    /// running.
    pub fn snapshot(&self, tasks: usize, log: &mut Log<E>) {
        log.clear();
        for (id, task) in self.tasks[..tasks].iter().enumerate() {
            let own = task.log.lock();
            log.entries.extend_from_slice(&own.entries);
            let wait = own.wait.clone();
            drop(own);
            log.waits.extend(wait.and_then(|wait| Some((id as u8, self.really_waits(id, &wait)?))));
        }
        log.entries.sort_by_key(|entry| entry.stamp);
        let values = self.words.iter().map(|word| word.peek());
        let words = (0..).map(Word).zip(values);
        log.words.extend(words.filter(|&(_, value)| value != 0));
        log.points = self.points.load(Ordering::Relaxed);
    }

    /// What the task waits for, if that is still to come. For a lock, its holders in the log decide;
    /// but that a reader waits behind a waiting writer only the lock itself can tell.
    fn really_waits(&self, task: usize, wait: &Waiting) -> Option<Wait> {
        match *wait {
            Waiting::Lock(lock, mode, at) => {
                let lock_waits =
                    mode == Mode::Write || self.locks[usize::from(lock.0)].refuses_readers();
                lock_waits.then_some(Wait::Lock { lock, mode, at })
            }
            Waiting::Grace(srcu) => {
                let awaited = self.srcu[usize::from(srcu.0)].awaited(task);
                (awaited != 0).then_some(Wait::Grace(srcu, awaited))
            }
            Waiting::Sleep(wait) => {
                let sleeps = self.tasks[task].uninterruptible.load(Ordering::SeqCst);
                sleeps.then_some(Wait::Sleep(wait))
            }
            Waiting::Retry(by, ref seen) => (!self.changed(seen)).then_some(Wait::Retry(by)),
        }
    }

    /// Whether the snapshot, taken since `quiet` gave that number, is a moment of the run: waits for
    /// what its readers have to say, or until somebody stirs.
    pub fn confirms(&self, tasks: usize, quiet: u64, snapshot: &Log<E>) -> bool {
        let reader = |(task, wait): &(u8, Wait)| match wait {
            Wait::Lock { mode: Mode::Read, lock, .. } => {
                matches!(self.locks[usize::from(lock.0)], Lock::Fair(_))
                    .then_some(usize::from(*task))
            }
            _ => None,
        };
        let readers: Vec<usize> = snapshot.waits.iter().filter_map(reader).collect();
        let before = self.beats();
        loop {
            let now = self.beats();
            if self.quiet(tasks) != Some(quiet) {
                return false;
            }
            // The attempt that the first of two beats ends may have begun before the snapshot.
            if readers.iter().all(|&task| now[task] >= before[task] + 2) {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}
