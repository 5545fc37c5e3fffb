//! The single-waiter wait: a wake is lost exactly where the waiter's order is wrong.

use kvm_lock_fuzz::case::Burst;
use kvm_lock_fuzz::machine::sim::{Doom, Ending, Sim};
use kvm_lock_fuzz::machine::{Build, Guard, Policy, Task};
use kvm_lock_fuzz::schedule::Bursts;

use super::program::{Went, program, run, say, stop, until_blocked, until_stop};

/// Task 0 waits for the count to become 0, task 1 lowers it and wakes. The waiter sets its state
/// before it looks at the count, as it should, or after.
fn wait(state_first: bool, bursts: &[Burst]) -> Went {
    let mut machine = Sim::new(Bursts::default());
    let span = machine.span("region");
    let count = machine.words(1, Guard { lock: None, lockless: false }).at(0);
    let wait = machine.rcuwait(span, count);
    let program = program(move |me| {
        Box::pin(async move {
            if me.id() == 1 {
                me.span_begin(span);
                me.write(count, 1).await;
                stop(me).await;
                me.write(count, 0).await;
                me.span_end(span);
                return me.rcuwait_wake_up(wait).await;
            }
            me.prepare_to_rcuwait(wait).await;
            loop {
                if state_first {
                    me.set_uninterruptible().await;
                }
                if me.read(count).await == 0 {
                    break;
                }
                stop(me).await;
                if !state_first {
                    me.set_uninterruptible().await;
                }
                say(me, "schedule");
                me.schedule(wait).await;
            }
            me.finish_rcuwait(wait).await;
            say(me, "done");
        })
    });
    run(&mut machine, Policy::default(), bursts, 2, program)
}

/// The wake comes between the waiter's look at the count and its sleep.
const RACE: [fn() -> Burst; 3] = [|| until_stop(1), || until_stop(0), || until_blocked(1)];

#[test]
fn a_wake_before_the_state_is_set_is_lost() {
    let went = wait(false, &RACE.map(|burst| burst()));
    assert_eq!((went.ending, went.stuck), (Ending::Stuck, vec![(0, Doom::LostWakeup)]));
}

#[test]
fn a_wake_after_the_state_is_set_is_not_lost() {
    let went = wait(true, &RACE.map(|burst| burst()));
    assert_eq!(went.who("done"), [0]);
    assert_eq!((went.ending, went.stuck), (Ending::Finished, vec![]));
}

#[test]
fn a_sleeping_waiter_is_woken() {
    for state_first in [false, true] {
        let bursts = [until_stop(1), until_blocked(0), until_blocked(1)];
        let went = wait(state_first, &bursts);
        assert_eq!((went.ending, went.stuck), (Ending::Finished, vec![]));
        assert_eq!(went.said, [(0, "schedule"), (0, "done")]);
    }
}

#[test]
fn waking_nobody_does_nothing() {
    let went = wait(true, &[until_blocked(1), until_blocked(0)]);
    assert_eq!((went.ending, went.said), (Ending::Finished, vec![(0, "done")]));
}

/// One waiter: who prepares later takes the place of the first, and the first sleeps on.
#[test]
fn a_second_waiter_takes_the_first_ones_wake() {
    let mut machine = Sim::new(Bursts::default());
    let span = machine.span("region");
    let count = machine.words(1, Guard { lock: None, lockless: false }).at(0);
    let wait = machine.rcuwait(span, count);
    let program = program(move |me| {
        Box::pin(async move {
            if me.id() == 2 {
                return me.rcuwait_wake_up(wait).await;
            }
            me.prepare_to_rcuwait(wait).await;
            me.set_uninterruptible().await;
            me.schedule(wait).await;
            say(me, "woken");
        })
    });
    let bursts = [until_blocked(0), until_blocked(1), until_blocked(2)];
    let went = run(&mut machine, Policy::default(), &bursts, 3, program);
    assert_eq!((went.ending, went.who("woken")), (Ending::Stuck, vec![1]));
    assert!(went.stuck.contains(&(0, Doom::LostWakeup)), "{went:?}");
}
