//! The small protocol as threads, over the `sync` and `thread` of the module that includes this
//! file: shuttle and loom both offer the standard library's names. Searches put [`Rwsem`] before the
//! slots.

use std::sync::atomic::Ordering::SeqCst;

use super::sync::atomic::AtomicU64;
use super::sync::{Condvar, Mutex};
use super::thread;
use crate::form::{Bug, Form};
use std::sync::Arc;

/// What stands before the slots.
pub trait Slots: Default + Send + Sync + 'static {
    /// Runs `inside` while nobody swaps them.
    fn reading(&self, inside: impl FnOnce());
    /// Swaps them.
    fn swap(&self);
}

/// An rwsem whose queued writer holds back readers: the RwLock of neither peer has a queue.
#[derive(Default)]
pub struct Rwsem {
    holders: Mutex<Holders>,
    freed: Condvar,
}

#[derive(Default)]
struct Holders {
    readers: u64,
    queued: u64,
    writing: bool,
    /// What the rwsem guards.
    slots: u64,
}

impl Rwsem {
    fn down_read(&self) {
        let mut holders = self.holders.lock().unwrap();
        while holders.writing || holders.queued > 0 {
            holders = self.freed.wait(holders).unwrap();
        }
        holders.readers += 1;
    }

    fn up_read(&self) {
        let mut holders = self.holders.lock().unwrap();
        holders.readers -= 1;
        if holders.readers == 0 {
            self.freed.notify_all();
        }
    }

    fn down_write(&self) {
        let mut holders = self.holders.lock().unwrap();
        holders.queued += 1;
        while holders.writing || holders.readers > 0 {
            holders = self.freed.wait(holders).unwrap();
        }
        holders.queued -= 1;
        holders.writing = true;
    }

    /// The swap and up_write.
    fn up_write(&self) {
        let mut holders = self.holders.lock().unwrap();
        holders.slots += 1;
        holders.writing = false;
        self.freed.notify_all();
    }
}

impl Slots for Rwsem {
    fn reading(&self, inside: impl FnOnce()) {
        self.down_read();
        inside();
        self.up_read();
    }

    fn swap(&self) {
        self.down_write();
        self.up_write();
    }
}

/// What mmu_lock guards.
#[derive(Default)]
struct Mmu {
    count: u64,
    spte: u64,
}

#[derive(Default)]
struct Small<S> {
    slots_lock: Mutex<()>,
    slots: S,
    mmu_lock: Mutex<Mmu>,
    seq: AtomicU64,
    host: AtomicU64,
}

impl<S: Slots> Small<S> {
    fn invalidator(&self, bug: Bug) {
        self.slots.reading(|| {
            {
                let mut mmu = self.mmu_lock.lock().unwrap();
                mmu.count += 1;
                mmu.spte = 0;
            }
            self.change_host(bug);
            self.end(bug);
        });
    }

    fn change_host(&self, bug: Bug) {
        let change = || {
            self.host.fetch_add(1, SeqCst);
        };
        match bug {
            Bug::NestedRead => self.slots.reading(change),
            _ => change(),
        }
    }

    fn end(&self, bug: Bug) {
        let mut mmu = self.mmu_lock.lock().unwrap();
        mmu.count -= 1;
        if bug == Bug::SplitEnd {
            drop(mmu);
            mmu = self.mmu_lock.lock().unwrap();
        }
        self.seq.fetch_add(1, SeqCst);
        drop(mmu);
    }

    fn writer(&self, _: Bug) {
        let _slots_lock = self.slots_lock.lock().unwrap();
        self.slots.swap();
    }

    fn fault(&self, bug: Bug) {
        let seq = self.seq.load(SeqCst);
        let pfn = self.host.load(SeqCst) + 1;
        let mut mmu = self.mmu_lock.lock().unwrap();
        let moved = bug != Bug::NoSeq && self.seq.load(SeqCst) != seq;
        if mmu.count == 0 && !moved {
            mmu.spte = pfn;
        }
    }
}

/// What a task does.
type Role<S> = fn(&Small<S>, Bug);

/// One execution and its end oracle.
pub fn execution<S: Slots>(form: &Form) {
    let s = Arc::new(Small::<S>::default());
    let mut roles: Vec<Role<S>> = vec![Small::invalidator; form.invalidators];
    roles.extend(vec![Small::writer as Role<S>; form.writers]);
    roles.extend(vec![Small::fault as Role<S>; form.faults]);
    let start = |role: Role<S>| {
        let (s, bug) = (s.clone(), form.bug);
        thread::spawn(move || role(&s, bug))
    };
    let tasks: Vec<_> = roles.into_iter().map(start).collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    let mmu = s.mmu_lock.lock().unwrap();
    assert!(mmu.count == 0 && (mmu.spte == 0 || mmu.spte == s.host.load(SeqCst) + 1), "lost");
}
