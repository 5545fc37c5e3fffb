//! Laying out the machine's objects: in the same order as on the simulator, so that numbers agree.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use parking_lot::{RecursiveRwLock, RwLock as Fair};

use super::lock::Lock;
use super::srcu::SrcuDomain;
use super::word::Cell;
use super::{NOBODY, Native};
use crate::machine::{
    Build, Class, Guard, LockId, LockMap, Mutex, Policy, RcuWait, RwLock, RwSem, Span, SpinLock,
    Srcu, Word, Words,
};

impl<E> Native<E> {
    fn lock(&mut self, lock: Lock) -> LockId {
        self.locks.push(lock);
        LockId(self.locks.len() as u16 - 1)
    }
}

impl<E> Build for Native<E> {
    fn class(&mut self, _: Class) -> u16 {
        self.classes += 1;
        self.classes - 1
    }
    fn mutex(&mut self, _: u16) -> Mutex {
        Mutex(self.lock(Lock::Mutex(Arc::default())))
    }
    fn spinlock(&mut self, _: u16) -> SpinLock {
        SpinLock(self.lock(Lock::Mutex(Arc::default())))
    }
    fn rwlock(&mut self, _: u16) -> RwLock {
        RwLock(self.lock(Lock::Fair(Arc::new(Fair::new(())))))
    }
    fn rwsem(&mut self, _: u16) -> RwSem {
        RwSem(match self.policy {
            Policy::ReaderBiased => self.lock(Lock::Biased(Arc::new(RecursiveRwLock::new(())))),
            _ => self.lock(Lock::Fair(Arc::new(Fair::new(())))),
        })
    }
    fn lock_map(&mut self, _: u16) -> LockMap {
        LockMap(self.lock(Lock::Map))
    }
    fn srcu(&mut self, _: u16, _: &'static str) -> Srcu {
        self.srcu.push(SrcuDomain::default());
        Srcu(self.srcu.len() as u8 - 1)
    }
    fn span(&mut self, _: &'static str) -> Span {
        self.spans += 1;
        Span(self.spans - 1)
    }
    fn rcuwait(&mut self, _: Span, _: Word) -> RcuWait {
        self.rcuwaits.push(AtomicU8::new(NOBODY));
        RcuWait(self.rcuwaits.len() as u8 - 1)
    }
    fn words(&mut self, n: usize, guard: Guard) -> Words {
        let base = self.words.len() as u16;
        self.words.extend((0..n).map(|_| Cell::new(guard)));
        Words(Word(base))
    }
}
