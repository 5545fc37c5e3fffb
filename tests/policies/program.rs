//! Tiny programs on the machine: a world of a few objects, tasks as closures, a schedule of bursts,
//! and a log of what the tasks say.

use std::pin::Pin;

use kvm_lock_fuzz::case::{Burst, Schedule, Tail, Until};
use kvm_lock_fuzz::kvm::Place;
use kvm_lock_fuzz::lockdep::{LockType, WaitType};
use kvm_lock_fuzz::machine::sim::{Alarm, Doom, Ending, Inspect, Settings, Sim, SimTask, What};
use kvm_lock_fuzz::machine::{Build, Class, Policy, Task};
use kvm_lock_fuzz::schedule::Bursts;

/// What a task says: its number and a word.
pub type Said = (u8, &'static str);
pub type Machine = Sim<Bursts, Said>;
pub type Me<'a> = SimTask<'a, Bursts, Said>;
pub type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Where a task stops for its burst to end.
pub const STOP: Place = Place::Op;

/// A task says something.
pub fn say(me: Me<'_>, word: &'static str) {
    me.trace((me.id() as u8, word));
}

/// The task stops here if its burst ends here.
pub async fn stop(me: Me<'_>) {
    me.place(STOP as u8).await;
}

pub fn until_stop(task: u8) -> Burst {
    Burst { task, until: Until::Place(STOP) }
}

pub fn until_blocked(task: u8) -> Burst {
    Burst { task, until: Until::Blocked }
}

pub fn points(task: u8, points: u8) -> Burst {
    Burst { task, until: Until::Points(points) }
}

/// A class of sleeping locks.
pub fn sleeping(machine: &mut Machine, name: &'static str) -> u16 {
    machine.class(Class { name, wait: WaitType::Sleep, kind: LockType::Normal })
}

/// A class of spinning locks.
pub fn spinning(machine: &mut Machine, name: &'static str) -> u16 {
    machine.class(Class { name, wait: WaitType::Config, kind: LockType::Normal })
}

/// How a run went.
#[derive(Debug, PartialEq, Eq)]
pub struct Went {
    pub said: Vec<Said>,
    pub ending: Ending,
    /// Tasks found to be stuck, and how.
    pub stuck: Vec<(u8, Doom)>,
    /// Writers passed by readers.
    pub bypassed: Vec<u8>,
    pub slept_in_atomic: usize,
}

/// What every task does, by its number.
pub fn program<F: for<'a> Fn(Me<'a>) -> Running<'a>>(program: F) -> F {
    program
}

/// Runs `tasks` tasks; `bursts`, then fairly to the end.
pub fn run(
    machine: &mut Machine,
    policy: Policy,
    bursts: &[Burst],
    tasks: usize,
    program: impl for<'a> Fn(Me<'a>) -> Running<'a>,
) -> Went {
    let plan = Schedule { bursts: bursts.to_vec(), tail: Tail::Fair };
    machine.reset(Settings { policy, ..Settings::default() }, |schedule| schedule.plan(&plan));
    let machine = &*machine;
    let mut slots: Vec<Option<Running<'_>>> =
        (0..tasks).map(|id| Some(program(machine.task(id as u8)))).collect();
    let mut pinned: Vec<_> = slots.iter_mut().map(Pin::new).collect();
    let ending = machine.run(&mut pinned);
    machine.inspect(|seen| went(seen, ending))
}

fn went(seen: &Inspect<'_, Said>, ending: Ending) -> Went {
    let (said, stuck, bypassed) = (Vec::new(), Vec::new(), Vec::new());
    let mut went = Went { said, ending, stuck, bypassed, slept_in_atomic: 0 };
    for record in seen.records {
        match record.what {
            What::Trace(words) => went.said.push(words),
            What::Alarm(Alarm::Stuck(doom, _)) => went.stuck.push((record.task, doom)),
            What::Alarm(Alarm::Bypassed(_)) => went.bypassed.push(record.task),
            What::Alarm(Alarm::SleepInAtomic { .. }) => went.slept_in_atomic += 1,
            _ => {}
        }
    }
    went
}

impl Went {
    /// The tasks that said `word`, in order.
    pub fn who(&self, word: &str) -> Vec<u8> {
        self.said.iter().filter(|said| said.1 == word).map(|said| said.0).collect()
    }
}
