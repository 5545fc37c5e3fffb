//! The one leaf future of the machine: a shared operation, from its scheduling point to its effect.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::checkpoint::Told;
use super::search::Object;
use super::state::State;
use super::task::SimTask;
use super::waits::Wait;
use super::{At, Schedule, TurnEnd, What};
use crate::machine::sim::lock::Kind;
use crate::machine::{HeldUp, LockId, Mode, RcuWait, Site, Srcu, Word};

/// A shared operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Acquire(LockId, Mode),
    TryAcquire(LockId, Mode),
    Read(Word),
    Write(Word, u64),
    SrcuEnter(Srcu),
    Synchronize(Srcu),
    Prepare(RcuWait),
    SetUninterruptible,
    Schedule(RcuWait),
    Finish(RcuWait),
    Wake(RcuWait),
    Retry(HeldUp),
    Place(u8),
}

impl Op {
    /// A number for the operation, its object and what it does with it.
    fn number(self) -> u64 {
        let number =
            |kind: u64, object: u16, with: u64| kind << 56 | u64::from(object) << 40 | with;
        match self {
            Op::Acquire(lock, mode) => number(1, lock.0, mode as u64),
            Op::TryAcquire(lock, mode) => number(2, lock.0, mode as u64),
            Op::Read(word) => number(3, word.0, 0),
            Op::Write(word, value) => number(4, word.0, value & 0xff_ffff_ffff),
            Op::SrcuEnter(srcu) => number(5, srcu.0.into(), 0),
            Op::Synchronize(srcu) => number(6, srcu.0.into(), 0),
            Op::Prepare(wait) => number(7, wait.0.into(), 0),
            Op::SetUninterruptible => number(8, 0, 0),
            Op::Schedule(wait) => number(9, wait.0.into(), 0),
            Op::Finish(wait) => number(10, wait.0.into(), 0),
            Op::Wake(wait) => number(11, wait.0.into(), 0),
            Op::Retry(HeldUp::ByRegion(span, _)) => number(12, span.0.into(), 0),
            Op::Retry(HeldUp::ByUpdate(lock)) => number(13, lock.0.0, 0),
            Op::Place(place) => number(14, 0, place.into()),
        }
    }
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The scheduling point is still ahead.
    Before,
    /// Past it: the effect comes now.
    At,
    /// An rwsem writer spins optimistically: one more point, then it queues.
    Spun,
    /// It waited; whoever woke it has done the rest.
    Woken,
}

/// An rwsem writer has spun and will queue.
const SPUN: u8 = 1;
/// A task was woken and has not run yet.
pub(super) const WOKEN: u8 = 2;

/// What a step came to.
enum Next {
    Ready(u64),
    /// Not yet: polled again in that phase, at once or when scheduled.
    Again(Phase, bool),
}

/// The same, for operations that return nothing.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(super) struct Quiet<'a, S, E>(pub(super) Step<'a, S, E>);

impl<S: Schedule, E> Future for Quiet<'_, S, E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(|_| ())
    }
}

/// The operation in progress.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(super) struct Step<'a, S, E> {
    task: SimTask<'a, S, E>,
    op: Op,
    phase: Phase,
}

impl<'a, S, E> Step<'a, S, E> {
    pub(super) fn new(task: SimTask<'a, S, E>, op: Op) -> Self {
        Step { task, op, phase: Phase::Before }
    }
}

impl<S: Schedule, E> Future for Step<'_, S, E> {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        let this = &mut *self;
        let state = &mut *this.task.sim.state.borrow_mut();
        match state.retell(this.task.id) {
            Told::Nothing => {}
            Told::Value(value) => return Poll::Ready(value),
            Told::Stands(phase) => {
                state.strayed |= state.tasks[this.task.id as usize].stands != this.op.number();
                this.phase = phase;
                return Poll::Pending;
            }
        }
        loop {
            match state.step(this.task.id, this.task.site, &this.op, this.phase) {
                Next::Ready(value) => {
                    state.observe(this.task.id, value);
                    return Poll::Ready(value);
                }
                Next::Again(phase, at_once) => {
                    this.phase = phase;
                    if !at_once {
                        state.stands(this.task.id, phase);
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl<S: Schedule, E> State<S, E> {
    fn step(&mut self, task: u8, site: Site, op: &Op, phase: Phase) -> Next {
        if S::SEARCHES && phase == Phase::Before {
            self.tasks[task as usize].stands = op.number();
        }
        match phase {
            Phase::Before if self.has_point(task, op) => Next::Again(Phase::At, self.point(task)),
            Phase::Before if self.stops(task, op) => Next::Again(Phase::At, false),
            Phase::Before | Phase::At => self.effect(task, site, op),
            Phase::Spun => self.queue_writer(task, site, op),
            Phase::Woken => {
                if !matches!(op, Op::Acquire(..)) {
                    self.record(task, What::Resumed);
                }
                self.unwatch(task);
                Next::Ready(0)
            }
        }
    }

    fn has_point(&self, task: u8, op: &Op) -> bool {
        match *op {
            Op::Read(word) => self.exposed(task, word, false),
            Op::Write(word, _) => self.exposed(task, word, true),
            // What the schedule sees of a retry is the wait; a place is none unless a burst ends there.
            Op::Retry(..) | Op::Place(_) => false,
            _ => true,
        }
    }

    /// Whether a burst ends here; then somebody else runs next.
    fn stops(&mut self, task: u8, op: &Op) -> bool {
        let Op::Place(place) = *op else { return false };
        let stops = !self.setting_up
            && self.schedule.stops_at(task, place)
            && !self.goes_on(At::Place(task), task);
        if stops {
            self.end_turn(TurnEnd::Place(place));
        }
        stops
    }

    fn effect(&mut self, task: u8, site: Site, op: &Op) -> Next {
        match *op {
            Op::Acquire(lock, mode) => self.acquire(task, site, lock, mode),
            Op::TryAcquire(lock, mode) => {
                let taken = self.try_take(task, lock, mode);
                if taken {
                    self.annotate(task, lock, mode, true, site);
                } else {
                    self.touch(Object::lock(lock), mode == Mode::Write);
                }
                Next::Ready(u64::from(taken))
            }
            Op::Read(word) => {
                self.events += 1;
                self.touch(Object::word(word), false);
                Next::Ready(self.words[word.0 as usize].value)
            }
            Op::Write(word, value) => {
                self.events += 1;
                self.store(word, value);
                self.record(task, What::Wrote(word, value));
                Next::Ready(0)
            }
            Op::SrcuEnter(srcu) => {
                self.srcu_enter(task, srcu, site);
                Next::Ready(0)
            }
            Op::Synchronize(srcu) => self.synchronize(task, srcu, site),
            Op::Prepare(wait) => {
                self.touch(Object::rcuwait(wait), true);
                self.rcuwaits[wait.0 as usize].task = Some(task);
                Next::Ready(0)
            }
            Op::SetUninterruptible => {
                self.touch(Object::task(task), true);
                self.tasks[task as usize].uninterruptible = true;
                Next::Ready(0)
            }
            Op::Finish(wait) => {
                self.touch(Object::rcuwait(wait), true);
                self.touch(Object::task(task), true);
                self.rcuwaits[wait.0 as usize].task = None;
                self.tasks[task as usize].uninterruptible = false;
                Next::Ready(0)
            }
            Op::Schedule(wait) => self.sleep(task, wait, site),
            Op::Wake(wait) => {
                self.wake_waiter(wait);
                Next::Ready(0)
            }
            Op::Retry(by) => self.wait_to_retry(task, by),
            Op::Place(_) => Next::Ready(0),
        }
    }

    fn acquire(&mut self, task: u8, site: Site, lock: LockId, mode: Mode) -> Next {
        let kind = self.locks[lock.0 as usize].kind;
        if kind.sleeps() {
            self.check_sleep(task, site);
        }
        self.annotate(task, lock, mode, false, site);
        if self.try_take(task, lock, mode) {
            return Next::Ready(0);
        }
        self.touch(Object::lock(lock), true);
        if kind == Kind::RwSem && mode == Mode::Write {
            self.halfway(task, SPUN);
            return Next::Again(Phase::Spun, self.point(task));
        }
        self.enqueue(task, lock, mode, site);
        Next::Again(Phase::Woken, false)
    }

    fn queue_writer(&mut self, task: u8, site: Site, op: &Op) -> Next {
        let Op::Acquire(lock, mode) = *op else { return Next::Ready(0) };
        if self.try_take(task, lock, mode) {
            return Next::Ready(0);
        }
        self.touch(Object::lock(lock), true);
        self.enqueue(task, lock, mode, site);
        Next::Again(Phase::Woken, false)
    }

    fn synchronize(&mut self, task: u8, srcu: Srcu, site: Site) -> Next {
        self.check_sleep(task, site);
        self.touch(Object::srcu(srcu), true);
        let readers = self.srcu[srcu.0 as usize].readers;
        if readers == 0 {
            return Next::Ready(0);
        }
        let wait = Wait::Grace(srcu, readers);
        self.record(task, What::Waits(wait));
        self.block(task, wait);
        Next::Again(Phase::Woken, false)
    }

    fn sleep(&mut self, task: u8, wait: RcuWait, site: Site) -> Next {
        self.check_sleep(task, site);
        self.touch(Object::rcuwait(wait), true);
        self.touch(Object::task(task), true);
        if !self.tasks[task as usize].uninterruptible {
            return Next::Ready(0);
        }
        let wait = Wait::Sleep(wait);
        self.record(task, What::Waits(wait));
        self.block(task, wait);
        Next::Again(Phase::Woken, false)
    }

    fn wake_waiter(&mut self, wait: RcuWait) {
        self.touch(Object::rcuwait(wait), true);
        let Some(task) = self.rcuwaits[wait.0 as usize].task else { return };
        self.touch(Object::task(task), true);
        let state = &mut self.tasks[task as usize];
        (state.uninterruptible, state.print) = (false, None);
        if matches!(self.tasks[task as usize].wait, Some(Wait::Sleep(_))) {
            self.wake(task);
        }
    }

    /// The watched words know of the task already.
    fn wait_to_retry(&mut self, task: u8, by: HeldUp) -> Next {
        let wait = Wait::Retry(by);
        self.record(task, What::Waits(wait));
        self.block(task, wait);
        Next::Again(Phase::Woken, false)
    }
}
