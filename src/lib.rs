//! A model of the locking protocol between KVM's MMU notifiers, memslot updates and guest page
//! faults, with the lock validator, the schedules and the oracles that find its bugs.
#![deny(missing_docs)]

#[cfg(feature = "cli")]
pub mod campaign;
pub mod case;
#[cfg(feature = "explore")]
pub mod explore;
pub mod kvm;
pub mod lockdep;
pub mod machine;
pub mod mm;
pub mod oracle;
pub mod prng;
pub mod quote;
#[cfg(feature = "cli")]
pub mod report;
pub mod run;
pub mod schedule;
#[cfg(feature = "cli")]
pub mod seen;
#[cfg(feature = "cli")]
pub mod stress;

pub mod target;

pub mod shrink;
