//! The threads that run a case's tasks, one each, round after round.

use std::future::Future;
use std::hint;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::super::{End, Options, Stage};
use crate::case::Case;
use crate::kvm::trace::Event;
use crate::machine::native::{Jitter, Local, Native, SimulatorOnly};

/// How often a round is looked at that takes long.
const TICK: Duration = Duration::from_millis(2);

/// The threads, and what they share.
#[derive(Debug)]
pub(super) struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    machine: Native<Event>,
    stage: Stage,
    seed: u64,
    gate: Mutex<Gate>,
    opened: Condvar,
    closed: Condvar,
    /// Threads that stood at the start of this or an earlier round.
    started: AtomicUsize,
}

#[derive(Debug, Default)]
struct Gate {
    /// The round that runs or was the last.
    round: u64,
    /// Tasks of it that have not finished.
    left: usize,
    /// A task finished with locks held.
    holds: bool,
    /// There are no more rounds.
    quit: bool,
}

impl Crew {
    pub(super) fn new(case: &Case, options: &Options, seed: u64) -> Result<Crew, SimulatorOnly> {
        let mut machine = Native::new(options.policy)?;
        let stage = Stage::build(&mut machine, case.clone(), options);
        let shared = Arc::new(Shared {
            machine,
            stage,
            seed,
            gate: Mutex::default(),
            opened: Condvar::new(),
            closed: Condvar::new(),
            started: AtomicUsize::new(0),
        });
        let spawn = |id: usize| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.work(id))
        };
        let threads = (0..case.programs.tasks()).map(spawn).collect();
        Ok(Crew { shared, threads })
    }

    pub(super) fn machine(&self) -> &Native<Event> {
        &self.shared.machine
    }

    /// Starts a round: nobody runs, and nobody holds a lock.
    pub(super) fn start(&self, round: u64) {
        self.machine().reset();
        let local = Local::history();
        complete(self.shared.stage.history(self.machine().task(&local)));
        let gate = &mut *self.shared.gate.lock();
        (gate.round, gate.left) = (round, self.threads.len());
        self.shared.started.store(0, Ordering::Relaxed);
        self.shared.opened.notify_all();
    }

    /// Waits for the end of the round, but not for long. Whether it is over.
    pub(super) fn waits_for_the_end(&self) -> bool {
        let mut gate = self.shared.gate.lock();
        if gate.left > 0 {
            self.shared.closed.wait_for(&mut gate, TICK);
        }
        gate.left == 0
    }

    /// A thread ended that should not have.
    pub(super) fn has_lost_a_thread(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Locks are held though the round is over, so that this crew can run no other.
    pub(super) fn holds_locks(&self) -> bool {
        self.shared.gate.lock().holds
    }

    /// What the round has come to.
    pub(super) fn end(&self, stuck: u16) -> End {
        self.shared.stage.end(self.machine().look(&Local::history()), stuck)
    }
}

impl Drop for Crew {
    /// Threads that are stuck stay behind, the others end.
    fn drop(&mut self) {
        let over = {
            let gate = &mut *self.shared.gate.lock();
            gate.quit = true;
            gate.left == 0
        };
        self.shared.opened.notify_all();
        if over {
            // A thread that panicked has said so on stderr.
            self.threads.drain(..).for_each(|thread| drop(thread.join()));
        }
    }
}

impl Shared {
    fn work(&self, id: usize) {
        let local = Local::new(id as u8, Jitter::none());
        let mut round = 0;
        while let Some(next) = self.next_round(round) {
            round = next;
            local.begin(Jitter::new(self.seed, round, id as u8));
            self.line_up();
            let task = self.machine.task(&local);
            complete(self.stage.task(task, id));
            self.machine.finish(&local);
            self.finish(local.holds_locks());
        }
    }

    fn next_round(&self, last: u64) -> Option<u64> {
        let mut gate = self.gate.lock();
        while gate.round == last && !gate.quit {
            self.opened.wait(&mut gate);
        }
        (!gate.quit).then_some(gate.round)
    }

    /// Nobody starts long before the others: a short program would be over.
    fn line_up(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
        let mut spins = 0u32;
        while self.started.load(Ordering::Relaxed) < self.stage.case().programs.tasks() {
            spins += 1;
            match spins % 64 {
                0 => thread::yield_now(),
                _ => hint::spin_loop(),
            }
        }
    }

    fn finish(&self, holds: bool) {
        let gate = &mut *self.gate.lock();
        gate.left -= 1;
        gate.holds |= holds;
        if gate.left == 0 {
            self.closed.notify_all();
        }
    }
}

/// Runs a future that never has to be polled again.
fn complete(future: impl Future<Output = ()>) {
    let done = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(done.is_ready(), "what blocks on this machine is the lock, not the future");
}
