//! The rwsem under its three policies.

use kvm_lock_fuzz::case::Burst;
use kvm_lock_fuzz::machine::sim::{Ending, Sim};
use kvm_lock_fuzz::machine::{Build, Policy, Task};
use kvm_lock_fuzz::schedule::Bursts;

use super::program::{Went, points, program, run, say, sleeping, stop, until_blocked, until_stop};

use Policy::{PhaseFair, ReaderBiased, WriterFair};

/// Each task takes the rwsem as its letter says, `r` or `w`, stops while it holds it, releases it.
fn queue(policy: Policy, modes: &'static str, bursts: &[Burst]) -> Went {
    let mut machine = Sim::new(Bursts::default());
    let class = sleeping(&mut machine, "sem");
    let sem = machine.rwsem(class);
    let program = program(move |me| {
        Box::pin(async move {
            match modes.as_bytes()[me.id()] {
                b'r' => me.down_read(sem).await,
                _ => me.down_write(sem).await,
            }
            say(me, "in");
            stop(me).await;
            say(me, "out");
            me.release(sem.0);
        })
    });
    run(&mut machine, policy, bursts, modes.len(), program)
}

/// Task 0 comes in and stops there; the others arrive in order; then task 0 goes on to its end.
fn arrivals(tasks: u8) -> Vec<Burst> {
    let mut bursts = vec![until_stop(0)];
    bursts.extend((1..tasks).map(until_blocked));
    bursts.push(until_blocked(0));
    bursts
}

fn entered(policy: Policy, modes: &'static str) -> Vec<u8> {
    let went = queue(policy, modes, &arrivals(modes.len() as u8));
    assert_eq!(went.ending, Ending::Finished, "{modes} {}", policy.name());
    went.who("in")
}

#[test]
fn a_queued_writer_holds_back_readers_unless_they_are_favoured() {
    assert_eq!(entered(WriterFair, "rwr"), [0, 1, 2]);
    assert_eq!(entered(PhaseFair, "rwr"), [0, 1, 2]);
    assert_eq!(entered(ReaderBiased, "rwr"), [0, 2, 1]);
}

#[test]
fn who_passes_a_writer_is_noted() {
    for policy in Policy::ALL {
        let went = queue(policy, "rwrr", &arrivals(4));
        let expected: &[u8] = if policy == ReaderBiased { &[1, 1] } else { &[] };
        assert_eq!(went.bypassed, expected, "{}", policy.name());
    }
}

/// At a hand-over too: by readers that queued later than the writer.
#[test]
fn who_is_handed_the_lock_before_a_writer_that_came_first_is_noted() {
    let table: [(&str, [&[u8]; 3]); 5] = [
        ("wwr", [&[], &[1], &[1]]),
        ("wwrr", [&[], &[1, 1], &[1, 1]]),
        ("wrwr", [&[2], &[2], &[2]]),
        ("wrrw", [&[], &[], &[]]),
        ("rwwrw", [&[], &[1], &[2]]),
    ];
    for (modes, expected) in table {
        for (policy, expected) in [WriterFair, ReaderBiased, PhaseFair].into_iter().zip(expected) {
            let went = queue(policy, modes, &arrivals(modes.len() as u8));
            assert_eq!(went.bypassed, expected, "{modes} {}", policy.name());
        }
    }
}

/// `rwsem_mark_wake`: once readers go, all queued readers go.
#[test]
fn readers_enter_together() {
    let went = queue(WriterFair, "wrwr", &arrivals(4));
    assert_eq!(went.who("in"), [0, 1, 3, 2]);
    let between = went.said.iter().position(|said| *said == (3, "in")).unwrap();
    assert!(
        went.said[..between].contains(&(1, "in")) && !went.said[..between].contains(&(2, "in"))
    );
}

/// Behind a writer: the next in the queue, or the readers, where phases alternate.
#[test]
fn after_a_writer() {
    assert_eq!(entered(WriterFair, "wwr"), [0, 1, 2]);
    assert_eq!(entered(PhaseFair, "wwr"), [0, 2, 1]);
    assert_eq!(entered(ReaderBiased, "wwr"), [0, 2, 1]);
}

/// Behind readers: the writer that waits, then in turn.
#[test]
fn phases_alternate() {
    assert_eq!(entered(WriterFair, "rwwrw"), [0, 1, 2, 3, 4]);
    assert_eq!(entered(PhaseFair, "rwwrw"), [0, 1, 3, 2, 4]);
    assert_eq!(entered(ReaderBiased, "rwwrw"), [0, 3, 1, 2, 4]);
}

#[test]
fn writers_are_served_in_order_of_arrival() {
    for policy in Policy::ALL {
        assert_eq!(entered(policy, "wwwww"), [0, 1, 2, 3, 4], "{}", policy.name());
    }
}

#[test]
fn readers_share_and_writers_do_not() {
    for policy in Policy::ALL {
        let went = queue(policy, "rrw", &[until_stop(0), until_stop(1), until_blocked(2)]);
        assert_eq!(went.said[..2], [(0, "in"), (1, "in")], "{}", policy.name());
        assert_eq!(went.said[5..], [(2, "out")], "{}", policy.name());
    }
}

/// A writer that finds the lock taken spins for one point before it queues: it blocks nobody yet.
#[test]
fn a_spinning_writer_holds_nobody_back() {
    let spinning = [until_stop(0), points(1, 2), until_stop(2), until_blocked(1), until_blocked(3)];
    let went = queue(WriterFair, "rwrr", &spinning);
    assert_eq!(went.who("in"), [0, 2, 1, 3]);
    assert!(went.bypassed.is_empty());
}

#[test]
fn a_spinning_writer_takes_the_lock_without_queueing() {
    let spinning = [until_stop(0), points(1, 2), until_blocked(0), until_stop(1), until_blocked(2)];
    let went = queue(WriterFair, "rww", &spinning);
    assert_eq!(went.said, [(0, "in"), (0, "out"), (1, "in"), (1, "out"), (2, "in"), (2, "out")]);
}

/// The readers that waited enter, and the writer stays in with them.
#[test]
fn downgrade_lets_readers_in() {
    let mut machine = Sim::new(Bursts::default());
    let class = sleeping(&mut machine, "sem");
    let sem = machine.rwsem(class);
    let program = program(move |me| {
        Box::pin(async move {
            if me.id() > 0 {
                me.down_read(sem).await;
                say(me, "in");
                return me.up_read(sem);
            }
            me.down_write(sem).await;
            stop(me).await;
            me.downgrade_write(sem);
            say(me, "downgraded");
            stop(me).await;
            say(me, "out");
            me.up_read(sem);
        })
    });
    for policy in Policy::ALL {
        let arrive = [until_stop(0), until_blocked(1), until_blocked(2)];
        let bursts = [&arrive[..], &[until_stop(0), until_blocked(1), until_blocked(2)]].concat();
        let went = run(&mut machine, policy, &bursts, 3, program);
        let expected = [(0, "downgraded"), (1, "in"), (2, "in"), (0, "out")];
        assert_eq!(went.said, expected, "{}", policy.name());
    }
}

#[test]
fn trylock_never_waits_and_asks_the_same_rules() {
    let mut machine = Sim::new(Bursts::default());
    let class = sleeping(&mut machine, "sem");
    let sem = machine.rwsem(class);
    let program = program(move |me| {
        Box::pin(async move {
            match me.id() {
                0 => me.down_read(sem).await,
                1 => me.down_write(sem).await,
                _ => {
                    let got = me.down_read_trylock(sem).await;
                    say(me, if got { "got" } else { "not" });
                    if !got {
                        return;
                    }
                }
            }
            stop(me).await;
            me.release(sem.0);
        })
    });
    let beside_reader = [until_stop(0), until_blocked(2)];
    let behind_writer = [until_stop(0), until_blocked(1), until_blocked(2)];
    let under_writer = [until_stop(1), until_blocked(2)];
    for policy in Policy::ALL {
        for (bursts, expected) in [
            (&beside_reader[..], "got"),
            (&behind_writer, if policy == ReaderBiased { "got" } else { "not" }),
            (&under_writer, "not"),
        ] {
            let went = run(&mut machine, policy, bursts, 3, program);
            assert_eq!(went.said, [(2, expected)], "{} {bursts:?}", policy.name());
            assert_eq!(went.ending, Ending::Finished);
        }
    }
}
