//! The registry of oracles: one line for each.
//!
//! A search goes on from a known state only once, and tries one of the orders of steps that commute.
//! What an oracle remembers is therefore part of the state, and what it compares part of what a step
//! touches. An oracle that says neither is taken to remember all that it holds and to compare every
//! event with every other: that loses nothing and costs states. A bug here would be an oracle that
//! refines one of the two and leaves something out; the test of every oracle alone, with the
//! reductions on and off, shows that.

use std::fmt::Debug;
use std::hash::Hash;

use super::{Facts, Finding, Findings, Remembered, stuck, validator};
use super::{assertion, elision, frozen, stale, starvation, unbalanced, unpaired};
use crate::kvm::trace::Event;
use crate::machine::sim::{Alarm, Inspect, Object, Record, What};

/// What every event of a run is compared with by an oracle that does not say more.
const ANYTHING: Object = Object::observed(8191);

/// Judges one property over the records of a run.
pub trait Oracle: Clone + Debug + Default + Hash {
    /// A run begins: nothing has been seen.
    fn begin(&mut self) {
        *self = Self::default();
    }

    /// Takes in the run's next event.
    fn see(&mut self, at: &Record<Event>, event: Event, facts: Facts, out: &mut Findings<'_>);

    /// Takes in what the machine itself found wrong.
    fn hear(
        &mut self,
        _seen: &Inspect<'_, Event>,
        _at: &Record<Event>,
        _alarm: Alarm,
        _out: &mut Findings<'_>,
    ) {
    }

    /// The run is over, or cut where others have gone on: what is wrong already.
    fn end(&mut self, _seen: &Inspect<'_, Event>, _out: &mut Findings<'_>) {}

    /// What an event is compared with that the protocol itself need not touch: `touch` gets each
    /// object, and whether the event changes it. To be asked before the event is seen.
    fn touched(&self, _event: Event, touch: &mut dyn FnMut(Object, bool)) {
        touch(ANYTHING, true);
    }

    /// What it remembers of the run so far that can still change a verdict.
    fn remember(&self, memory: &mut Remembered<'_>) {
        memory.whole(self);
    }

    /// Takes in the run's next record.
    fn follow(
        &mut self,
        seen: &Inspect<'_, Event>,
        record: &Record<Event>,
        facts: Facts,
        findings: &mut Vec<Finding>,
    ) {
        let out = &mut Findings { list: findings };
        match record.what {
            What::Trace(event) => self.see(record, event, facts, out),
            What::Alarm(alarm) => self.hear(seen, record, alarm, out),
            _ => {}
        }
    }

    /// The run is over or cut; `findings` gets what is wrong with it.
    fn conclude(&mut self, seen: &Inspect<'_, Event>, findings: &mut Vec<Finding>) {
        self.end(seen, &mut Findings { list: findings });
    }

    /// Judges a finished run; `findings` gets what is wrong with it.
    fn judge(&mut self, seen: &Inspect<'_, Event>, facts: Facts, findings: &mut Vec<Finding>) {
        self.begin();
        for record in seen.records {
            self.follow(seen, record, facts, findings);
        }
        self.conclude(seen, findings);
    }
}

/// Does something with the type of every oracle.
pub trait Visit {
    /// The oracle of that name.
    fn visit<O: Oracle>(&mut self, name: &'static str);
}

macro_rules! oracles {
    ($($name:ident: $oracle:ty,)*) => {
        /// All oracles, and what the validator and the machine find themselves.
        #[derive(Debug, Default, Hash)]
        pub struct Oracles { $($name: $oracle,)* }

        impl Clone for Oracles {
            fn clone(&self) -> Self {
                Oracles { $($name: self.$name.clone(),)* }
            }

            /// Keeps its memory.
            fn clone_from(&mut self, other: &Self) {
                $(self.$name.clone_from(&other.$name);)*
            }
        }

        impl Oracle for Oracles {
            fn begin(&mut self) {
                $(self.$name.begin();)*
            }

            fn see(
                &mut self,
                at: &Record<Event>,
                event: Event,
                facts: Facts,
                out: &mut Findings<'_>,
            ) {
                $(self.$name.see(at, event, facts, out);)*
            }

            fn hear(
                &mut self,
                seen: &Inspect<'_, Event>,
                at: &Record<Event>,
                alarm: Alarm,
                out: &mut Findings<'_>,
            ) {
                found(seen, at, alarm, out);
                $(self.$name.hear(seen, at, alarm, out);)*
            }

            fn end(&mut self, seen: &Inspect<'_, Event>, out: &mut Findings<'_>) {
                validator::lock_order(seen, out);
                $(self.$name.end(seen, out);)*
            }

            fn touched(&self, event: Event, touch: &mut dyn FnMut(Object, bool)) {
                $(self.$name.touched(event, touch);)*
            }

            fn remember(&self, memory: &mut Remembered<'_>) {
                $(self.$name.remember(memory);)*
            }
        }

        /// Visits every oracle of the registry, each alone.
        pub fn each(visitor: &mut impl Visit) {
            $(visitor.visit::<$oracle>(stringify!($name));)*
        }
    };
}

oracles! {
    assertion: assertion::Assertions,
    elision: elision::ElisionDisagreement,
    frozen: frozen::MemslotsNotFrozen,
    stale: stale::StaleMapping,
    starvation: starvation::Starvation,
    unbalanced: unbalanced::UnbalancedCount,
    unpaired: unpaired::UnpairedRegion,
}

/// What needs no oracle but a kind.
fn found(seen: &Inspect<'_, Event>, at: &Record<Event>, alarm: Alarm, out: &mut Findings<'_>) {
    match alarm {
        Alarm::Validator(report) => validator::judge(seen, at, report, out),
        Alarm::SleepInAtomic { at: site, nonblock } => {
            stuck::sleep_in_atomic(at, site, nonblock, out);
        }
        Alarm::Stuck(doom, cycle) => stuck::judge(seen, at, doom, cycle, out),
        Alarm::Bypassed(_) => {}
    }
}
