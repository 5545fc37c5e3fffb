//! What a task does below a state, each kept once: which objects it touches, and what of the same
//! part of the search always happens before that.
//!
//! A step of the path races with a touch to come only where nothing between the two orders them, and
//! what lies between is partly below the state. So each touch comes with the tasks and touches that
//! preceded it in every run below.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::sets::{SetId, Sets};

/// The futures of one task. Equal futures have equal ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FutureId(pub u32);

impl FutureId {
    /// The task does nothing more.
    pub const NONE: FutureId = FutureId(0);
}

/// A touch to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Touch {
    /// Of what, as a bit.
    pub object: u16,
    /// It changes it.
    pub changed: bool,
    /// Tasks that have always run before it.
    pub tasks: u16,
    /// What has always been touched before it, by steps that it depends on.
    pub before: SetId,
}

/// All that one task does below a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Future {
    /// Sorted by object and change.
    pub touches: Box<[Touch]>,
    /// All of them as one set.
    pub all: SetId,
}

/// A step that comes before what a future says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Before {
    /// Whose step.
    pub task: u8,
    /// What it touches.
    pub set: SetId,
    /// It wakes the future's task, or is its own.
    pub precedes: bool,
}

/// All futures so far.
#[derive(Debug)]
pub struct Futures {
    futures: Vec<Future>,
    ids: HashMap<Future, FutureId, FxBuildHasher>,
    merged: HashMap<(FutureId, FutureId), FutureId, FxBuildHasher>,
    preceded: HashMap<(FutureId, Before), FutureId, FxBuildHasher>,
    single: HashMap<SetId, FutureId, FxBuildHasher>,
}

impl Default for Futures {
    fn default() -> Self {
        let mut futures = Futures {
            futures: Vec::new(),
            ids: HashMap::default(),
            merged: HashMap::default(),
            preceded: HashMap::default(),
            single: HashMap::default(),
        };
        futures.intern(Future { touches: Box::default(), all: SetId::EMPTY });
        futures
    }
}

impl Futures {
    /// What is in a future.
    pub fn get(&self, id: FutureId) -> &Future {
        &self.futures[id.0 as usize]
    }

    fn intern(&mut self, future: Future) -> FutureId {
        if let Some(&id) = self.ids.get(&future) {
            return id;
        }
        let id = FutureId(self.futures.len() as u32);
        self.ids.insert(future.clone(), id);
        self.futures.push(future);
        id
    }

    /// The future that is one step.
    pub fn of(&mut self, sets: &Sets, set: SetId) -> FutureId {
        if let Some(&id) = self.single.get(&set) {
            return id;
        }
        let touch = |(object, changed)| Touch { object, changed, tasks: 0, before: SetId::EMPTY };
        let touches = sets.get(set).members().map(touch).collect();
        let id = self.intern(Future { touches, all: set });
        self.single.insert(set, id);
        id
    }

    /// A future that is one or the other: only what precedes a touch in both precedes it.
    pub fn merge(&mut self, sets: &mut Sets, a: FutureId, b: FutureId) -> FutureId {
        if a == b || b == FutureId::NONE {
            return a;
        }
        if a == FutureId::NONE {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&id) = self.merged.get(&key) {
            return id;
        }
        let (a, b) = (self.get(a), self.get(b));
        let all = sets.union(a.all, b.all);
        let touches = zip(&a.touches, &b.touches, |x, y| Touch {
            tasks: x.tasks & y.tasks,
            before: sets.intersection(x.before, y.before),
            ..x
        });
        let id = self.intern(Future { touches, all });
        self.merged.insert(key, id);
        id
    }

    /// The future where a step comes first.
    pub fn after(&mut self, sets: &mut Sets, future: FutureId, step: Before) -> FutureId {
        if future == FutureId::NONE {
            return future;
        }
        if let Some(&id) = self.preceded.get(&(future, step)) {
            return id;
        }
        let Future { touches, all } = self.get(future).clone();
        let touches = touches.iter().map(|&touch| touch.after(sets, step)).collect();
        let id = self.intern(Future { touches, all });
        self.preceded.insert((future, step), id);
        id
    }

    /// Bytes in use, roughly.
    pub fn memory(&self) -> usize {
        let touches: usize = self.futures.iter().map(|future| future.touches.len()).sum();
        touches * 2 * size_of::<Touch>()
            + self.futures.len() * 80
            + (self.merged.capacity() + 2 * self.preceded.capacity()) * 16
    }
}

impl Touch {
    /// The touch where `step` comes first: it precedes the touch if that depends on it, or on
    /// something that does.
    fn after(self, sets: &mut Sets, step: Before) -> Touch {
        let precedes = step.precedes
            || self.tasks & 1 << step.task != 0
            || sets.get(step.set).conflicts_with(self.object, self.changed)
            || sets.conflict(step.set, self.before);
        match precedes {
            true => Touch {
                tasks: self.tasks | 1 << step.task,
                before: sets.union(self.before, step.set),
                ..self
            },
            false => self,
        }
    }

    fn key(&self) -> (u16, bool) {
        (self.object, self.changed)
    }
}

/// Two sorted lists as one; where both have a touch, `both` makes it one.
fn zip(a: &[Touch], b: &[Touch], mut both: impl FnMut(Touch, Touch) -> Touch) -> Box<[Touch]> {
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    let mut all = Vec::new();
    loop {
        let order = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => x.key().cmp(&y.key()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return all.into(),
        };
        all.extend(match order {
            std::cmp::Ordering::Less => a.next(),
            std::cmp::Ordering::Greater => b.next(),
            std::cmp::Ordering::Equal => a.next().zip(b.next()).map(|(x, y)| both(x, y)),
        });
    }
}
