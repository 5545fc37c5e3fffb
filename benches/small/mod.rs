//! The small protocol that the peers are measured on, written once over the machine's traits.
//!
//! Invalidators hold the rwsem for read around two sections of mmu_lock, with the host page changing
//! between them; a writer swaps under mutex and rwsem; a fault takes a snapshot, reads the page and
//! installs it if nothing moved. With 2 invalidators, 1 writer and 1 fault: 22 protocol events.

use kvm_lock_fuzz::machine::sim::{Ending, Schedule, Settings, Sim, SimTask};
use kvm_lock_fuzz::machine::{Build, Guard, Mutex, RwSem, SpinLock, Task, Word};
use kvm_lock_fuzz::mm::{sleeping, spinning};
use std::pin::{Pin, pin};

/// Handles of the protocol's objects.
#[derive(Clone, Copy, Debug)]
pub struct Small {
    slots_lock: Mutex,
    slots_rwsem: RwSem,
    mmu_lock: SpinLock,
    count: Word,
    seq: Word,
    spte: Word,
    host: Word,
    slots: Word,
}

/// What a task of the protocol does.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    Invalidator,
    Writer,
    Fault,
}

impl Small {
    pub fn build(b: &mut impl Build) -> Small {
        let slots = b.class(sleeping("slots_lock"));
        let rwsem = b.class(sleeping("slots_rwsem"));
        let mmu = b.class(spinning("mmu_lock"));
        let (slots_lock, slots_rwsem, mmu_lock) = (b.mutex(slots), b.rwsem(rwsem), b.spinlock(mmu));
        let by = |lock| Guard { lock: Some(lock), lockless: false };
        let bare = Guard { lock: None, lockless: true };
        Small {
            slots_lock,
            slots_rwsem,
            mmu_lock,
            count: b.words(1, by(mmu_lock.0)).at(0),
            seq: b.words(1, Guard { lock: Some(mmu_lock.0), lockless: true }).at(0),
            spte: b.words(1, by(mmu_lock.0)).at(0),
            host: b.words(1, bare).at(0),
            slots: b.words(1, by(slots_rwsem.0)).at(0),
        }
    }

    async fn invalidator<T: Task>(self, t: T) {
        t.down_read(self.slots_rwsem).await;
        t.spin_lock(self.mmu_lock).await;
        t.write(self.count, t.read(self.count).await + 1).await;
        t.write(self.spte, 0).await;
        t.spin_unlock(self.mmu_lock);
        t.write(self.host, t.peek(self.host) + 1).await;
        t.spin_lock(self.mmu_lock).await;
        t.write(self.seq, t.read(self.seq).await + 1).await;
        t.write(self.count, t.read(self.count).await - 1).await;
        t.spin_unlock(self.mmu_lock);
        t.up_read(self.slots_rwsem);
    }

    async fn writer<T: Task>(self, t: T) {
        t.mutex_lock(self.slots_lock).await;
        t.down_write(self.slots_rwsem).await;
        t.write(self.slots, t.read(self.slots).await + 1).await;
        t.up_write(self.slots_rwsem);
        t.mutex_unlock(self.slots_lock);
    }

    async fn fault<T: Task>(self, t: T) {
        let seq = t.read(self.seq).await;
        let pfn = t.read(self.host).await + 1;
        t.spin_lock(self.mmu_lock).await;
        if t.read(self.count).await == 0 && t.read(self.seq).await == seq {
            t.write(self.spte, pfn).await;
        }
        t.spin_unlock(self.mmu_lock);
    }

    pub async fn role<T: Task>(self, t: T, role: Role) {
        match role {
            Role::Invalidator => self.invalidator(t).await,
            Role::Writer => self.writer(t).await,
            Role::Fault => self.fault(t).await,
        }
    }
}

/// One execution; the end oracle must hold: what is mapped is what the host has.
pub fn execute<S: Schedule>(
    sim: &mut Sim<S, ()>,
    small: Small,
    roles: &[Role],
    plan: impl FnOnce(&mut S),
) -> (u32, u32) {
    sim.reset(Settings::default(), plan);
    let ending = run(sim, small, roles);
    assert_eq!(ending, Ending::Finished);
    let t: SimTask<'_, S, ()> = sim.task(0);
    assert_eq!(t.peek(small.count), 0);
    let spte = t.peek(small.spte);
    assert!(spte == 0 || spte == t.peek(small.host) + 1);
    sim.inspect(|seen| {
        assert!(seen.lockdep.reports().is_empty());
        (seen.points, seen.events)
    })
}

fn run<S: Schedule>(sim: &Sim<S, ()>, small: Small, roles: &[Role]) -> Ending {
    let start = |i: usize| small.role(sim.task(i as u8), roles[i]);
    let (a, b, c, d, e) = (pin!(None), pin!(None), pin!(None), pin!(None), pin!(None));
    let (f, g, h, i, j) = (pin!(None), pin!(None), pin!(None), pin!(None), pin!(None));
    let mut tasks: [Pin<&mut Option<_>>; 10] = [a, b, c, d, e, f, g, h, i, j];
    for (i, task) in tasks.iter_mut().enumerate().take(roles.len()) {
        task.set(Some(start(i)));
    }
    sim.run(&mut tasks[..roles.len()])
}
