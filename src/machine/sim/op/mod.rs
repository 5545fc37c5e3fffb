//! Shared operations as futures, each from its scheduling point to its effect.
//!
//! An operation is a type of its own, so that a run dispatches on none: what a lock, a word, a section or
//! a wait does is compiled into the place of the protocol that does it. A bug here would be an effect that
//! comes before its point, or twice.

mod lock;
mod place;
mod rcuwait;
mod srcu;
mod word;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::checkpoint::Told;
use super::state::State;
use super::task::SimTask;
use super::{Call, Schedule, What};
use crate::machine::Site;

pub(super) use lock::{Acquire, TryAcquire};
pub(super) use place::Place;
pub(super) use rcuwait::{Finish, Prepare, Sleep, Uninterruptible, Wake};
pub(super) use srcu::{SrcuEnter, Synchronize};
pub(super) use word::{Read, Retry, Write};

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

/// A task was woken and has not run yet.
pub(super) const WOKEN: u8 = 2;

/// Result of a step.
pub(super) enum Next {
    /// The operation is over, and tells the task that.
    Ready(u64),
    /// Another task runs first; then it goes on in that phase.
    Later(Phase),
}

/// Over, with nothing to tell.
const DONE: Next = Next::Ready(0);
/// The task waits for another one to do the rest.
const WAITS: Next = Next::Later(Phase::Woken);

/// A shared operation of one kind.
pub(super) trait Operation<S: Schedule, E>: Copy + Unpin {
    /// A number for the operation, its object and what it does with it.
    fn number(self) -> u64;

    /// The same for who watches the run.
    fn call(self) -> Call;

    /// Comes to its scheduling point; whether the task goes on at once. Where there is none, it does.
    fn point(self, state: &mut State<S, E>, task: u8) -> bool {
        state.point(task)
    }

    /// Does it, or begins to wait.
    fn effect(self, state: &mut State<S, E>, task: u8, site: Site) -> Next;

    /// Goes on after optimistic spinning, which only acquisitions do.
    fn spun(self, _state: &mut State<S, E>, _task: u8, _site: Site) -> Next {
        DONE
    }

    /// Goes on after a wait.
    fn woken(self, state: &mut State<S, E>, task: u8) {
        state.record(task, What::Resumed);
    }
}

/// The number of an operation: its kind, its object, and what it does with that.
const fn number(kind: u64, object: u16, with: u64) -> u64 {
    kind << 56 | (object as u64) << 40 | with
}

/// What a task sees of an operation that tells it a number.
pub(super) trait Seen {
    /// From the number.
    fn seen(value: u64) -> Self;
}

impl Seen for () {
    fn seen(_: u64) {}
}

impl Seen for bool {
    fn seen(value: u64) -> bool {
        value != 0
    }
}

impl Seen for u64 {
    fn seen(value: u64) -> u64 {
        value
    }
}

/// The operation in progress.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(super) struct Step<'a, S, E, O, R> {
    task: SimTask<'a, S, E>,
    op: O,
    phase: Phase,
    seen: PhantomData<fn() -> R>,
}

impl<'a, S, E, O, R> Step<'a, S, E, O, R> {
    pub(super) fn new(task: SimTask<'a, S, E>, op: O) -> Self {
        Step { task, op, phase: Phase::Before, seen: PhantomData }
    }
}

impl<S: Schedule, E, O: Operation<S, E>, R: Seen> Future for Step<'_, S, E, O, R> {
    type Output = R;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        let (id, op) = (this.task.id, this.op);
        let state = &mut *this.task.sim.state.borrow_mut();
        match state.retell(id) {
            Told::Nothing => {}
            Told::Value(value) => return Poll::Ready(R::seen(value)),
            Told::Stands(phase) => {
                state.strayed |= state.tasks[id as usize].stands != op.number();
                this.phase = phase;
                return Poll::Pending;
            }
        }
        match step(op, state, id, this.task.site, this.phase) {
            Next::Ready(value) => {
                state.observe(id, value);
                Poll::Ready(R::seen(value))
            }
            Next::Later(phase) => {
                this.phase = phase;
                state.stands(id, phase);
                Poll::Pending
            }
        }
    }
}

#[inline]
fn step<S: Schedule, E>(
    op: impl Operation<S, E>,
    state: &mut State<S, E>,
    task: u8,
    site: Site,
    phase: Phase,
) -> Next {
    match phase {
        Phase::Before => {
            if S::SEARCHES {
                state.tasks[task as usize].stands = op.number();
            }
            if op.point(state, task) {
                effect(op, state, task, site)
            } else {
                Next::Later(Phase::At)
            }
        }
        Phase::At => effect(op, state, task, site),
        Phase::Spun => op.spun(state, task, site),
        Phase::Woken => {
            op.woken(state, task);
            DONE
        }
    }
}

/// The effect, which a schedule that watches hears of first.
#[inline]
fn effect<S: Schedule, E>(
    op: impl Operation<S, E>,
    state: &mut State<S, E>,
    task: u8,
    site: Site,
) -> Next {
    if S::WATCHES {
        state.schedule.stepped(task, site, op.call());
    }
    op.effect(state, task, site)
}
