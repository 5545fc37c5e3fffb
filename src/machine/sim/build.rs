//! Laying out the machine's objects.

use super::lock::{Kind, Lock};
use super::tables::{RcuWaitState, SpanState, SrcuState, WordState};
use super::{Schedule, Sim};
use crate::lockdep::{KeyDesc, WaitType};
use crate::machine::{
    Build, Class, Guard, LockId, LockMap, MAX_TASKS, Mutex, RcuWait, RwLock, RwSem, Span, SpinLock,
    Srcu, Word, Words,
};

impl<S: Schedule, E> Sim<S, E> {
    fn lock(&mut self, class: u16, kind: Kind) -> LockId {
        let state = self.state.get_mut();
        state.instances.push(state.lockdep.declare_instance(state.keys[class as usize], 0));
        state.locks.push(Lock::new(kind, state.names[class as usize]));
        LockId(state.locks.len() as u16 - 1)
    }
}

impl<S: Schedule, E> Build for Sim<S, E> {
    fn class(&mut self, class: Class) -> u16 {
        let desc = KeyDesc {
            name: class.name,
            inner: class.wait,
            outer: WaitType::Invalid,
            lock_type: class.kind,
        };
        let state = self.state.get_mut();
        state.names.push(class.name);
        state.keys.push(state.lockdep.declare_key(&desc));
        state.keys.len() as u16 - 1
    }
    fn mutex(&mut self, class: u16) -> Mutex {
        Mutex(self.lock(class, Kind::Mutex))
    }
    fn spinlock(&mut self, class: u16) -> SpinLock {
        SpinLock(self.lock(class, Kind::Spin))
    }
    fn rwlock(&mut self, class: u16) -> RwLock {
        RwLock(self.lock(class, Kind::RwLock))
    }
    fn rwsem(&mut self, class: u16) -> RwSem {
        RwSem(self.lock(class, Kind::RwSem))
    }
    fn lock_map(&mut self, class: u16) -> LockMap {
        LockMap(self.lock(class, Kind::Map))
    }
    fn srcu(&mut self, class: u16, name: &'static str) -> Srcu {
        let state = self.state.get_mut();
        let instance = state.lockdep.declare_instance(state.keys[class as usize], 0);
        state.srcu.push(SrcuState { name, instance, depth: [0; MAX_TASKS], readers: 0 });
        Srcu(state.srcu.len() as u8 - 1)
    }
    fn span(&mut self, name: &'static str) -> Span {
        let state = self.state.get_mut();
        state.spans.push(SpanState { name, depth: [0; MAX_TASKS], inside: 0 });
        Span(state.spans.len() as u8 - 1)
    }
    fn rcuwait(&mut self, span: Span, until_zero: Word) -> RcuWait {
        let state = self.state.get_mut();
        state.rcuwaits.push(RcuWaitState { task: None, span: span.0, until_zero });
        RcuWait(state.rcuwaits.len() as u8 - 1)
    }
    fn words(&mut self, n: usize, guard: Guard) -> Words {
        let state = self.state.get_mut();
        let base = state.words.len() as u16;
        let word = WordState {
            value: 0,
            guard: guard.lock,
            lockless: guard.lockless,
            dirty: false,
            watchers: 0,
        };
        state.words.resize(state.words.len() + n, word);
        Words(Word(base))
    }
    fn name_words(&mut self, first: Word, name: &'static str) {
        self.state.get_mut().word_names.push((first, name));
    }
}
