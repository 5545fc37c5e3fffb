//! The handle of a task on the machine of OS threads.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::thread;

use super::lock::Guard;
use super::table::Waiting;
use super::{Jitter, NOBODY, Native};
use crate::machine::log::{Entry, Step};
use crate::machine::{
    Function, HeldUp, LockId, LockMap, Mode, RcuWait, RwSem, Site, Span, Srcu, Task, Word,
};

/// What a task keeps on its own thread.
#[derive(Debug)]
pub struct Local {
    id: u8,
    /// Enters what it does into the log; the history before a run does not.
    logged: bool,
    held: RefCell<Vec<(LockId, Mode, Guard)>>,
    /// Version of each location from before it was last read.
    seen: RefCell<Vec<u64>>,
    /// Number of the last access.
    stamp: Cell<u64>,
    points: Cell<u32>,
    jitter: Cell<Jitter>,
}

impl Local {
    /// The task of that number, with its jitter.
    pub fn new(id: u8, jitter: Jitter) -> Local {
        Local {
            id,
            logged: true,
            held: RefCell::default(),
            seen: RefCell::default(),
            stamp: Cell::new(0),
            points: Cell::new(0),
            jitter: Cell::new(jitter),
        }
    }

    /// The task that does what happened before the tasks start.
    pub fn history() -> Local {
        Local { logged: false, ..Local::new(0, Jitter::none()) }
    }

    /// Ready for another round: what the last one left held is released.
    pub fn begin(&self, jitter: Jitter) {
        self.held.borrow_mut().drain(..).for_each(|(_, _, guard)| guard.release());
        self.stamp.set(0);
        self.points.set(0);
        self.jitter.set(jitter);
    }

    /// It holds locks.
    pub fn holds_locks(&self) -> bool {
        !self.held.borrow().is_empty()
    }

    pub(super) fn index(&self) -> usize {
        usize::from(self.id)
    }

    pub(super) fn stamp(&self) -> u64 {
        self.stamp.get()
    }

    pub(super) fn points(&self) -> u32 {
        self.points.get()
    }
}

/// A task of [`Native`]: which one, and inside which kernel function. It stays on its thread.
#[derive(Debug)]
pub struct NativeTask<'a, E> {
    machine: &'a Native<E>,
    local: &'a Local,
    site: Site,
}

impl<E> Clone for NativeTask<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for NativeTask<'_, E> {}

impl<'a, E> NativeTask<'a, E> {
    pub(super) fn new(machine: &'a Native<E>, local: &'a Local) -> Self {
        NativeTask { machine, local, site: Site::default() }
    }

    /// A scheduling point: others may pass.
    fn point(self) {
        self.local.points.set(self.local.points.get() + 1);
        let mut jitter = self.local.jitter.get();
        jitter.at_point();
        self.local.jitter.set(jitter);
    }

    /// What follows stands here in the order of the run.
    fn tick(self) {
        self.local.stamp.set(self.machine.tick());
    }

    fn log(self, step: Step<E>) {
        if self.local.logged {
            let entry = Entry { stamp: self.local.stamp(), task: self.local.id, step };
            self.machine.tasks[self.id()].log.lock().push(entry);
        }
    }

    /// Before a block.
    fn blocks(self, wait: Waiting) {
        self.machine.tasks[self.id()].log.lock().set_wait(Some(wait));
    }

    /// After a block.
    fn runs(self) {
        self.machine.tasks[self.id()].log.lock().set_wait(None);
    }

    fn hold(self, lock: LockId, mode: Mode, guard: Guard, step: Step<E>) {
        self.tick();
        self.log(step);
        self.local.held.borrow_mut().push((lock, mode, guard));
    }

    /// How the task holds the lock.
    fn hold_of(self, lock: LockId) -> Option<Mode> {
        let held = self.local.held.borrow();
        let modes = held.iter().filter(|(held, ..)| *held == lock).map(|&(_, mode, _)| mode);
        modes.max_by_key(|&mode| mode == Mode::Write)
    }

    fn cell(self, word: Word) -> &'a super::word::Cell {
        &self.machine.words[usize::from(word.0)]
    }

    /// No other task can touch the location in that way now.
    fn is_guarded(self, word: Word, write: bool) -> bool {
        let guard = self.cell(word).guard;
        match guard.lock.and_then(|lock| self.hold_of(lock)) {
            Some(Mode::Write) => !(write && guard.lockless),
            Some(Mode::Read) => !write,
            None => false,
        }
    }

    fn saw(self, word: Word, version: u64) {
        let mut seen = self.local.seen.borrow_mut();
        if seen.is_empty() {
            seen.resize(self.machine.words.len(), 0);
        }
        seen[usize::from(word.0)] = version;
    }
}

impl<E> Task for NativeTask<'_, E> {
    type Event = E;

    fn id(self) -> usize {
        self.local.index()
    }

    fn enter(self, f: Function) -> Self {
        NativeTask { site: self.site.enter(f), ..self }
    }

    async fn acquire(self, lock: LockId, mode: Mode) {
        self.point();
        self.log(Step::Asks(lock, mode, self.site));
        let on = &self.machine.locks[usize::from(lock.0)];
        let guard = on.try_take(mode).unwrap_or_else(|| {
            self.blocks(Waiting::Lock(lock, mode, self.site));
            on.take(mode, || self.machine.tasks[self.id()].log.lock().still_waits())
        });
        self.hold(lock, mode, guard, Step::Gets(lock, mode));
    }

    async fn try_acquire(self, lock: LockId, mode: Mode) -> bool {
        self.point();
        let guard = self.machine.locks[usize::from(lock.0)].try_take(mode);
        let got = guard.is_some();
        if let Some(guard) = guard {
            self.hold(lock, mode, guard, Step::TryGets(lock, mode, self.site));
        }
        got
    }

    fn release(self, lock: LockId) {
        self.log(Step::Releases(lock, self.site));
        let mut held = self.local.held.borrow_mut();
        if let Some(at) = held.iter().rposition(|(held, ..)| *held == lock) {
            held.remove(at).2.release();
        }
    }

    fn downgrade_write(self, sem: RwSem) {
        self.log(Step::Downgrades(sem.0, self.site));
        let mut held = self.local.held.borrow_mut();
        if let Some(at) = held.iter().rposition(|(held, ..)| *held == sem.0) {
            let (lock, _, guard) = held.remove(at);
            held.insert(at, (lock, Mode::Read, guard.downgrade()));
        }
    }

    fn holds(self, lock: LockId) -> bool {
        self.hold_of(lock).is_some()
    }

    fn lock_map_acquire(self, map: LockMap) {
        self.log(Step::Map(map.0, true, self.site));
        self.local.held.borrow_mut().push((map.0, Mode::Write, Guard::Map));
    }

    fn lock_map_release(self, map: LockMap) {
        self.log(Step::Map(map.0, false, self.site));
        let mut held = self.local.held.borrow_mut();
        if let Some(at) = held.iter().rposition(|(held, ..)| *held == map.0) {
            held.remove(at);
        }
    }

    async fn srcu_read_lock(self, srcu: Srcu) {
        self.point();
        self.machine.srcu[usize::from(srcu.0)].enter(self.id(), || self.tick());
        self.log(Step::Srcu(srcu, true, self.site));
    }

    fn srcu_read_unlock(self, srcu: Srcu) {
        self.log(Step::Srcu(srcu, false, self.site));
        self.machine.srcu[usize::from(srcu.0)].leave(self.id());
    }

    async fn synchronize_srcu(self, srcu: Srcu) {
        self.point();
        self.log(Step::MightSleep(self.site));
        let domain = &self.machine.srcu[usize::from(srcu.0)];
        if domain.synchronize(self.id(), || self.blocks(Waiting::Grace(srcu))) {
            self.tick();
            self.runs();
        }
    }

    async fn read(self, word: Word) -> u64 {
        let (version, value) = if self.is_guarded(word, false) {
            self.cell(word).read_guarded()
        } else {
            self.point();
            self.cell(word).read(|| self.tick())
        };
        self.saw(word, version);
        value
    }

    async fn write(self, word: Word, value: u64) {
        if !self.is_guarded(word, true) {
            self.point();
        }
        self.cell(word).write(value, || self.tick());
        self.machine.watch.wrote();
    }

    fn peek(self, word: Word) -> u64 {
        self.cell(word).peek()
    }

    fn poke(self, word: Word, value: u64) {
        self.cell(word).poke(value);
    }

    fn update(self, word: Word, change: impl Fn(u64) -> u64) -> u64 {
        let old = self.cell(word).update(change, || self.tick());
        self.machine.watch.wrote();
        old
    }

    async fn prepare_to_rcuwait(self, wait: RcuWait) {
        self.point();
        self.machine.rcuwaits[usize::from(wait.0)].store(self.local.id, Ordering::SeqCst);
    }

    async fn set_uninterruptible(self) {
        self.point();
        // SeqCst: set_current_state is smp_store_mb.
        self.machine.tasks[self.id()].uninterruptible.store(true, Ordering::SeqCst);
    }

    async fn schedule(self, wait: RcuWait) {
        self.point();
        self.log(Step::MightSleep(self.site));
        let state = &self.machine.tasks[self.id()].uninterruptible;
        if state.load(Ordering::SeqCst) {
            self.blocks(Waiting::Sleep(wait));
            while state.load(Ordering::SeqCst) {
                thread::park();
            }
            self.tick();
            self.runs();
        }
    }

    async fn finish_rcuwait(self, wait: RcuWait) {
        self.point();
        self.machine.rcuwaits[usize::from(wait.0)].store(NOBODY, Ordering::SeqCst);
        self.machine.tasks[self.id()].uninterruptible.store(false, Ordering::SeqCst);
    }

    async fn rcuwait_wake_up(self, wait: RcuWait) {
        self.point();
        // SeqCst: rcuwait_wake_up has smp_mb before it looks for the waiter.
        let waiter = self.machine.rcuwaits[usize::from(wait.0)].load(Ordering::SeqCst);
        if let Some(waiter) = self.machine.tasks.get(usize::from(waiter)) {
            waiter.uninterruptible.store(false, Ordering::SeqCst);
            waiter.thread.lock().iter().for_each(thread::Thread::unpark);
        }
    }

    fn non_block_start(self) {
        self.log(Step::NonBlock(true));
    }

    fn non_block_end(self) {
        self.log(Step::NonBlock(false));
    }

    fn might_sleep(self) {
        self.log(Step::MightSleep(self.site));
    }

    fn span_begin(self, span: Span) {
        self.log(Step::Span(span, true));
    }

    fn span_end(self, span: Span) {
        self.log(Step::Span(span, false));
    }

    async fn wait_for_write(self, by: HeldUp, words: &[Word]) {
        let version = |word: &Word| {
            (*word, self.local.seen.borrow().get(usize::from(word.0)).copied().unwrap_or(0))
        };
        let seen: Vec<(Word, u64)> = words.iter().map(version).collect();
        if !self.machine.changed(&seen) {
            self.blocks(Waiting::Retry(by, seen.clone()));
            self.machine.watch.until(|| self.machine.changed(&seen));
            self.tick();
            self.runs();
        }
    }

    async fn place(self, _: u8) {
        let mut jitter = self.local.jitter.get();
        jitter.at_place();
        self.local.jitter.set(jitter);
    }

    fn trace(self, event: impl Into<E>) {
        self.log(Step::Trace(event.into()));
    }

    fn user_exit(self) {
        self.log(Step::UserExit(self.site));
    }
}
