//! What a search says of itself where it has not covered everything.

use std::cell::Cell;
use std::future::Future;

use kvm_lock_fuzz::explore::{
    Config, Coverage, Cursor, Model, Observer, Reduction, Search, SearchTask, TooManyTasks, search,
};
use kvm_lock_fuzz::machine::sim::{Ending, Fingerprint, Inspect, Object, Record, Settings, Sim};
use kvm_lock_fuzz::machine::{Build, Guard, MAX_TASKS, OPERATION, Task, Words};

/// What tasks do.
#[derive(Clone, Copy)]
enum Program {
    /// One step.
    Short,
    /// Comes back to where it was, for ever.
    Loops,
    /// Reads a counter that is no part of the machine, and then that word.
    Strays(&'static std::thread::LocalKey<Cell<u64>>),
    /// The same, and writes what it read.
    Tells(&'static std::thread::LocalKey<Cell<u64>>),
}

struct Tasks {
    tasks: usize,
    program: Program,
    max_points: u32,
    words: Words,
}

impl Model for Tasks {
    type Event = ();

    fn tasks(&self) -> usize {
        self.tasks
    }

    fn settings(&self) -> Settings {
        Settings { max_points: self.max_points, ..Settings::default() }
    }

    async fn set_up(&self, _: SearchTask<'_, ()>) {}

    fn task(&self, t: SearchTask<'_, ()>, _: usize) -> impl Future<Output = ()> {
        self.run(t)
    }
}

impl Tasks {
    async fn run(&self, t: SearchTask<'_, ()>) {
        t.mark(OPERATION, &[0]);
        let word = self.words.at(0);
        match self.program {
            Program::Short => t.write(word, 1).await,
            Program::Loops => loop {
                t.write(word, 0).await;
                t.mark(OPERATION, &[0]);
            },
            Program::Strays(counter) => {
                _ = t.read(self.words.at(next(counter) as usize % 2)).await;
                _ = t.read(word).await;
            }
            Program::Tells(counter) => t.write(word, next(counter)).await,
        }
    }
}

fn next(counter: &'static std::thread::LocalKey<Cell<u64>>) -> u64 {
    counter.set(counter.get() + 1);
    counter.get()
}

struct Nothing;

impl Observer<()> for Nothing {
    type Memory = ();

    fn begin(&mut self) {}
    fn save(&self, (): &mut ()) {}
    fn load(&mut self, (): &()) {}
    fn touched(&self, _: &Record<()>, _: &mut dyn FnMut(Object, bool)) {}
    fn follow(&mut self, _: &Inspect<'_, ()>, _: &Record<()>) {}
    fn end(&mut self, _: &Inspect<'_, ()>, _: Option<Ending>) {}
    fn last_state(&mut self, _: Fingerprint, _: SearchTask<'_, ()>) {}
    fn remember(&self, _: &mut [Fingerprint]) {}

    fn findings(&self) -> usize {
        0
    }
}

/// Searches that many tasks, up to so many steps.
fn covered(
    tasks: usize,
    program: Program,
    max_points: u32,
    config: Config,
    steps: u64,
) -> Result<Coverage, TooManyTasks> {
    let mut sim: Sim<Cursor, ()> = Sim::new(Cursor::default());
    let words = sim.words(2, Guard { lock: None, lockless: true });
    let model = Tasks { tasks, program, max_points, words };
    let mut run = Search::new(&model, &sim, Nothing, config)?;
    Ok(search(&mut run, |run| run.progress().counts.steps >= steps))
}

fn of(tasks: usize, program: Program) -> Result<Coverage, TooManyTasks> {
    covered(tasks, program, u32::MAX, Config::default(), 10_000)
}

#[test]
fn a_search_says_what_it_covered() {
    assert_eq!(of(2, Program::Short), Ok(Coverage::Exhausted));
    let stopped = covered(4, Program::Short, u32::MAX, Config::default(), 5);
    assert_eq!(stopped, Ok(Coverage::Stopped));
    assert_eq!(of(2, Program::Loops), Ok(Coverage::Cycles));
    let bounded = Config::bounded(Some(0));
    let bounded = covered(3, Program::Short, u32::MAX, bounded, 10_000);
    assert_eq!(bounded, Ok(Coverage::Exhausted), "tasks of one step need no preemption");
}

/// A run that is cut is neither a loop nor an end, whatever is reduced.
#[test]
fn runs_that_are_cut_are_told() {
    let all = [Reduction::Full, Reduction::States, Reduction::None];
    for reduction in all {
        let config = Config { reduction, ..Config::default() };
        assert_eq!(covered(2, Program::Short, 2, config, 10_000), Ok(Coverage::Points));
    }
    let plain = Config { reduction: Reduction::None, ..Config::default() };
    assert_eq!(covered(1, Program::Loops, 50, plain, 10_000), Ok(Coverage::Points));
    let bounded = Config::bounded(Some(1));
    assert_eq!(covered(1, Program::Short, 1, bounded, 10_000), Ok(Coverage::Points));
}

#[test]
fn more_tasks_than_fit_are_an_error() {
    assert_eq!(of(MAX_TASKS + 1, Program::Short), Err(TooManyTasks(MAX_TASKS + 1)));
    let most = covered(MAX_TASKS, Program::Short, u32::MAX, Config::default(), 100);
    assert_eq!(most, Ok(Coverage::Stopped));
    assert_eq!(TooManyTasks(17).to_string(), "17 tasks; a search has room for 16");
}

#[test]
fn what_is_no_part_of_the_machine_is_noticed() {
    thread_local! { static COUNTER: Cell<u64> = const { Cell::new(0) }; }
    for tasks in 1..4 {
        assert_eq!(of(tasks, Program::Strays(&COUNTER)), Ok(Coverage::Strayed), "{tasks} tasks");
        assert_eq!(of(tasks, Program::Tells(&COUNTER)), Ok(Coverage::Strayed), "{tasks} tasks");
    }
}
