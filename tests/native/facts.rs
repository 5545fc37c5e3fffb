//! What parking_lot 0.13 does, as far as the machine relies on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, RecursiveRwLock, RwLock};

/// Until it is so: none of these is a matter of time.
fn until(so: impl Fn() -> bool) {
    while !so() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_waiting_writer_holds_back_readers_even_those_inside() {
    let lock = RwLock::new(());
    thread::scope(|scope| {
        let inside = lock.read();
        scope.spawn(|| drop(lock.write()));
        until(|| lock.try_read().is_none());
        assert!(lock.try_read_for(Duration::from_millis(50)).is_none(), "a second hold as well");
        assert!(!lock.is_locked_exclusive(), "the writer waits and owns nothing");
        drop(inside);
    });
    assert!(lock.try_read().is_some(), "readers enter again once the writer has been");
}

#[test]
fn a_writer_waiting_for_a_reader_biased_lock_holds_back_nobody() {
    let lock = RecursiveRwLock::new(());
    let waits = AtomicBool::new(false);
    thread::scope(|scope| {
        let inside = lock.read();
        scope.spawn(|| {
            waits.store(true, Ordering::SeqCst);
            drop(lock.write());
        });
        until(|| waits.load(Ordering::SeqCst));
        for _ in 0..50 {
            assert!(lock.try_read().is_some());
            thread::sleep(Duration::from_millis(1));
        }
        drop(inside);
    });
}

#[test]
fn a_release_hands_nothing_over() {
    let lock = Mutex::new(());
    let over = AtomicBool::new(false);
    let waits = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut held = lock.lock();
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                waits.store(true, Ordering::SeqCst);
                drop(lock.lock());
            }
        });
        until(|| waits.load(Ordering::SeqCst));
        // A parked waiter has to wake up first, so sooner or later the old owner is faster. Were the
        // lock handed over, it would never be.
        loop {
            thread::sleep(Duration::from_millis(2));
            drop(held);
            match lock.try_lock() {
                Some(again) => break drop(again),
                None => held = lock.lock(),
            }
        }
        over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_downgraded_writer_lets_readers_in_and_keeps_writers_out() {
    let lock = RwLock::new(());
    let shared = parking_lot::RwLockWriteGuard::downgrade(lock.write());
    assert!(lock.try_read().is_some() && lock.try_write().is_none());
    drop(shared);
    assert!(lock.try_write().is_some());
}
