//! The objects of the model's world by their names. Every machine is laid out the same way.

use std::sync::LazyLock;

use super::step::{Step, Verb};
use super::watch::Watching;
use crate::case::Case;
use crate::kvm::trace::Event;
use crate::lockdep::KeyId;
use crate::machine::sim::{Call, Inspect, LockKind, Sim};
use crate::machine::{HeldUp, LockId, Mode, RcuWait, Site, Srcu, Word};
use crate::run::{Options, Stage};

/// What the rcuwait of a memslot update and the state of its task are called.
const RCUWAIT: &str = "mn_memslots_update_rcuwait";
const STATE: &str = "task->state";

/// Names of objects, and where they are.
#[derive(Debug, Default)]
pub(super) struct Layout {
    names: Vec<(&'static str, Option<LockKind>)>,
    locks: Vec<u8>,
    words: Vec<u8>,
    srcus: Vec<u8>,
    /// Of the rcuwaits, of a task's state, and of what faults wait for.
    rcuwait: u8,
    state: u8,
    region: u8,
    update: u8,
    /// Lock classes by the validator's keys.
    keys: Vec<String>,
}

/// One object of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Object {
    Lock(LockId),
    Word(Word),
    Srcu(Srcu),
    RcuWait(RcuWait),
}

/// That of every machine.
pub(super) fn layout() -> &'static Layout {
    static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
        let mut sim = Sim::new(Watching::default());
        let case = Case::default();
        let options = Options::of(&case);
        Stage::build(&mut sim, case, &options);
        sim.inspect(Layout::of)
    });
    &LAYOUT
}

impl Layout {
    fn of(seen: &Inspect<'_, Event>) -> Layout {
        let mut layout = Layout::default();
        for lock in (0..seen.locks() as u16).map(LockId) {
            let name = layout.name(seen.class(lock), Some(seen.kind(lock)));
            layout.locks.push(name);
        }
        for word in (0..seen.words() as u16).map(Word) {
            let name = layout.name(seen.word_name(word), None);
            layout.words.push(name);
        }
        for srcu in (0..seen.srcus() as u8).map(Srcu) {
            let name = layout.name(seen.srcu_name(srcu), None);
            layout.srcus.push(name);
        }
        layout.rcuwait = layout.name(RCUWAIT, None);
        layout.state = layout.name(STATE, None);
        layout.region = layout.name("region(vm)", None);
        layout.update = layout.name("memslots(vm)", None);
        let key = |key| (!str::is_empty(key)).then(|| key.to_owned());
        let keys = (0..).map_while(|i| key(seen.lockdep.key_name(KeyId(i))));
        layout.keys = keys.collect();
        layout
    }

    fn name(&mut self, name: &'static str, kind: Option<LockKind>) -> u8 {
        let known = self.names.iter().position(|known| *known == (name, kind));
        known.unwrap_or_else(|| {
            self.names.push((name, kind));
            self.names.len() - 1
        }) as u8
    }

    /// The name of an object; what kind of lock it is, if it is one.
    pub(super) fn object(&self, name: u8) -> (&'static str, Option<LockKind>) {
        self.names.get(usize::from(name)).copied().unwrap_or(("?", None))
    }

    /// The class of a key of the validator.
    pub(super) fn key(&self, key: u16) -> &str {
        self.keys.get(usize::from(key)).map_or("?", String::as_str)
    }

    /// The step that a call is, the object that tasks meet on, and whether the call changes it; no step
    /// for a place.
    pub(super) fn step(&self, site: Site, call: Call) -> Option<(Step, Option<(Object, bool)>)> {
        let write = |mode| mode == Mode::Write;
        // A lock map is an annotation: tasks do not meet there.
        let of_lock = |lock: LockId, verb, changes| {
            let name = self.locks[usize::from(lock.0)];
            let map = self.object(name).1 == Some(LockKind::Map);
            (verb, name, (!map).then_some((Object::Lock(lock), changes)))
        };
        let of_word = |word: Word, verb, changes| {
            (verb, self.words[usize::from(word.0)], Some((Object::Word(word), changes)))
        };
        let of_srcu = |srcu: Srcu, verb, changes| {
            (verb, self.srcus[usize::from(srcu.0)], Some((Object::Srcu(srcu), changes)))
        };
        let of_wait = |wait, verb| (verb, self.rcuwait, Some((Object::RcuWait(wait), true)));
        let (verb, object, touched) = match call {
            Call::Acquire(lock, mode) => of_lock(lock, Verb::Take(write(mode)), write(mode)),
            Call::TryAcquire(lock, mode) => of_lock(lock, Verb::Try(write(mode)), write(mode)),
            Call::Release(lock, mode) => of_lock(lock, Verb::Drop(write(mode)), write(mode)),
            Call::Downgrade(lock) => of_lock(lock, Verb::Downgrade, true),
            Call::Read(word) => of_word(word, Verb::Read, false),
            Call::Write(word) => of_word(word, Verb::Write, true),
            Call::Update(word) => of_word(word, Verb::Update, true),
            Call::SrcuEnter(srcu) => of_srcu(srcu, Verb::SrcuEnter, false),
            Call::SrcuLeave(srcu) => of_srcu(srcu, Verb::SrcuLeave, false),
            Call::Synchronize(srcu) => of_srcu(srcu, Verb::Synchronize, true),
            Call::Prepare(wait) => of_wait(wait, Verb::Prepare),
            Call::Schedule(wait) => of_wait(wait, Verb::Schedule),
            Call::Finish(wait) => of_wait(wait, Verb::Finish),
            Call::Wake(wait) => of_wait(wait, Verb::Wake),
            Call::SetUninterruptible => (Verb::SetUninterruptible, self.state, None),
            Call::Retry(HeldUp::ByRegion(..)) => (Verb::Retry, self.region, None),
            Call::Retry(HeldUp::ByUpdate(_)) => (Verb::Retry, self.update, None),
            Call::Place(_) => return None,
        };
        Some((Step { function: site.frames[0].0, verb, object }, touched))
    }
}
