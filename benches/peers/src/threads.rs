//! The small protocol as threads, over the `sync` and `thread` of the module that includes this
//! file: shuttle and loom both offer the standard library's names.

use std::sync::atomic::Ordering::SeqCst;

use super::sync::atomic::AtomicU64;
use super::sync::{Condvar, Mutex};
use super::thread;
use crate::form::{Bug, Form};
use std::sync::Arc;

/// An rwsem whose queued writer holds back readers: the RwLock of neither peer has a queue.
#[derive(Default)]
struct Rwsem {
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

/// What mmu_lock guards.
#[derive(Default)]
struct Mmu {
    count: u64,
    spte: u64,
}

#[derive(Default)]
struct Small {
    slots_lock: Mutex<()>,
    slots_rwsem: Rwsem,
    mmu_lock: Mutex<Mmu>,
    seq: AtomicU64,
    host: AtomicU64,
}

impl Small {
    fn invalidator(&self, bug: Bug) {
        self.slots_rwsem.down_read();
        {
            let mut mmu = self.mmu_lock.lock().unwrap();
            mmu.count += 1;
            mmu.spte = 0;
        }
        self.change_host(bug);
        {
            let mut mmu = self.mmu_lock.lock().unwrap();
            mmu.count -= 1;
            if bug == Bug::SplitEnd {
                drop(mmu);
                mmu = self.mmu_lock.lock().unwrap();
            }
            self.seq.fetch_add(1, SeqCst);
            drop(mmu);
        }
        self.slots_rwsem.up_read();
    }

    fn change_host(&self, bug: Bug) {
        if bug == Bug::NestedRead {
            self.slots_rwsem.down_read();
        }
        self.host.fetch_add(1, SeqCst);
        if bug == Bug::NestedRead {
            self.slots_rwsem.up_read();
        }
    }

    fn writer(&self, _: Bug) {
        let _slots_lock = self.slots_lock.lock().unwrap();
        self.slots_rwsem.down_write();
        self.slots_rwsem.up_write();
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

/// One execution and its end oracle.
pub fn execution(form: &Form) {
    let s = Arc::new(Small::default());
    let mut roles: Vec<fn(&Small, Bug)> = vec![Small::invalidator; form.invalidators];
    roles.extend(vec![Small::writer as fn(&Small, Bug); form.writers]);
    roles.extend(vec![Small::fault as fn(&Small, Bug); form.faults]);
    let start = |role: fn(&Small, Bug)| {
        let (s, bug) = (s.clone(), form.bug);
        thread::spawn(move || role(&s, bug))
    };
    let tasks: Vec<_> = roles.into_iter().map(start).collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    let mmu = s.mmu_lock.lock().unwrap();
    assert!(mmu.count == 0 && (mmu.spte == 0 || mmu.spte == s.host.load(SeqCst) + 1), "lost");
}
