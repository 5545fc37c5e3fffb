//! The engine: events in, reports out.
//!
//! One file per rule of the validator, each naming the kernel functions it mirrors:
//!
//! | file | rule |
//! | --- | --- |
//! | `class`, `name` | keys, instances, classes, name versions |
//! | `acquire` | the order of the checks, wait types, merging, same-class check |
//! | `mark` | usage bits, inconsistent states, irq inversion |
//! | `chain`, `memo` | the chain cache, and known acquisitions as a whole |
//! | `held`, `task` | what a task holds, and its interrupt state |
//! | `dependency` | which edge, cycle and irq-order checks |
//! | `search` | the kernel's breadth-first search |
//! | `graph`, `order`, `reach` | the graph, and proofs that a search would find nothing |
//! | `release` | release, re-acquisition, downgrade, subclass changes, leftovers |
//! | `irq` | interrupt events |
//! | `report`, `log` | what there is to say, and keeping it |
//! | `complete`, `stretch`, `cycle`, `signature` | what goes beyond the kernel |

pub mod acquire;
pub mod chain;
pub mod class;
pub mod complete;
pub mod cycle;
pub mod dependency;
pub mod graph;
pub mod held;
pub mod irq;
pub mod log;
pub mod mark;
pub mod memo;
pub mod name;
pub mod order;
pub mod reach;
pub mod release;
pub mod report;
pub mod search;
pub mod signature;
mod stretch;
pub mod task;

use super::types::*;
use chain::ChainCache;
use class::{Class, Instance, Key};
use complete::Findings;
use graph::{Edge, Graph};
use held::HeldLock;
use log::Log;
use memo::Memos;
use name::Name;
use order::Order;
use reach::Reach;
use report::Report;
use search::Search;
use task::{IrqState, SavedTask, Task};

/// The lock validator.
///
/// ```
/// use kvm_lock_fuzz::lockdep::*;
///
/// let mut lockdep = Lockdep::new(Config::default());
/// let [a, b] = ["a", "b"].map(|name| {
///     let key = lockdep.declare_key(&KeyDesc { name, ..KeyDesc::default() });
///     lockdep.declare_instance(key, 0)
/// });
/// let task = lockdep.declare_task();
/// for (site, [first, second]) in [[a, b], [b, a]].into_iter().enumerate() {
///     let site = Site(site as u32);
///     lockdep.acquire(task, &Acquire::exclusive(first, site));
///     lockdep.acquire(task, &Acquire::exclusive(second, site));
///     lockdep.release(task, second, site);
///     lockdep.release(task, first, site);
/// }
/// assert_eq!(lockdep.reports()[0].kind, Kind::Circular);
/// ```
#[derive(Debug)]
pub struct Lockdep {
    config: Config,
    /// Kernel mode has reported.
    off: bool,
    /// Stack trace token of the event being handled, and its task.
    event: Site,
    current: usize,
    names: Vec<Name>,
    /// Positions in `names`, in order of the texts.
    names_sorted: Vec<u32>,
    names_ranked: bool,
    keys: Vec<Key>,
    instances: Vec<Instance>,
    tasks: Vec<Task>,
    classes: Vec<Class>,
    graph: Graph,
    order: Order,
    reach: Reach,
    memos: Memos,
    chains: ChainCache,
    chain_elements: usize,
    chain_counts: [u32; 3],
    /// Complete mode: the chains as the kernel knows them, and whether it knew the current one.
    kernel_chains: ChainCache,
    kernel_skips: bool,
    search: Search,
    findings: Findings,
    log: Log,
    /// What the next reset has to put back.
    cached_instances: Vec<InstanceId>,
    touched_tasks: Vec<TaskId>,
    /// Instances that register their class when they are initialised.
    initialised: Vec<InstanceId>,
}

impl Lockdep {
    /// An empty validator. Its tables grow with use.
    pub fn new(config: Config) -> Self {
        Lockdep {
            config,
            off: false,
            event: Site::NEVER,
            current: 0,
            names: Vec::new(),
            names_sorted: Vec::new(),
            names_ranked: true,
            keys: Vec::new(),
            instances: Vec::new(),
            tasks: Vec::new(),
            classes: Vec::new(),
            graph: Graph::new(),
            order: Order::new(),
            reach: Reach::default(),
            memos: Memos::default(),
            chains: ChainCache::new(),
            chain_elements: 0,
            chain_counts: [0; 3],
            kernel_chains: ChainCache::new(),
            kernel_skips: false,
            search: Search::default(),
            findings: Findings::default(),
            log: Log::default(),
            cached_instances: Vec::new(),
            touched_tasks: Vec::new(),
            initialised: Vec::new(),
        }
    }

    /// Its configuration.
    pub fn config(&self) -> Config {
        self.config
    }

    /// Declares a task: interrupts on, nothing held.
    pub fn declare_task(&mut self) -> TaskId {
        self.tasks.push(Task::new(self.config.raw_lock_nesting));
        TaskId(self.tasks.len() as u32 - 1)
    }

    /// Forgets everything learned (classes, edges, chains, held locks, reports) and keeps the
    /// declarations. Takes time in proportion to what was used, and allocates nothing.
    pub fn reset(&mut self) {
        self.off = false;
        self.event = Site::NEVER;
        self.forget_classes();
        self.graph.clear();
        self.order.clear();
        self.reach.clear();
        self.memos.clear();
        self.chains.clear();
        self.kernel_chains.clear();
        self.chain_elements = 0;
        self.chain_counts = [0; 3];
        self.log.clear();
        self.findings.clear();
        self.forget_tasks();
        for i in 0..self.initialised.len() {
            self.init_instance(self.initialised[i]);
        }
    }

    /// Tasks hold nothing any more; classes, dependencies and reports stay, so that the next run adds
    /// to what is known.
    pub fn forget_tasks(&mut self) {
        for id in self.touched_tasks.drain(..) {
            self.tasks[id.index()].reset(self.config.raw_lock_nesting);
        }
    }

    /// Keeps what the task holds.
    pub fn save_task(&self, task: TaskId, saved: &mut SavedTask) {
        self.tasks[task.index()].save(saved);
    }

    /// The task holds what it held then; what has been learnt since stays.
    pub fn load_task(&mut self, task: TaskId, saved: &SavedTask) {
        self.tasks[task.index()].load(saved, self.config.raw_lock_nesting);
    }

    /// Entry of every event: nothing happens once the validator is off.
    #[inline]
    fn begin(&mut self, task: TaskId, site: Site) -> Option<(usize, u64)> {
        let t = task.index();
        if self.off || t >= self.tasks.len() {
            return None;
        }
        self.event = site;
        self.current = t;
        Some((t, self.log.events))
    }

    /// Lists a task for the next reset.
    fn touch(&mut self, t: usize) {
        if !self.tasks[t].touched {
            self.tasks[t].touched = true;
            self.tasks[t].update(self.config.raw_lock_nesting);
            self.touched_tasks.push(TaskId(t as u32));
        }
    }

    /// Nothing has been reported since the last reset, and no dependency has closed a cycle.
    pub fn is_silent(&self) -> bool {
        self.log.reports.is_empty() && self.findings.is_empty()
    }

    /// Kernel mode has reported and switched itself off.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// The held locks of a task, oldest first.
    pub fn held(&self, task: TaskId) -> &[HeldLock] {
        self.tasks.get(task.index()).map_or(&[], Task::held)
    }

    /// The interrupt state of a task.
    pub fn irq_state(&self, task: TaskId) -> IrqState {
        self.tasks.get(task.index()).map_or(IrqState::INITIAL, |task| task.irq)
    }

    /// Bytes that the tables take now, names and reports not counted.
    ///
    /// Bounded whatever the input: with all 8,192 classes, 16,384 edges (32,768 list entries of
    /// the kernel) and 65,536 chains it is below 4 MiB in kernel mode and below 7 MiB in complete
    /// mode, plus 2 KiB for each task and less than 100 bytes for each declared key and lock.
    pub fn memory(&self) -> usize {
        bytes(&self.classes)
            + bytes(&self.keys)
            + bytes(&self.instances)
            + bytes(&self.tasks)
            + self.graph.memory()
            + self.order.memory()
            + self.reach.memory()
            + self.chains.memory()
            + self.kernel_chains.memory()
            + self.memos.memory()
            + self.search.memory()
    }

    /// What was reported, in order.
    pub fn reports(&self) -> &[Report] {
        &self.log.reports
    }

    /// The identities of the registered classes, in order of registration.
    pub fn class_ids(&self) -> impl Iterator<Item = ClassId> + use<> {
        (0..self.classes.len() as u16).map(ClassId)
    }

    /// All edges, in order of insertion.
    pub fn edges(&self) -> &[Edge] {
        self.graph.edges()
    }

    /// The edges out of one class, in order of insertion.
    pub fn edges_from(&self, class: ClassId) -> impl Iterator<Item = &Edge> {
        self.graph.list(class, graph::Direction::Forward).map(|(_, edge)| edge)
    }

    /// Cached chains first seen in (process, softirq, hardirq) context.
    pub fn chain_counts(&self) -> [u32; 3] {
        self.chain_counts
    }
}

/// Bytes behind a vector.
fn bytes<T>(vector: &Vec<T>) -> usize {
    vector.capacity() * size_of::<T>()
}

#[cfg(test)]
mod tests;
