//! What a search runs: tasks on the deterministic machine, and an observer that judges them.

use std::future::Future;

use super::cursor::Cursor;
use crate::machine::sim::{Alike, Ending, Fingerprint, Inspect, Object, Record, Settings, SimTask};

/// A task of a searched machine.
pub type SearchTask<'a, E> = SimTask<'a, Cursor, E>;

/// Programs whose schedules are searched. A run of them is a function of who runs when.
pub trait Model {
    /// Tracepoints.
    type Event;

    /// Number of tasks.
    fn tasks(&self) -> usize;
    /// Tasks with equal programs, which no final state that is asked for tells apart.
    fn alike(&self) -> Alike {
        Alike::default()
    }
    /// How runs are made.
    fn settings(&self) -> Settings;
    /// What happens before the tasks start; never waits.
    fn set_up(&self, t: SearchTask<'_, Self::Event>) -> impl Future<Output = ()>;
    /// The program of task `i`.
    fn task(&self, t: SearchTask<'_, Self::Event>, i: usize) -> impl Future<Output = ()>;
}

/// Judges runs as they go. What it has found stays over all runs.
pub trait Observer<E> {
    /// What it remembers of a run.
    type Memory: Default;

    /// A run begins.
    fn begin(&mut self);
    /// Keeps what it remembers of the run.
    fn save(&self, to: &mut Self::Memory);
    /// Goes back to an earlier moment of the run.
    fn load(&mut self, from: &Self::Memory);
    /// Its next record, before it is followed: the objects that a verdict compares here beyond those
    /// that the protocol touches, and whether it changes them.
    fn touched(&self, record: &Record<E>, touch: &mut dyn FnMut(Object, bool));
    /// Takes in the run's next record.
    fn follow(&mut self, seen: &Inspect<'_, E>, record: &Record<E>);
    /// The run was cut, or is over where `ending` says how.
    fn end(&mut self, seen: &Inspect<'_, E>, ending: Option<Ending>);
    /// What a run has left that is over: the contents of the shared locations, and who has finished.
    fn last_state(&mut self, memory: Fingerprint, t: SearchTask<'_, E>);
    /// Adds what it remembers of this run that can still change a verdict to what stands for each task.
    fn remember(&self, tasks: &mut [Fingerprint]);
    /// Number of different findings so far.
    fn findings(&self) -> usize;
}
