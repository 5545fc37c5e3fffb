//! The validator once more, from its specification, in the plainest way: lists, searches, no
//! caches but the one that is behaviour. Shares nothing with the engine but the script language.
//!
//! [`check_bytes`] runs both on a decoded script and panics where they differ.
//!
//! One file for each job: `class`, `acquire`, `usage`, `search`, `edge`, `release` and `irq` decide,
//! `text` says it, `compare` holds it against the engine.

mod acquire;
mod class;
pub mod compare;
mod edge;
mod irq;
mod release;
mod search;
mod text;
mod usage;

use std::collections::BTreeSet;

use kvm_lock_fuzz::lockdep::script::{Decl, Op, Script};

pub use compare::check_bytes;

/// Fired: the validator is off.
struct Fired;
type Step = Result<(), Fired>;

const MAX_DEPTH: usize = 48;
const USED_IN: u16 = 0x33;
const ENABLED: u16 = 0xcc;
const WRITE: u16 = 0x55;

#[derive(Clone)]
struct Entry {
    class: usize,
    kinds: u8,
    trace: usize,
}

struct Class {
    key: usize,
    subclass: u8,
    version: u32,
    usage: u16,
    traces: [usize; 10],
    after: Vec<Entry>,
    before: Vec<Entry>,
}

#[derive(Clone)]
struct Held {
    class: usize,
    lock: usize,
    at: usize,
    nest: Option<usize>,
    read: u8,
    trylock: bool,
    check: bool,
    sync: bool,
    hardirqs_off: bool,
    context: u8,
    references: u32,
    previous: Vec<(usize, u8)>,
}

#[derive(Clone, Default)]
struct Change {
    stamp: u32,
    event: Option<usize>,
}

#[derive(Clone, Default)]
struct Task {
    stack: Vec<Held>,
    chain: Vec<(usize, u8)>,
    hardirqs_off: bool,
    softirqs_off: bool,
    hardirq_depth: u32,
    softirq_depth: u32,
    softirq_count: u32,
    threaded: bool,
    on_before: Vec<bool>,
    events: u32,
    hard_on: Change,
    hard_off: Change,
    soft_on: Change,
    soft_off: Change,
}

/// What was reported.
pub struct Verdict {
    pub kind: &'static str,
    pub at: usize,
    pub chain: Vec<String>,
    pub report: String,
}

/// The slow validator.
pub struct Reference<'a> {
    script: &'a Script,
    raw: bool,
    classes: Vec<Class>,
    cache: Vec<[Option<usize>; 2]>,
    tasks: Vec<Task>,
    chains: BTreeSet<Vec<(usize, u8)>>,
    chain_counts: [u32; 3],
    event: usize,
    task: usize,
    verdict: Option<Verdict>,
}

impl<'a> Reference<'a> {
    /// Runs a whole script.
    pub fn run(script: &'a Script, raw: bool) -> Self {
        let mut reference = Reference {
            script,
            raw,
            classes: Vec::new(),
            cache: vec![[None; 2]; script.locks.len()],
            tasks: vec![Task::default(); script.tasks.len()],
            chains: BTreeSet::new(),
            chain_counts: [0; 3],
            event: 0,
            task: 0,
            verdict: None,
        };
        for decl in &script.decl {
            if let Decl::Lock(lock) = *decl {
                let declared = &script.locks[lock];
                if declared.subclass != 0 {
                    let class = reference.find_or_register(declared.class, declared.subclass);
                    reference.cache[lock][0] = Some(class);
                }
            }
        }
        for (n, event) in script.events.iter().enumerate() {
            reference.event = n;
            reference.task = event.task;
            if reference.op(event.op).is_err() {
                break;
            }
        }
        reference
    }

    fn me(&mut self) -> &mut Task {
        &mut self.tasks[self.task]
    }

    fn stack(&self) -> &[Held] {
        &self.tasks[self.task].stack
    }

    fn op(&mut self, op: Op) -> Step {
        match op {
            Op::Acquire(args) => self.acquire_event(&args, false),
            Op::Sync(args) => self.acquire_event(&args, true),
            Op::Release(lock) => self.release(lock),
            Op::Downgrade(lock) => {
                let at = self.find(lock)?;
                let event = self.event;
                self.me().stack[at].read = 1;
                self.me().stack[at].at = event;
                self.again(at, at)
            }
            Op::SetSubclass(lock, subclass) => {
                let at = self.find(lock)?;
                self.cache[lock] = [None; 2];
                let class = self.class(lock, subclass)?;
                self.me().stack[at].class = class;
                self.again(at, at)
            }
            Op::Free(lock) => match self.stack().iter().find(|h| h.lock == lock).cloned() {
                Some(held) => self.report_freed(&held),
                None => Ok(()),
            },
            Op::UserExit if !self.stack().is_empty() => self.report_user_held(),
            Op::TaskExit if !self.stack().is_empty() => self.report_exit_held(),
            Op::UserExit | Op::TaskExit => Ok(()),
            op => self.irq_event(op),
        }
    }
}
