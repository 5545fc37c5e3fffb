//! What a search has the machine do: to begin, to make a step, to go back to a state of the path.
//!
//! A run cannot be copied whole. The search goes back by loading the machine's tables and telling the
//! tasks that have gone on what they had seen.

use std::future::Future;

use super::Cursor;
use super::config::Mistake;
use super::engine::{Search, Slots};
use super::model::{Model, Observer};
use super::sets::SetId;
use crate::machine::sim::Object;

impl<M: Model, O: Observer<M::Event>> Search<'_, M, O>
where
    M::Event: Copy,
{
    /// Starts the run.
    pub(super) fn begin<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) {
        slots.iter_mut().for_each(|slot| slot.set(None));
        let (sim, marks) = (self.sim, self.config.marks);
        sim.restart(self.model.settings(), |cursor| {
            *cursor = Cursor { marks: Some(marks), ..Cursor::default() };
        });
        sim.set_up(std::pin::pin!(self.model.set_up(sim.task(0))));
        for (i, slot) in slots.iter_mut().enumerate() {
            slot.set(Some(start(i)));
        }
        sim.start(slots.len());
        self.observer.begin();
        (self.in_place, self.followed) = (true, 0);
        self.catch_up();
    }

    /// Comes to the first state; gives the tasks that can run there.
    pub(super) fn enter<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
    ) -> u16 {
        self.begin(slots, start);
        self.before = (0..slots.len() as u8).collect();
        if !self.prelude(slots) {
            self.before.clear();
            self.begin(slots, start);
        }
        self.sim.advance(slots)
    }

    /// Brings every task before its first scheduling point. Whether none touched anything on the way:
    /// then nobody can tell in which order they came there.
    fn prelude<F: Future<Output = ()>>(&mut self, slots: &mut Slots<'_, F>) -> bool {
        (0..slots.len() as u8).all(|task| {
            self.run(slots, task);
            self.touched() == (SetId::EMPTY, 0)
        })
    }

    /// Goes back to the deepest state of the path.
    pub(super) fn return_to_path(&mut self) {
        let (machine, memory) = &self.kept[self.path.nodes.len() - 1];
        self.sim.load(machine);
        self.observer.load(memory);
        self.followed = self.sim.inspect(|seen| seen.records.len());
        self.in_place = true;
    }

    /// Keeps the state after so many steps, which the search goes below.
    pub(super) fn keep(&mut self, depth: usize) {
        if self.kept.len() <= depth {
            self.kept.resize_with(depth + 1, Default::default);
        }
        let (machine, memory) = &mut self.kept[depth];
        self.sim.save(machine);
        self.observer.save(memory);
    }

    /// The observer follows what was replayed.
    pub(super) fn catch_up(&mut self) {
        let (observer, followed) = (&mut self.observer, &mut self.followed);
        self.sim.inspect(|seen| {
            for record in &seen.records[*followed..] {
                observer.follow(seen, record);
            }
            *followed = seen.records.len();
        });
    }

    /// Lets the machine make that step; gives the tasks that can run then.
    pub(super) fn run<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        task: u8,
    ) -> u16 {
        self.sim.with_schedule(|cursor| {
            cursor.next = Some(task);
            cursor.touched.clear();
            cursor.taken.clear();
            cursor.woken = 0;
        });
        self.counts.steps += 1;
        self.sim.stamp(task, self.counts.steps);
        self.sim.advance(slots)
    }

    /// What the step touched, observers included, and whom it woke.
    pub(super) fn touched(&mut self) -> (SetId, u16) {
        let (mut touched, woken) = self.sim.with_schedule(|cursor| {
            cursor.touched.extend(cursor.taken.drain(..).map(|object| (object, true)));
            (std::mem::take(&mut cursor.touched), cursor.woken)
        });
        let (observer, followed) = (&mut self.observer, &mut self.followed);
        self.sim.inspect(|seen| {
            for record in &seen.records[*followed..] {
                let mut touch = |object: Object, changed| touched.push((object, changed));
                observer.touched(record, &mut touch);
                observer.follow(seen, record);
            }
            *followed = seen.records.len();
        });
        if let Some(mistake) = self.config.mistake {
            mistake.spoil(&mut touched);
        }
        touched.iter_mut().for_each(|(object, _)| *object = self.alike.object(*object));
        let set = self.sets.of(&touched);
        self.sim.with_schedule(|cursor| cursor.touched = touched);
        let woken = if self.config.mistake == Some(Mistake::Wakes) { 0 } else { woken };
        (set, woken)
    }

    /// Keeps the schedule where it showed a finding or taught the validator a dependency.
    pub(super) fn note_news(&mut self) {
        let edges = self.sim.inspect(|seen| seen.lockdep.edges().len());
        let (before, path) = (&self.before, &self.path);
        let script = || -> Vec<u8> {
            before.iter().copied().chain(path.steps.iter().map(|step| step.task)).collect()
        };
        while self.shown.len() < self.observer.findings() {
            self.shown.push(script());
        }
        if edges > self.edges {
            self.edges = edges;
            self.taught.push(script());
        }
    }
}
