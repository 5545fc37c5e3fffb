//! Each primitive of the machine on real threads: who is kept out, who waits, which wake-up counts.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kvm_lock_fuzz::lockdep::{LockType, WaitType};
use kvm_lock_fuzz::machine::native::{Jitter, Local, Native, NativeTask};
use kvm_lock_fuzz::machine::{Build, Class, Guard, HeldUp, LockId, Mode, Policy, Task, Word};

pub type Machine = Native<()>;

pub const SLEEPING: Class = Class { name: "lock", wait: WaitType::Sleep, kind: LockType::Normal };

pub fn machine(policy: Policy) -> Machine {
    Native::new(policy).expect("the policy exists on threads")
}

/// The result of a future that is ready at once.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a future of the machine of threads is ready at once"),
    }
}

/// Runs a task on a thread.
pub fn spawn(
    machine: &Arc<Machine>,
    id: u8,
    program: impl FnOnce(NativeTask<'_, ()>) + Send + 'static,
) -> JoinHandle<()> {
    let machine = Arc::clone(machine);
    thread::spawn(move || {
        let local = Local::new(id, Jitter::new(1, 1, id));
        program(machine.task(&local));
        machine.finish(&local);
        // Its thread keeps what a finished task holds, until the run is over.
        std::mem::forget(local);
    })
}

fn until(so: impl Fn() -> bool) {
    while !so() {
        thread::sleep(Duration::from_millis(1));
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("the task does not panic"));
}

const UNGUARDED: Guard = Guard { lock: None, lockless: true };

/// Two tasks add to a location under a lock.
fn adds_up(policy: Policy, lock: impl Fn(&mut Machine, u16) -> LockId) {
    let mut machine = machine(policy);
    let class = machine.class(SLEEPING);
    let lock = lock(&mut machine, class);
    let word = machine.words(1, Guard { lock: Some(lock), lockless: false }).at(0);
    let machine = Arc::new(machine);
    let add = move |me: NativeTask<'_, ()>| {
        for _ in 0..200 {
            now(me.acquire(lock, Mode::Write));
            let value = now(me.read(word));
            now(me.write(word, value + 1));
            me.release(lock);
        }
    };
    join((0..3).map(|id| spawn(&machine, id, add)).collect());
    assert_eq!(machine.look(&Local::history()).peek(word), 600);
}

#[test]
fn exclusive_locks_exclude() {
    adds_up(Policy::WriterFair, |machine, class| machine.mutex(class).0);
    adds_up(Policy::WriterFair, |machine, class| machine.spinlock(class).0);
    adds_up(Policy::WriterFair, |machine, class| machine.rwlock(class).0);
    adds_up(Policy::WriterFair, |machine, class| machine.rwsem(class).0);
    adds_up(Policy::ReaderBiased, |machine, class| machine.rwsem(class).0);
}

#[test]
fn phase_fair_is_the_simulators() {
    let refused = Machine::new(Policy::PhaseFair).expect_err("parking_lot has no such lock");
    assert_eq!(refused.to_string(), "phase-fair exists on the simulator only");
}

/// A writer waits for a reader: whether another reader gets in, waiting and not.
fn reader_behind_a_waiting_writer(policy: Policy) -> bool {
    let mut machine = machine(policy);
    let class = machine.class(SLEEPING);
    let sem = machine.rwsem(class);
    let machine = Arc::new(machine);
    let local = Local::new(0, Jitter::none());
    let me = machine.task(&local);
    now(me.down_read(sem));
    let writer = spawn(&machine, 1, move |me| {
        now(me.down_write(sem));
        me.up_write(sem);
    });
    until(|| machine.waits(1));
    thread::sleep(Duration::from_millis(20));
    let inside = now(me.down_read_trylock(sem));
    if inside {
        me.up_read(sem);
    }
    me.up_read(sem);
    join(vec![writer]);
    inside
}

#[test]
fn the_policy_decides_about_readers_behind_a_waiting_writer() {
    assert!(!reader_behind_a_waiting_writer(Policy::WriterFair));
    assert!(reader_behind_a_waiting_writer(Policy::ReaderBiased));
}

#[test]
fn a_downgraded_hold_admits_readers() {
    let mut machine = machine(Policy::WriterFair);
    let class = machine.class(SLEEPING);
    let sem = machine.rwsem(class);
    let machine = Arc::new(machine);
    let local = Local::new(0, Jitter::none());
    let me = machine.task(&local);
    now(me.down_write(sem));
    me.downgrade_write(sem);
    let reader = spawn(&machine, 1, move |me| {
        assert!(now(me.down_read_trylock(sem)));
        me.up_read(sem);
    });
    join(vec![reader]);
    assert!(me.holds(sem.0));
    me.up_read(sem);
    assert!(!me.holds(sem.0));
}

#[test]
fn a_grace_period_waits_for_the_sections_before_it_only() {
    let mut machine = machine(Policy::WriterFair);
    let class = machine.class(SLEEPING);
    let srcu = machine.srcu(class, "srcu");
    let machine = Arc::new(machine);
    let local = Local::new(0, Jitter::none());
    let me = machine.task(&local);
    now(me.srcu_read_lock(srcu));
    now(me.srcu_read_lock(srcu));
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let updater = spawn(&machine, 1, move |me| {
        now(me.synchronize_srcu(srcu));
        told.store(true, Ordering::SeqCst);
    });
    until(|| machine.waits(1));
    let later_local = Local::new(2, Jitter::none());
    let later = machine.task(&later_local);
    now(later.srcu_read_lock(srcu));
    me.srcu_read_unlock(srcu);
    thread::sleep(Duration::from_millis(20));
    assert!(!over.load(Ordering::SeqCst), "the outer section is still open");
    me.srcu_read_unlock(srcu);
    join(vec![updater]);
    later.srcu_read_unlock(srcu);
}

/// A wake-up before or after the waiter has set its state; whether the waiter sleeps on.
fn wakes(before_state: bool) -> bool {
    let mut machine = machine(Policy::WriterFair);
    let span = machine.span("region");
    let count = machine.words(1, UNGUARDED).at(0);
    let wait = machine.rcuwait(span, count);
    let machine = Arc::new(machine);
    let local = Local::new(1, Jitter::none());
    let waker = machine.task(&local);
    let (ready, woken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (told, wakes) = (Arc::clone(&ready), Arc::clone(&woken));
    let waiter = spawn(&machine, 0, move |me| {
        now(me.prepare_to_rcuwait(wait));
        if !before_state {
            now(me.set_uninterruptible());
        }
        told.store(true, Ordering::SeqCst);
        until(|| wakes.load(Ordering::SeqCst));
        if before_state {
            now(me.set_uninterruptible());
        }
        now(me.schedule(wait));
        now(me.finish_rcuwait(wait));
    });
    until(|| ready.load(Ordering::SeqCst));
    now(waker.rcuwait_wake_up(wait));
    woken.store(true, Ordering::SeqCst);
    until(|| waiter.is_finished() || machine.waits(0));
    let sleeps = !waiter.is_finished() && machine.waits(0);
    now(waker.rcuwait_wake_up(wait));
    join(vec![waiter]);
    sleeps
}

#[test]
fn a_wake_up_counts_from_the_state_on() {
    assert!(!wakes(false), "it came after the state was set");
    assert!(wakes(true), "it came before, and is lost");
}

/// A task waits for a write to a location that it has read.
fn waits_for_write(word: Word, held_up: HeldUp) -> impl FnOnce(NativeTask<'_, ()>) + Send {
    move |me| {
        assert_eq!(now(me.read(word)), 0);
        now(me.wait_for_write(held_up, &[word]));
        assert_eq!(now(me.read(word)), 7);
    }
}

#[test]
fn a_write_ends_the_wait_also_when_it_comes_before() {
    let mut machine = machine(Policy::WriterFair);
    let span = machine.span("region");
    let word = machine.words(1, UNGUARDED).at(0);
    let machine = Arc::new(machine);
    let local = Local::new(1, Jitter::none());
    let writer = machine.task(&local);
    let waiter = spawn(&machine, 0, waits_for_write(word, HeldUp::ByRegion(span, word)));
    until(|| machine.waits(0));
    now(writer.write(word, 7));
    join(vec![waiter]);

    let early = Local::new(2, Jitter::none());
    let reader = machine.task(&early);
    assert_eq!(now(reader.read(word)), 7);
    now(writer.write(word, 8));
    now(reader.wait_for_write(HeldUp::ByRegion(span, word), &[word]));
    assert_eq!(now(reader.read(word)), 8);
}
