//! A machine that is led step by step: to any state by its script, on from there task by task.

use std::future::Future;
use std::pin::pin;

use super::engine::Slots;
use super::model::{Model, Observer};
use super::slots::in_place;
use super::{Cursor, Judge, Machine, Programs};
use crate::case::{Burst, Until};
use crate::machine::sim::{Alike, Fingerprint};

/// Programs on a search's machine, and the oracles that follow them.
pub(super) struct Stepper<'a, 's, F, S> {
    programs: &'a Programs,
    machine: &'a Machine,
    slots: &'a mut Slots<'s, F>,
    start: &'a S,
    judge: Judge,
    followed: usize,
}

/// Leads the programs on `machine`; `judge` follows them.
pub(super) fn with_stepper<R>(
    programs: &Programs,
    machine: &Machine,
    judge: Judge,
    act: impl FnOnce(&mut dyn Steps) -> R,
) -> R {
    let start = |i: usize| programs.task(machine.task(i as u8), i);
    in_place(programs.tasks(), &start, |slots| {
        act(&mut Stepper { programs, machine, slots, start: &start, judge, followed: 0 })
    })
}

/// What can be done with a [`Stepper`], whatever its futures are.
pub(super) trait Steps {
    /// Goes to the state that the script leads to from the start; gives who can run there.
    fn go_to(&mut self, script: &[u8]) -> u16;
    /// Runs `task` to its next scheduling point; gives who can run then.
    fn step(&mut self, task: u8) -> u16;
    /// Identity of the state: equal ones go on equally and are judged alike.
    fn key(&self) -> Fingerprint;
}

impl<F: Future<Output = ()>, S: Fn(usize) -> F> Stepper<'_, '_, F, S> {
    fn catch_up(&mut self) {
        let (judge, followed) = (&mut self.judge, &mut self.followed);
        self.machine.inspect(|seen| {
            seen.records[*followed..].iter().for_each(|record| judge.follow(seen, record));
            *followed = seen.records.len();
        });
    }
}

impl<F: Future<Output = ()>, S: Fn(usize) -> F> Steps for Stepper<'_, '_, F, S> {
    fn go_to(&mut self, script: &[u8]) -> u16 {
        self.slots.iter_mut().for_each(|slot| slot.set(None));
        let machine = self.machine;
        machine.restart(self.programs.settings(), |cursor| *cursor = Cursor::default());
        machine.set_up(pin!(self.programs.set_up(machine.task(0))));
        for (i, slot) in self.slots.iter_mut().enumerate() {
            slot.set(Some((self.start)(i)));
        }
        machine.start(self.slots.len());
        self.judge.begin();
        self.followed = 0;
        let mut runnable = machine.advance(self.slots);
        for &task in script {
            runnable = self.step(task);
        }
        self.catch_up();
        runnable
    }

    fn step(&mut self, task: u8) -> u16 {
        self.machine.with_schedule(|cursor| {
            // Nobody asks what was touched.
            *cursor = Cursor { next: Some(task), ..Cursor::default() };
        });
        let runnable = self.machine.advance(self.slots);
        self.catch_up();
        runnable
    }

    fn key(&self) -> Fingerprint {
        self.machine.fingerprint(&Alike::default(), |tasks| self.judge.remember(tasks)).1
    }
}

/// The bursts that repeat a script, up to where it goes on with a task that cannot run.
pub(super) fn bursts_of(steps: &mut dyn Steps, script: &[u8]) -> Vec<Burst> {
    let mut bursts = Vec::new();
    let mut runnable = steps.go_to(&[]);
    for turn in script.chunk_by(|a, b| a == b) {
        for &task in turn {
            if runnable & 1 << task == 0 {
                return bursts;
            }
            runnable = steps.step(task);
        }
        bursts.extend(burst(turn[0], turn.len(), runnable & 1 << turn[0] == 0));
    }
    bursts
}

/// A turn of so many points as bursts.
pub(super) fn burst(task: u8, points: usize, blocked: bool) -> impl Iterator<Item = Burst> {
    let whole = blocked.then_some(Until::Blocked);
    let mut left = if blocked { 0 } else { points };
    let counted = std::iter::from_fn(move || {
        let part = u8::try_from(left).unwrap_or(u8::MAX);
        left -= usize::from(part);
        (part > 0).then_some(Until::Points(part))
    });
    whole.into_iter().chain(counted).map(move |until| Burst { task, until })
}
