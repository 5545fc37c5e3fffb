//! Tasks that share nothing, and an observer that tells apart in which order they come.
//!
//! In cases the orders that oracles compare stand next to orders that the protocol sees itself, so
//! that the search takes both ways in any event. Here nothing else orders the tasks.

use std::collections::BTreeSet;
use std::future::Future;

use kvm_lock_fuzz::explore::{Config, Cursor, Model, Observer, Search, SearchTask, search};
use kvm_lock_fuzz::lockdep::{LockType, WaitType};
use kvm_lock_fuzz::machine::sim::{
    Ending, Fingerprint, Inspect, Object, Record, Settings, Sim, What,
};
use kvm_lock_fuzz::machine::{Build, Class, OPERATION, Srcu, Task};

const TASKS: usize = 3;

struct Passing(Srcu);

impl Model for Passing {
    type Event = u8;

    fn tasks(&self) -> usize {
        TASKS
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn set_up(&self, _: SearchTask<'_, u8>) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    async fn task(&self, t: SearchTask<'_, u8>, i: usize) {
        // As every program does: a task that has not begun is in another state.
        t.mark(OPERATION, &[0]);
        t.srcu_read_lock(self.0).await;
        t.trace(i as u8);
        t.srcu_read_unlock(self.0);
    }
}

#[derive(Default)]
struct Order {
    now: Vec<u8>,
    all: BTreeSet<Vec<u8>>,
}

impl Observer<u8> for Order {
    type Memory = Vec<u8>;

    fn begin(&mut self) {
        self.now.clear();
    }

    fn save(&self, to: &mut Vec<u8>) {
        to.clone_from(&self.now);
    }

    fn load(&mut self, from: &Vec<u8>) {
        self.now.clone_from(from);
    }

    fn touched(&self, record: &Record<u8>, touch: &mut dyn FnMut(Object, bool)) {
        if let What::Trace(_) = record.what {
            touch(Object::observed(0), true);
        }
    }

    fn follow(&mut self, _: &Inspect<'_, u8>, record: &Record<u8>) {
        if let What::Trace(task) = record.what {
            self.now.push(task);
        }
    }

    fn end(&mut self, _: &Inspect<'_, u8>, _: Option<Ending>) {}

    fn last_state(&mut self, _: Fingerprint, _: SearchTask<'_, u8>) {
        self.all.insert(self.now.clone());
    }

    fn remember(&self, tasks: &mut [Fingerprint]) {
        for (i, &task) in self.now.iter().enumerate() {
            tasks[usize::from(task)] = tasks[usize::from(task)].plus(Fingerprint::of(i as u64));
        }
    }

    fn findings(&self) -> usize {
        0
    }
}

/// The orders that such a search sees; six there are.
pub fn orders(config: Config) -> usize {
    let mut sim: Sim<Cursor, u8> = Sim::new(Cursor::default());
    let class = Class { name: "domain", wait: WaitType::Invalid, kind: LockType::Normal };
    let class = sim.class(class);
    let model = Passing(sim.srcu(class, "domain"));
    let mut run = Search::new(&model, &sim, Order::default(), config).expect("few tasks");
    assert!(search(&mut run, |_| false).is_exhausted());
    run.observer().all.len()
}
