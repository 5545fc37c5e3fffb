//! The handle of a task on the deterministic machine.

use std::future::Future;

use super::checkpoint::Told;
use super::op::{self, Seen, Step};
use super::search::Object;
use super::tables::{TaskState, bits};
use super::waits::Wait;
use super::{Call, Schedule, Sim, State, What};
use crate::lockdep::{Acquire, Read};
use crate::machine::{
    Function, HeldUp, LockId, LockMap, Memory, Mode, RcuWait, RwSem, Site, Span, Srcu, Task, Word,
};

/// A task of [`Sim`]: which one, and inside which kernel function.
#[derive(Debug)]
pub struct SimTask<'a, S, E> {
    pub(super) sim: &'a Sim<S, E>,
    pub(super) id: u8,
    pub(super) site: Site,
}

impl<S, E> Clone for SimTask<'_, S, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, E> Copy for SimTask<'_, S, E> {}

impl<'a, S: Schedule, E> SimTask<'a, S, E> {
    pub(super) fn new(sim: &'a Sim<S, E>, id: u8) -> Self {
        SimTask { sim, id, site: Site::default() }
    }

    fn step<O: op::Operation<S, E>, R: Seen>(self, op: O) -> Step<'a, S, E, O, R> {
        Step::new(self, op)
    }

    /// Says so to a schedule that watches.
    fn stepped(self, state: &mut State<S, E>, call: impl FnOnce(&State<S, E>) -> Call) {
        if S::WATCHES {
            let call = call(state);
            state.schedule.stepped(self.id, self.site, call);
        }
    }

    /// Something that tells the task nothing; not done again where its log is told to it.
    fn act(self, act: impl FnOnce(&mut State<S, E>, usize)) {
        let state = &mut *self.sim.state.borrow_mut();
        if !state.is_retelling() {
            act(state, self.id as usize);
        }
    }

    /// Something that tells the task what is no news to it (searches only).
    fn ask_quietly(self, ask: impl FnOnce(&State<S, E>) -> u64) -> u64 {
        if !S::SEARCHES {
            return 0;
        }
        let state = &mut *self.sim.state.borrow_mut();
        if let Told::Value(value) = state.retell(self.id) {
            return value;
        }
        let value = ask(state);
        state.logs[self.id as usize].push(value);
        value
    }

    /// Something that tells the task a value.
    fn ask(self, ask: impl FnOnce(&mut State<S, E>, usize) -> u64) -> u64 {
        let state = &mut *self.sim.state.borrow_mut();
        if let Told::Value(value) = state.retell(self.id) {
            return value;
        }
        let value = ask(state, self.id as usize);
        state.observe(self.id, value);
        value
    }
}

impl<S: Schedule, E> Task for SimTask<'_, S, E> {
    type Event = E;

    fn id(self) -> usize {
        self.id as usize
    }

    fn enter(self, f: Function) -> Self {
        SimTask { site: self.site.enter(f), ..self }
    }

    fn acquire(self, lock: LockId, mode: Mode) -> impl Future<Output = ()> {
        self.step(op::Acquire(lock, mode))
    }

    fn try_acquire(self, lock: LockId, mode: Mode) -> impl Future<Output = bool> {
        self.step(op::TryAcquire(lock, mode))
    }

    fn release(self, lock: LockId) {
        self.act(|state, _| {
            self.stepped(state, |state| Call::Release(lock, state.mode_of(self.id, lock)));
            state.drop_lock(self.id, lock, self.site);
        });
    }

    fn downgrade_write(self, sem: RwSem) {
        self.act(|state, _| {
            self.stepped(state, |_| Call::Downgrade(sem.0));
            state.downgrade(self.id, sem.0, self.site);
        });
    }

    fn holds(self, lock: LockId) -> bool {
        self.ask(|state, me| state.tasks[me].held.contains(&lock).into()) != 0
    }

    fn lock_map_acquire(self, map: LockMap) {
        self.act(|state, _| {
            self.stepped(state, |_| Call::Acquire(map.0, Mode::Write));
            state.take_map(self.id, map.0, self.site);
        });
    }

    fn lock_map_release(self, map: LockMap) {
        self.act(|state, _| {
            self.stepped(state, |_| Call::Release(map.0, Mode::Write));
            state.drop_map(self.id, map.0, self.site);
        });
    }

    fn srcu_read_lock(self, srcu: Srcu) -> impl Future<Output = ()> {
        self.step(op::SrcuEnter(srcu))
    }

    fn srcu_read_unlock(self, srcu: Srcu) {
        self.act(|state, _| {
            self.stepped(state, |_| Call::SrcuLeave(srcu));
            state.srcu_leave(self.id, srcu, self.site);
        });
    }

    fn synchronize_srcu(self, srcu: Srcu) -> impl Future<Output = ()> {
        self.step(op::Synchronize(srcu))
    }

    fn read(self, word: Word) -> impl Future<Output = u64> {
        self.step(op::Read(word))
    }

    fn write(self, word: Word, value: u64) -> impl Future<Output = ()> {
        self.step(op::Write(word, value))
    }

    fn peek(self, word: Word) -> u64 {
        self.ask(|state, _| {
            state.touch(Object::word(word), false);
            state.words[word.0 as usize].value
        })
    }

    fn poke(self, word: Word, value: u64) {
        self.act(|state, _| state.store(word, value));
    }

    fn update(self, word: Word, change: impl Fn(u64) -> u64) -> u64 {
        self.ask(|state, _| {
            self.stepped(state, |_| Call::Update(word));
            state.events += 1;
            let old = state.words[word.0 as usize].value;
            state.store(word, change(old));
            old
        })
    }

    fn prepare_to_rcuwait(self, wait: RcuWait) -> impl Future<Output = ()> {
        self.step(op::Prepare(wait))
    }

    fn set_uninterruptible(self) -> impl Future<Output = ()> {
        self.step(op::Uninterruptible)
    }

    fn schedule(self, wait: RcuWait) -> impl Future<Output = ()> {
        self.step(op::Sleep(wait))
    }

    fn finish_rcuwait(self, wait: RcuWait) -> impl Future<Output = ()> {
        self.step(op::Finish(wait))
    }

    fn rcuwait_wake_up(self, wait: RcuWait) -> impl Future<Output = ()> {
        self.step(op::Wake(wait))
    }

    fn non_block_start(self) {
        self.act(|state, me| state.tasks[me].nonblock += 1);
    }

    fn non_block_end(self) {
        self.act(|state, me| state.tasks[me].nonblock -= 1);
    }

    fn might_sleep(self) {
        self.act(|state, _| state.check_sleep(self.id, self.site));
    }

    fn span_begin(self, span: Span) {
        self.act(|state, me| state.spans[span.0 as usize].mark(me as u8, true));
    }

    fn span_end(self, span: Span) {
        self.act(|state, me| state.spans[span.0 as usize].mark(me as u8, false));
    }

    fn mark(self, place: u8, live: &[u64]) {
        self.act(|state, _| state.mark(self.id, place, live));
    }

    fn remember(self) -> Memory {
        let known = |state: &State<S, E>| state.tasks[self.id as usize].local;
        Memory([self.ask_quietly(|state| known(state).0), self.ask_quietly(|state| known(state).1)])
    }

    fn forget(self, memory: Memory, live: u64) {
        self.act(|state, _| state.forget(self.id, memory, live));
    }

    fn wait_for_write(self, by: HeldUp, words: &[Word]) -> impl Future<Output = ()> {
        self.act(|state, _| words.iter().for_each(|&word| state.watch(self.id, word)));
        self.step(op::Retry(by))
    }

    fn place(self, place: u8) -> impl Future<Output = ()> {
        self.step(op::Place(place))
    }

    fn trace(self, event: impl Into<E>) {
        self.act(|state, _| state.trace(self.id, event.into()));
    }

    fn user_exit(self) {
        self.act(|state, _| state.user_exit(self.id, self.site));
    }
}

/// The effects that need no scheduling point.
impl<S: Schedule, E> State<S, E> {
    /// How the task holds the lock.
    fn mode_of(&self, task: u8, lock: LockId) -> Mode {
        let held = self.locks[lock.0 as usize].owner == Some(task);
        if held { Mode::Write } else { Mode::Read }
    }

    pub(super) fn downgrade(&mut self, task: u8, lock: LockId, at: Site) {
        self.events += 1;
        self.touch(Object::lock(lock), true);
        let instance = self.instances[lock.0 as usize];
        self.lockdep.downgrade(self.validator_tasks[task as usize], instance, at.token());
        self.note_reports(task);
        let state = &mut self.locks[lock.0 as usize];
        if state.owner == Some(task) {
            state.owner = None;
            state.readers |= 1 << task;
            self.record(task, What::Acquired(lock, Mode::Read));
            self.hand_over(lock, true);
        }
    }

    pub(super) fn take_map(&mut self, task: u8, map: LockId, at: Site) {
        self.annotate(task, map, Mode::Write, false, at);
        self.tasks[task as usize].held.push(map);
        self.record(task, What::Acquired(map, Mode::Write));
    }

    pub(super) fn user_exit(&mut self, task: u8, at: Site) {
        let validator_task = self.validator_tasks[task as usize];
        self.lockdep.user_exit(validator_task, at.token());
        self.note_reports(task);
    }

    pub(super) fn drop_map(&mut self, task: u8, map: LockId, at: Site) {
        self.events += 1;
        self.record(task, What::Released(map));
        let instance = self.instances[map.0 as usize];
        self.lockdep.release(self.validator_tasks[task as usize], instance, at.token());
        self.note_reports(task);
        let held = &mut self.tasks[task as usize].held;
        if let Some(slot) = held.iter().rposition(|&l| l == map) {
            held.remove(slot);
        }
    }

    /// `srcu_read_lock`: annotated as a recursive read that is not checked.
    pub(super) fn srcu_enter(&mut self, task: u8, srcu: Srcu, at: Site) {
        self.events += 1;
        self.touch(Object::srcu(srcu), false);
        let domain = &mut self.srcu[srcu.0 as usize];
        domain.depth[task as usize] += 1;
        domain.readers |= 1 << task;
        let instance = domain.instance;
        self.lockdep.acquire(
            self.validator_tasks[task as usize],
            &Acquire {
                instance,
                subclass: 0,
                read: Read::Recursive,
                trylock: false,
                check: false,
                nest: None,
                site: at.token(),
            },
        );
        self.note_reports(task);
        self.record(task, What::Srcu(srcu, true));
    }

    /// `srcu_read_unlock`: ends the grace periods that waited for this task alone.
    pub(super) fn srcu_leave(&mut self, task: u8, srcu: Srcu, at: Site) {
        self.events += 1;
        let domain = &mut self.srcu[srcu.0 as usize];
        let instance = domain.instance;
        domain.depth[task as usize] = domain.depth[task as usize].saturating_sub(1);
        let left = domain.depth[task as usize] == 0;
        if left {
            domain.readers &= !(1 << task);
        }
        self.lockdep.release(self.validator_tasks[task as usize], instance, at.token());
        self.note_reports(task);
        self.record(task, What::Srcu(srcu, false));
        if left {
            self.end_grace(task, srcu);
        }
    }

    fn end_grace(&mut self, reader: u8, srcu: Srcu) {
        // Readers that come and go commute where nobody waits for them.
        let awaited = |state: &TaskState| matches!(state.wait, Some(Wait::Grace(domain, _)) if domain == srcu);
        if S::SEARCHES {
            let changes = self.tasks[..self.count].iter().any(awaited);
            self.touch(Object::srcu(srcu), changes);
        }
        for task in 0..self.count as u8 {
            let Some(Wait::Grace(domain, awaited)) = &mut self.tasks[task as usize].wait else {
                continue;
            };
            if *domain == srcu {
                *awaited &= !(1 << reader);
                if *awaited == 0 {
                    self.wake(task);
                }
            }
        }
    }

    /// A location was touched: it goes back to 0 at the next reset.
    pub(super) fn dirty(&mut self, word: Word) {
        let state = &mut self.words[word.0 as usize];
        if !state.dirty {
            state.dirty = true;
            self.used_words.push(word);
        }
    }

    /// A write to the word wakes the task.
    fn watch(&mut self, task: u8, word: Word) {
        self.touch(Object::word(word), false);
        self.words[word.0 as usize].watchers |= 1 << task;
        self.tasks[task as usize].watching.push(word);
        self.dirty(word);
    }

    /// The wait is over, whichever write ended it; a search takes the first step after it to depend
    /// on all of them.
    pub(super) fn unwatch(&mut self, task: u8) {
        for word in self.tasks[task as usize].watching.take() {
            self.touch(Object::word(word), false);
            self.words[word.0 as usize].watchers &= !(1 << task);
        }
    }

    pub(super) fn trace(&mut self, task: u8, event: E) {
        self.records.push(super::Record { event: self.events, task, what: What::Trace(event) });
    }

    /// The watching faults among `watchers` go on.
    pub(super) fn wake_watchers(&mut self, watchers: u16) {
        for task in bits(watchers) {
            if matches!(self.tasks[task as usize].wait, Some(Wait::Retry(_))) {
                self.wake(task);
            }
        }
    }
}
