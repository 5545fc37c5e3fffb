//! Mutexes, spinlocks and rwlocks: no policy reaches them.

use kvm_lock_fuzz::case::Burst;
use kvm_lock_fuzz::machine::sim::{Doom, Ending, Sim};
use kvm_lock_fuzz::machine::{Build, LockId, Mode, Policy, Task};
use kvm_lock_fuzz::schedule::Bursts;

use super::program::{
    Machine, Went, program, run, say, sleeping, spinning, stop, until_blocked, until_stop,
};

/// Each task takes the lock as its letter says, stops while it holds it, releases it.
fn queue(machine: &mut Machine, lock: LockId, policy: Policy, modes: &'static str) -> Went {
    let program = program(move |me| {
        Box::pin(async move {
            let read = modes.as_bytes()[me.id()] == b'r';
            me.acquire(lock, if read { Mode::Read } else { Mode::Write }).await;
            say(me, "in");
            stop(me).await;
            me.release(lock);
        })
    });
    let mut bursts: Vec<Burst> = vec![until_stop(0)];
    bursts.extend((1..modes.len() as u8).map(until_blocked));
    bursts.push(until_blocked(0));
    run(machine, policy, &bursts, modes.len(), program)
}

#[test]
fn a_waiting_writer_holds_back_readers_of_an_rwlock_under_every_policy() {
    let mut machine = Sim::new(Bursts::default());
    let class = spinning(&mut machine, "rwlock");
    let lock = machine.rwlock(class);
    for policy in Policy::ALL {
        let went = queue(&mut machine, lock.0, policy, "rwrwr");
        assert_eq!(went.who("in"), [0, 1, 2, 3, 4], "{}", policy.name());
        assert!(went.bypassed.is_empty(), "{}", policy.name());
        let went = queue(&mut machine, lock.0, policy, "wwr");
        assert_eq!(went.who("in"), [0, 1, 2], "{}", policy.name());
    }
}

#[test]
fn mutexes_and_spinlocks_are_handed_over_in_order_of_arrival() {
    let mut machine = Sim::new(Bursts::default());
    let (sleeps, spins) = (sleeping(&mut machine, "mutex"), spinning(&mut machine, "spinlock"));
    let (mutex, spinlock) = (machine.mutex(sleeps), machine.spinlock(spins));
    for lock in [mutex.0, spinlock.0] {
        for policy in Policy::ALL {
            let went = queue(&mut machine, lock, policy, "wwwww");
            assert_eq!(went.who("in"), [0, 1, 2, 3, 4], "{}", policy.name());
            assert_eq!(went.ending, Ending::Finished);
        }
    }
}

/// Two mutexes in opposite order hang where both tasks have their first, and only there.
#[test]
fn opposite_orders_deadlock() {
    let mut machine = Sim::new(Bursts::default());
    let (one, other) = (sleeping(&mut machine, "one"), sleeping(&mut machine, "other"));
    let locks = [machine.mutex(one), machine.mutex(other)];
    let program = program(move |me| {
        Box::pin(async move {
            let [first, second] = [locks[me.id()], locks[1 - me.id()]];
            me.mutex_lock(first).await;
            stop(me).await;
            me.mutex_lock(second).await;
            me.mutex_unlock(second);
            me.mutex_unlock(first);
        })
    });
    let bursts = [until_stop(0), until_stop(1)];
    let hung = run(&mut machine, Policy::default(), &bursts, 2, program);
    assert_eq!(hung.ending, Ending::Stuck);
    assert_eq!(hung.stuck, [(0, Doom::Deadlock), (1, Doom::Deadlock)]);
    let went = run(&mut machine, Policy::default(), &[until_blocked(0)], 2, program);
    assert_eq!((went.ending, went.stuck), (Ending::Finished, vec![]));
}

#[test]
fn a_mutex_taken_twice_deadlocks_alone() {
    let mut machine = Sim::new(Bursts::default());
    let class = sleeping(&mut machine, "mutex");
    let mutex = machine.mutex(class);
    let program = program(move |me| {
        Box::pin(async move {
            me.mutex_lock(mutex).await;
            me.mutex_lock(mutex).await;
        })
    });
    let went = run(&mut machine, Policy::default(), &[], 1, program);
    assert_eq!((went.ending, went.stuck), (Ending::Stuck, vec![(0, Doom::Deadlock)]));
}

#[test]
fn sleeping_under_a_spinning_lock_is_noted_and_after_it_is_not() {
    let mut machine = Sim::new(Bursts::default());
    let (spins, sleeps) = (spinning(&mut machine, "spinlock"), sleeping(&mut machine, "mutex"));
    let (spinlock, mutex) = (machine.spinlock(spins), machine.mutex(sleeps));
    for (under, expected) in [(true, 1), (false, 0)] {
        let program = program(move |me| {
            Box::pin(async move {
                me.spin_lock(spinlock).await;
                if !under {
                    me.spin_unlock(spinlock);
                }
                me.mutex_lock(mutex).await;
                me.mutex_unlock(mutex);
                if under {
                    me.spin_unlock(spinlock);
                }
            })
        });
        let went = run(&mut machine, Policy::default(), &[], 1, program);
        assert_eq!(went.slept_in_atomic, expected);
    }
}

/// Even where the lock is free: that it might sleep is enough.
#[test]
fn sleeping_in_a_non_blockable_section_is_noted() {
    let mut machine = Sim::new(Bursts::default());
    let class = sleeping(&mut machine, "mutex");
    let mutex = machine.mutex(class);
    let program = program(move |me| {
        Box::pin(async move {
            me.non_block_start();
            me.mutex_lock(mutex).await;
            me.mutex_unlock(mutex);
            me.non_block_end();
            me.might_sleep();
        })
    });
    assert_eq!(run(&mut machine, Policy::default(), &[], 1, program).slept_in_atomic, 1);
}
