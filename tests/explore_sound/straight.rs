//! Small random programs that no kernel has: steps on a few locations and locks, where every order can
//! be enumerated in no time. In some, so much is touched that two objects share a bit of the search's
//! sets; in some, tasks forget, so that different orders come to one state.

use std::collections::BTreeSet;
use std::future::Future;

use kvm_lock_fuzz::explore::{
    Config, Counts, Coverage, Cursor, Model, Observer, Search, SearchTask, search,
};
use kvm_lock_fuzz::lockdep::{LockType, WaitType};
use kvm_lock_fuzz::machine::sim::{
    Alike, Ending, Fingerprint, Inspect, Object, Record, Settings, Sim, What,
};
use kvm_lock_fuzz::machine::{Build, Class, Guard, Mutex, OPERATION, Task, Word, Words};
use kvm_lock_fuzz::prng::Prng;

/// The locations that programs use.
const WORDS: usize = 4;
/// Objects of an observer that all bits of a set but one go to, where one location has its bit already:
/// what is touched next shares the bit of that.
const CROWD: u16 = 511;

/// A step of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes what it reads at the first, and that much more, to the second.
    Copy(usize, usize, u64),
    Write(usize, u64),
    /// The rest of the program holds the lock.
    Lock(usize),
}

/// Programs, one for each task.
#[derive(Clone, Debug)]
pub struct Programs {
    pub tasks: Vec<Vec<Op>>,
    /// The first task begins with a look that an observer compares with many objects.
    pub crowded: bool,
    /// After each step a task remembers only how far it is.
    pub forgetful: bool,
}

impl Programs {
    pub fn random(prng: &mut Prng) -> Programs {
        let shape = Shape {
            words: 2 + prng.below(WORDS as u32 - 1),
            values: 1 + prng.below(3),
            locks: prng.below(3),
        };
        let tasks = 2 + prng.below(4);
        let most = if tasks > 3 { 2 } else { 3 };
        let program = |prng: &mut Prng| -> Vec<Op> {
            (0..=prng.below(most)).map(|_| shape.op(prng)).collect()
        };
        let mut tasks: Vec<Vec<Op>> = (0..tasks).map(|_| program(prng)).collect();
        for i in 1..tasks.len() {
            if prng.below(4) == 0 {
                tasks[i] = tasks[i - 1].clone();
            }
        }
        Programs { tasks, crowded: prng.below(4) == 0, forgetful: prng.below(2) == 0 }
    }
}

/// Programs in which a search goes wrong that is a little careless with states that it has known with
/// other tasks asleep: rare among random ones.
pub fn hard() -> Vec<Programs> {
    use Op::{Copy, Lock, Write};
    let forgetful = |tasks| Programs { tasks, crowded: false, forgetful: true };
    vec![
        // A task that slept at the first visit has to be tried at a later one.
        forgetful(vec![
            vec![Write(0, 6)],
            vec![Copy(1, 2, 0), Write(1, 5)],
            vec![Copy(0, 0, 0), Lock(0)],
            vec![Copy(1, 2, 1), Copy(0, 1, 0)],
            vec![Copy(1, 0, 1)],
        ]),
        // What is known below a state races with the path also where tasks are tried there again.
        forgetful(vec![
            vec![Copy(0, 1, 2)],
            vec![Write(2, 6), Copy(1, 0, 1)],
            vec![Write(2, 6), Copy(1, 0, 1)],
            vec![Write(1, 5), Copy(0, 3, 2)],
        ]),
        // What races may have to wait for others that come before it.
        forgetful(vec![
            vec![Copy(2, 0, 0), Copy(1, 2, 1)],
            vec![Copy(2, 1, 0), Write(2, 5)],
            vec![Write(1, 5)],
            vec![Write(2, 5)],
            vec![Write(0, 5), Lock(0)],
        ]),
    ]
}

/// How much there is to choose from.
struct Shape {
    words: u32,
    values: u32,
    locks: u32,
}

impl Shape {
    fn op(&self, prng: &mut Prng) -> Op {
        let word = |prng: &mut Prng| prng.below(self.words) as usize;
        match prng.below(4 + self.locks.min(1)) {
            0 | 1 => Op::Copy(word(prng), word(prng), u64::from(prng.below(3))),
            2 | 3 => Op::Write(word(prng), 5 + u64::from(prng.below(self.values))),
            _ => Op::Lock(prng.below(self.locks) as usize),
        }
    }
}

struct Straight<'p> {
    programs: &'p Programs,
    words: Words,
    locks: [Mutex; 2],
}

impl Model for Straight<'_> {
    type Event = ();

    fn tasks(&self) -> usize {
        self.programs.tasks.len()
    }

    fn alike(&self) -> Alike {
        let Programs { tasks, crowded, .. } = self.programs;
        Alike::of(tasks.len(), |a, b| tasks[a] == tasks[b] && !(*crowded && a.min(b) == 0))
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    async fn set_up(&self, _: SearchTask<'_, ()>) {}

    fn task(&self, t: SearchTask<'_, ()>, i: usize) -> impl Future<Output = ()> {
        self.run(t, i)
    }
}

impl Straight<'_> {
    async fn run(&self, t: SearchTask<'_, ()>, i: usize) {
        t.mark(OPERATION, &[0]);
        if self.programs.crowded && i == 0 {
            t.read(self.words.at(0)).await;
            t.trace(());
        }
        let mut held = [false; 2];
        for (at, &op) in self.programs.tasks[i].iter().enumerate() {
            if self.programs.forgetful {
                t.mark(OPERATION, &[1, at as u64]);
            }
            match op {
                Op::Copy(from, to, more) => {
                    let value = t.read(self.words.at(from)).await;
                    t.write(self.words.at(to), value + more).await;
                }
                Op::Write(to, value) => t.write(self.words.at(to), value).await,
                Op::Lock(lock) if !held[lock] => {
                    held[lock] = true;
                    t.mutex_lock(self.locks[lock]).await;
                }
                Op::Lock(_) => {}
            }
        }
        for lock in (0..2).filter(|&lock| held[lock]) {
            t.mutex_unlock(self.locks[lock]);
        }
    }
}

/// Keeps how runs end.
#[derive(Default)]
struct Ends(BTreeSet<Fingerprint>);

impl Observer<()> for Ends {
    type Memory = ();

    fn begin(&mut self) {}
    fn save(&self, (): &mut ()) {}
    fn load(&mut self, (): &()) {}
    fn touched(&self, record: &Record<()>, touch: &mut dyn FnMut(Object, bool)) {
        if let What::Trace(()) = record.what {
            (0..CROWD).for_each(|id| touch(Object::observed(id), false));
        }
    }

    fn follow(&mut self, _: &Inspect<'_, ()>, _: &Record<()>) {}
    fn end(&mut self, _: &Inspect<'_, ()>, _: Option<Ending>) {}

    fn last_state(&mut self, memory: Fingerprint, t: SearchTask<'_, ()>) {
        // An observer may look: that is no part of the run.
        t.peek(Word(0));
        self.0.insert(memory);
    }

    fn remember(&self, _: &mut [Fingerprint]) {}

    fn findings(&self) -> usize {
        0
    }
}

/// How runs end, if all can be seen in so many steps, and what that took.
pub fn ends(
    programs: &Programs,
    config: Config,
    steps: u64,
) -> Option<(BTreeSet<Fingerprint>, Counts)> {
    let (covered, ends, counts) = searched(programs, config, steps);
    covered.is_exhausted().then_some((ends, counts))
}

/// Runs to the end, within all bounds on preemptions up to that of `config`.
pub fn complete(programs: &Programs, config: Config) -> u64 {
    let (covered, _, counts) = searched(programs, config, u64::MAX);
    assert!(matches!(covered, Coverage::Exhausted | Coverage::Preemptions));
    counts.complete
}

fn searched(
    programs: &Programs,
    config: Config,
    steps: u64,
) -> (Coverage, BTreeSet<Fingerprint>, Counts) {
    let mut sim: Sim<Cursor, ()> = Sim::new(Cursor::default());
    let class = |name| Class { name, wait: WaitType::Sleep, kind: LockType::Normal };
    let locks = ["one", "other"].map(|name| sim.class(class(name)));
    let locks = locks.map(|class| sim.mutex(class));
    let words = sim.words(WORDS, Guard { lock: None, lockless: true });
    let model = Straight { programs, words, locks };
    let mut run = Search::new(&model, &sim, Ends::default(), config).expect("few tasks");
    let covered = search(&mut run, |run| run.progress().counts.steps > steps);
    let counts = run.progress().counts;
    (covered, run.observer().0.clone(), counts)
}

/// Schedules of tasks with that many steps each and up to so many preemptions, counted one by one.
pub fn schedules(left: &mut [usize], last: Option<usize>, preemptions: usize) -> u64 {
    if left.iter().all(|&left| left == 0) {
        return 1;
    }
    let mut all = 0;
    for task in 0..left.len() {
        let preempts = last.is_some_and(|last| last != task && left[last] > 0);
        if left[task] == 0 || preempts && preemptions == 0 {
            continue;
        }
        left[task] -= 1;
        all += schedules(left, Some(task), preemptions - usize::from(preempts));
        left[task] += 1;
    }
    all
}
