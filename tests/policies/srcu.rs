//! Grace periods: who is waited for.

use kvm_lock_fuzz::machine::sim::{Doom, Ending, Sim};
use kvm_lock_fuzz::machine::{Build, Policy, Srcu, Task};
use kvm_lock_fuzz::schedule::Bursts;

use super::program::{
    Machine, Me, Running, program, run, say, sleeping, stop, until_blocked, until_stop,
};

fn domain(machine: &mut Machine) -> Srcu {
    let class = sleeping(machine, "srcu");
    machine.srcu(class, "srcu")
}

/// Tasks 0 and 2 read, task 1 waits for a grace period.
fn readers(srcu: Srcu) -> impl Fn(Me<'_>) -> Running<'_> {
    move |me| {
        Box::pin(async move {
            if me.id() == 1 {
                me.synchronize_srcu(srcu).await;
                return say(me, "grace");
            }
            me.srcu_read_lock(srcu).await;
            say(me, "enter");
            stop(me).await;
            say(me, "leave");
            me.srcu_read_unlock(srcu);
        })
    }
}

#[test]
fn only_earlier_readers_are_waited_for() {
    let mut machine = Sim::new(Bursts::default());
    let srcu = domain(&mut machine);
    let bursts =
        [until_stop(0), until_blocked(1), until_stop(2), until_blocked(0), until_blocked(1)];
    let went = run(&mut machine, Policy::default(), &bursts, 3, readers(srcu));
    let expected = [(0, "enter"), (2, "enter"), (0, "leave"), (1, "grace"), (2, "leave")];
    assert_eq!(went.said, expected);
}

#[test]
fn every_earlier_reader_is_waited_for() {
    let mut machine = Sim::new(Bursts::default());
    let srcu = domain(&mut machine);
    let bursts =
        [until_stop(0), until_stop(2), until_blocked(1), until_blocked(0), until_blocked(2)];
    let went = run(&mut machine, Policy::default(), &bursts, 3, readers(srcu));
    let expected = [(0, "enter"), (2, "enter"), (0, "leave"), (2, "leave"), (1, "grace")];
    assert_eq!(went.said, expected);
}

#[test]
fn nobody_inside_nobody_waited_for() {
    let mut machine = Sim::new(Bursts::default());
    let srcu = domain(&mut machine);
    let went = run(&mut machine, Policy::default(), &[until_blocked(1)], 3, readers(srcu));
    assert_eq!(went.said[0], (1, "grace"));
}

/// The section ends with its outermost unlock.
#[test]
fn nested_sections_end_once() {
    let mut machine = Sim::new(Bursts::default());
    let srcu = domain(&mut machine);
    let program = program(move |me| {
        Box::pin(async move {
            if me.id() == 1 {
                me.synchronize_srcu(srcu).await;
                return say(me, "grace");
            }
            me.srcu_read_lock(srcu).await;
            me.srcu_read_lock(srcu).await;
            stop(me).await;
            me.srcu_read_unlock(srcu);
            say(me, "inner");
            stop(me).await;
            say(me, "outer");
            me.srcu_read_unlock(srcu);
        })
    });
    let bursts = [until_stop(0), until_blocked(1), until_stop(0), until_blocked(1)];
    let went = run(&mut machine, Policy::default(), &bursts, 2, program);
    assert_eq!(went.said, [(0, "inner"), (0, "outer"), (1, "grace")]);
}

/// A reader that leaves and comes back is a later reader.
#[test]
fn coming_back_is_coming_later() {
    let mut machine = Sim::new(Bursts::default());
    let srcu = domain(&mut machine);
    let program = program(move |me| {
        Box::pin(async move {
            if me.id() == 1 {
                me.synchronize_srcu(srcu).await;
                return say(me, "grace");
            }
            me.srcu_read_lock(srcu).await;
            stop(me).await;
            me.srcu_read_unlock(srcu);
            me.srcu_read_lock(srcu).await;
            say(me, "again");
            stop(me).await;
            say(me, "leave");
            me.srcu_read_unlock(srcu);
        })
    });
    let bursts = [until_stop(0), until_blocked(1), until_stop(0), until_blocked(1)];
    let went = run(&mut machine, Policy::default(), &bursts, 2, program);
    assert_eq!(went.said, [(0, "again"), (1, "grace"), (0, "leave")]);
}

#[test]
fn a_grace_period_inside_its_own_section_never_ends() {
    let mut machine = Sim::new(Bursts::default());
    let srcu = domain(&mut machine);
    let program = program(move |me| {
        Box::pin(async move {
            me.srcu_read_lock(srcu).await;
            me.synchronize_srcu(srcu).await;
        })
    });
    let went = run(&mut machine, Policy::default(), &[], 1, program);
    assert_eq!((went.ending, went.stuck), (Ending::Stuck, vec![(0, Doom::Deadlock)]));
}

/// Readers of one domain are nothing to a grace period of another, also where a task reads in both.
#[test]
fn domains_wait_for_their_own_readers() {
    let mut machine = Sim::new(Bursts::default());
    let (srcu, other) = (domain(&mut machine), domain(&mut machine));
    let program = program(move |me| {
        Box::pin(async move {
            if me.id() == 1 {
                me.synchronize_srcu(srcu).await;
                return say(me, "grace");
            }
            me.srcu_read_lock(srcu).await;
            me.srcu_read_lock(other).await;
            stop(me).await;
            me.srcu_read_unlock(other);
            say(me, "other");
            stop(me).await;
            say(me, "leave");
            me.srcu_read_unlock(srcu);
        })
    });
    let bursts = [until_stop(0), until_blocked(1), until_stop(0), until_blocked(1)];
    let went = run(&mut machine, Policy::default(), &bursts, 2, program);
    assert_eq!(went.said, [(0, "other"), (0, "leave"), (1, "grace")]);
}
