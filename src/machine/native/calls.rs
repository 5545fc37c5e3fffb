//! What a task can call, on OS threads.

use std::sync::atomic::Ordering;
use std::thread;

use super::lock::Guard;
use super::table::Waiting;
use super::{NOBODY, NativeTask};
use crate::machine::log::Step;
use crate::machine::{
    Function, HeldUp, LockId, LockMap, Mode, RcuWait, RwSem, Span, Srcu, Task, Word,
};

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
