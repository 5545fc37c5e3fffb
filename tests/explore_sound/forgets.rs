//! An oracle of somebody else, whose verdict needs what only it remembers and compares: an order that
//! the protocol does not see. Written by the recipe it says nothing of that; and the same where it
//! says, wrongly, that it remembers or compares nothing.

use std::marker::PhantomData;

use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::{Object, Record};
use kvm_lock_fuzz::oracle::{Facts, Findings, Kind, Oracle, Remembered};

/// What of an oracle is left out.
pub trait LeftOut: Clone + std::fmt::Debug + Default + std::hash::Hash {
    const MEMORY: bool;
    const COMPARED: bool;
}

macro_rules! left_out {
    ($($name:ident: $memory:literal, $compared:literal;)*) => {$(
        #[derive(Clone, Debug, Default, Hash)]
        pub struct $name;

        impl LeftOut for $name {
            const MEMORY: bool = $memory;
            const COMPARED: bool = $compared;
        }
    )*};
}

left_out! {
    Nothing: false, false;
    Memory: true, false;
    Compared: false, true;
}

/// Tells apart which of two tasks tried to fault first, once both have.
#[derive(Clone, Debug, Default, Hash)]
pub struct Orders<L> {
    attempts: Vec<u8>,
    left_out: PhantomData<L>,
}

impl<L: LeftOut> Oracle for Orders<L> {
    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, out: &mut Findings<'_>) {
        match event {
            Event::Attempt { .. } => self.attempts.push(at.task),
            Event::Gup if self.attempts == [0, 1] => {
                out.broken(at, Kind::Assertion, "the first task tried first");
            }
            Event::Gup if self.attempts == [1, 0] => {
                out.broken(at, Kind::Assertion, "the second task tried first");
            }
            _ => {}
        }
    }

    fn touched(&self, _: Event, touch: &mut dyn FnMut(Object, bool)) {
        if !L::COMPARED {
            touch(Object::observed(7), true);
        }
    }

    fn remember(&self, memory: &mut Remembered<'_>) {
        if !L::MEMORY {
            memory.whole(self);
        }
    }
}

/// The same, as somebody writes it who has read the recipe and no more.
#[derive(Clone, Debug, Default, Hash)]
pub struct Recipe(Orders<Nothing>);

impl Oracle for Recipe {
    fn see(&mut self, at: &Record<Event>, event: Event, facts: Facts, out: &mut Findings<'_>) {
        self.0.see(at, event, facts, out);
    }
}
