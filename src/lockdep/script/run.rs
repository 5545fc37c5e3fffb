//! Running a script through the engine, with the vectors' stand-ins for addresses and traces.

use super::super::engine::Lockdep;
use super::super::engine::report::Report;
use super::super::render::{Form, Symbols, render};
use super::super::types::{Acquire, Config, InstanceId, KeyDesc, KeyId, Site, TaskId};
use super::{AcquireArgs, Decl, Event, Op, ReadMode, Script};

/// Addresses, symbols and traces as functions of the numbers in a script.
#[derive(Clone, Copy, Debug)]
pub struct ScriptSymbols<'a>(pub &'a Script);

impl Symbols for ScriptSymbols<'_> {
    fn comm(&self, task: TaskId) -> String {
        self.0.tasks.get(task.index()).map_or_else(String::new, |task| task.comm.clone())
    }

    fn pid(&self, task: TaskId) -> i64 {
        self.0.tasks.get(task.index()).map_or(0, |task| task.pid)
    }

    fn instance_address(&self, instance: InstanceId) -> u64 {
        0xffff_8880_0000_0000 + instance.index() as u64 * 0x100
    }

    fn key_address(&self, key: KeyId, subclass: u8) -> u64 {
        0xffff_ffff_8200_0000 + key.index() as u64 * 0x10 + u64::from(subclass)
    }

    fn key_symbol(&self, key: KeyId, subclass: u8) -> String {
        let id = self.0.classes.get(key.index()).map_or("?", |class| &class.id);
        format!("key_{id}+0x{subclass:x}/0x10")
    }

    fn site_address(&self, site: Site) -> u64 {
        if site == Site::NEVER { 0 } else { 0x1000 + u64::from(site.0) }
    }

    fn site_symbol(&self, site: Site) -> String {
        if site == Site::NEVER { "0x0".to_owned() } else { format!("ev{}", site.0) }
    }
}

/// An engine after a script.
#[derive(Debug)]
pub struct Outcome {
    /// The engine with its reports and its state.
    pub lockdep: Lockdep,
    /// Event of each report.
    pub at: Vec<usize>,
}

impl Outcome {
    /// The first report and the event that fired it.
    pub fn first(&self) -> Option<(&Report, usize)> {
        self.lockdep.reports().first().zip(self.at.first().copied())
    }

    /// Text of a report.
    pub fn text(&self, script: &Script, report: &Report, form: Form) -> String {
        render(&self.lockdep, report, &ScriptSymbols(script), form)
    }
}

/// Runs a script from an empty validator.
pub fn run(script: &Script, config: Config) -> Outcome {
    let mut lockdep = Lockdep::new(config);
    declare(&mut lockdep, script);
    let mut at = Vec::new();
    for (n, event) in script.events.iter().enumerate() {
        step(&mut lockdep, event, Site(n as u32));
        at.resize(lockdep.reports().len(), n);
        if lockdep.is_off() {
            break;
        }
    }
    Outcome { lockdep, at }
}

/// Declares everything in a script's order.
pub fn declare(lockdep: &mut Lockdep, script: &Script) {
    for decl in &script.decl {
        match *decl {
            Decl::Class(n) => {
                let class = &script.classes[n];
                let (inner, outer, lock_type) = (class.inner, class.outer, class.lock_type);
                lockdep.declare_key(&KeyDesc { name: &class.name, inner, outer, lock_type });
            }
            Decl::Lock(n) => {
                let lock = &script.locks[n];
                lockdep.declare_instance(KeyId(lock.class as u32), lock.subclass);
            }
            Decl::Task(_) => {
                lockdep.declare_task();
            }
        }
    }
}

/// Feeds one event; true if it had something to report.
pub fn step(lockdep: &mut Lockdep, event: &Event, site: Site) -> bool {
    let task = TaskId(event.task as u32);
    let lock = |n: usize| InstanceId(n as u32);
    match event.op {
        Op::Acquire(args) => {
            let acquire = acquire(lockdep, task, &args, site);
            lockdep.acquire(task, &acquire)
        }
        Op::Sync(args) => {
            let acquire = acquire(lockdep, task, &args, site);
            lockdep.sync(task, &acquire)
        }
        Op::Release(n) => lockdep.release(task, lock(n), site),
        Op::Downgrade(n) => lockdep.downgrade(task, lock(n), site),
        Op::SetSubclass(n, subclass) => lockdep.set_subclass(task, lock(n), subclass, site),
        Op::Free(n) => lockdep.free(task, lock(n), site),
        Op::HardirqsOff => lockdep.hardirqs_off(task, site),
        Op::HardirqsOn => lockdep.hardirqs_on(task, site),
        Op::SoftirqsOff => lockdep.softirqs_off(task, site),
        Op::SoftirqsOn => lockdep.softirqs_on(task, site),
        Op::HardirqEnter(threaded) => lockdep.hardirq_enter(task, threaded, site),
        Op::HardirqExit => lockdep.hardirq_exit(task, site),
        Op::SoftirqEnter => lockdep.softirq_enter(task, site),
        Op::SoftirqExit => lockdep.softirq_exit(task, site),
        Op::UserExit => lockdep.user_exit(task, site),
        Op::TaskExit => lockdep.task_exit(task, site),
    }
}

fn acquire(lockdep: &Lockdep, task: TaskId, args: &AcquireArgs, site: Site) -> Acquire {
    Acquire {
        instance: InstanceId(args.lock as u32),
        subclass: args.subclass,
        read: match args.mode {
            ReadMode::Plain(read) => read,
            ReadMode::Queued => lockdep.queued_read(task),
        },
        trylock: args.trylock,
        check: args.check,
        nest: args.nest.map(|n| InstanceId(n as u32)),
        site,
    }
}
