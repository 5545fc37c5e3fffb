//! Where scheduling points stand, as `--points` says: with `needed` before the steps whose order can
//! matter, with `all` before every acquire and access; never at releases and lock maps.

use std::pin::Pin;

use kvm_lock_fuzz::case::{Schedule, Tail};
use kvm_lock_fuzz::machine::sim::{Settings, Sim};
use kvm_lock_fuzz::machine::{
    Build, Guard, LockMap, Mutex, RwLock, RwSem, SpinLock, Srcu, Task, Word,
};
use kvm_lock_fuzz::schedule::Bursts;

use super::program::{Machine, Me, Running, sleeping, spinning};

/// What steps work on.
#[derive(Clone, Copy)]
struct World {
    mutex: Mutex,
    spin: SpinLock,
    rwlock: RwLock,
    rwsem: RwSem,
    map: LockMap,
    srcu: Srcu,
    /// Guarded by the mutex; the second is also read locklessly. The third has no guard.
    words: [Word; 3],
}

fn world() -> (Machine, World) {
    let mut machine = Sim::new(Bursts::default());
    let classes = ["m", "r", "l", "s"].map(|name| sleeping(&mut machine, name));
    let [spins, queues] = ["p", "q"].map(|name| spinning(&mut machine, name));
    let mutex = machine.mutex(classes[0]);
    let word =
        |machine: &mut Machine, lock, lockless| machine.words(1, Guard { lock, lockless }).at(0);
    let words = [
        word(&mut machine, Some(mutex.0), false),
        word(&mut machine, Some(mutex.0), true),
        word(&mut machine, None, true),
    ];
    let world = World {
        mutex,
        spin: machine.spinlock(spins),
        rwlock: machine.rwlock(queues),
        rwsem: machine.rwsem(classes[1]),
        map: machine.lock_map(classes[2]),
        srcu: machine.srcu(classes[3], "s"),
        words,
    };
    (machine, world)
}

type Steps = for<'a> fn(Me<'a>, World) -> Running<'a>;

/// Scheduling points of a task that does that and nothing else.
fn points(steps: Steps, all_points: bool) -> u32 {
    let (mut machine, world) = world();
    let plan = Schedule { bursts: Vec::new(), tail: Tail::Fair };
    let settings = Settings { all_points, ..Settings::default() };
    machine.reset(settings, |schedule| schedule.plan(&plan));
    let machine = &machine;
    let mut task = Some(steps(machine.task(0), world));
    machine.run(&mut [Pin::new(&mut task)]);
    machine.inspect(|seen| seen.points)
}

/// A table: what is done, its points with `needed` and with `all`, the steps.
macro_rules! steps {
    ($($what:literal, $needed:literal, $all:literal: |$me:ident, $world:ident| $steps:expr;)*) => {
        [$(($what, ($needed, $all), (|$me, $world| Box::pin(async move { $steps; })) as Steps),)*]
    };
}

#[test]
fn points_stand_where_the_help_says() {
    let expected = steps! {
        "mutex", 1, 1: |t, w| { t.mutex_lock(w.mutex).await; t.mutex_unlock(w.mutex) };
        "spinlock", 1, 1: |t, w| { t.spin_lock(w.spin).await; t.spin_unlock(w.spin) };
        "rwlock", 1, 1: |t, w| { t.read_lock(w.rwlock).await; t.read_unlock(w.rwlock) };
        "rwsem", 1, 1: |t, w| { t.down_read(w.rwsem).await; t.up_read(w.rwsem) };
        "srcu", 1, 1: |t, w| { t.srcu_read_lock(w.srcu).await; t.srcu_read_unlock(w.srcu) };
        "lock map", 0, 0: |t, w| { t.lock_map_acquire(w.map); t.lock_map_release(w.map) };
        "no guard", 1, 1: |t, w| t.read(w.words[2]).await;
        "guard not held", 1, 1: |t, w| t.read(w.words[0]).await;
        "guard held", 1, 3: |t, w| {
            t.mutex_lock(w.mutex).await;
            t.read(w.words[0]).await;
            t.write(w.words[0], 1).await;
            t.mutex_unlock(w.mutex)
        };
        "guard held, read locklessly elsewhere", 2, 3: |t, w| {
            t.mutex_lock(w.mutex).await;
            t.read(w.words[1]).await;
            t.write(w.words[1], 1).await;
            t.mutex_unlock(w.mutex)
        };
    };
    for (what, (needed, all), steps) in expected {
        assert_eq!((points(steps, false), points(steps, true)), (needed, all), "{what}");
    }
}
