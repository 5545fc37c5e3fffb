//! The lock validator: an independent implementation of Linux 6.1 lockdep.
//!
//! Callers declare keys, lock objects and tasks, then tell the [`Lockdep`] engine what the tasks
//! do. It learns the order in which lock classes nest and reports what could deadlock, whether or
//! not it did. It knows nothing of the rest of this crate, but how messages quote input (`quote`).
//!
//! Two [`Mode`]s: `Kernel` gives the verdict of Linux 6.1 at the same event, with the same text
//! and the same state, blind spots included; `Complete` reports everything and misses no cycle.
//!
//! | part | what |
//! | --- | --- |
//! | [`Lockdep`] | the engine: declarations and events in, [`Report`]s and the graph out |
//! | [`render()`] | a report as the kernel's text; the caller's [`Symbols`] name addresses |
//! | [`script`] | scenarios as lines of text, or as a fuzzer's bytes |
//! | `check`, `picture` | JSON Lines, Graphviz and SVG (feature `cli`) |
//!
//! ```
//! use kvm_lock_fuzz::lockdep::{Config, Form, Mode, script};
//!
//! let decl = ["class map", "lock map map", "class slots inner=sleep", "lock slots slots"];
//! let events = ["Q acq map w", "Q acq slots r", "Q rel map", "Q acq map w"];
//! let script = script::parse(&decl, &events)?;
//! let mut outcome = script::run(&script, Config { mode: Mode::Complete, ..Config::default() });
//! outcome.lockdep.finish();
//! let report = &outcome.lockdep.reports()[0];
//! assert_eq!(outcome.lockdep.signature(report), "circular map -EN-> slots -SN-> map");
//! assert!(outcome.text(&script, report, Form::V6_1).contains("-> #1 (slots)"));
//! # Ok::<(), script::ScriptError>(())
//! ```
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
pub use engine::signature::dependency_name;
pub use engine::task::{IrqState, LastChange, SavedTask};
pub use render::{Form, Symbols, render};
pub use types::*;
