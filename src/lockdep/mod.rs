//! The lock validator: an independent implementation of Linux 6.1 lockdep.
//!
//! Callers declare keys, lock objects and tasks, then tell the [`Lockdep`] engine what the tasks
//! do. It learns the order in which lock classes nest and reports what could deadlock, whether or
//! not it did. It knows nothing of the rest of this crate.
//!
//! Two [`Mode`]s: `Kernel` gives the verdict of Linux 6.1 at the same event, with the same text
//! and the same state, blind spots included; `Complete` reports everything and misses no cycle.
//!
//! A bug here is a verdict, a text or a state that differs from the kernel's. Left out, as in the
//! kernel's own user-space build: NMIs, lock pinning, comparison functions, freeing of keys, lock
//! statistics; stack traces are tokens of the caller, so the table that holds them cannot fill up.

#[cfg(feature = "cli")]
pub mod check;
pub mod engine;
#[cfg(feature = "cli")]
pub mod picture;
pub mod render;
pub mod script;
pub mod types;
pub mod usage;

pub use engine::Lockdep;
pub use engine::class::{Class, MAX_LOCKDEP_KEYS, MAX_LOCKDEP_SUBCLASSES};
pub use engine::cycle::CycleStep;
pub use engine::graph::{EN, ER, Edge, MAX_EDGES, SN, SR, dependency_kind};
pub use engine::held::{HeldLock, MAX_LOCK_DEPTH};
pub use engine::report::{Detail, HeldView, Kind, Limit, PathStep, Report, Silence};
pub use engine::task::{IrqState, LastChange};
pub use render::{Form, Symbols, render};
pub use types::*;
