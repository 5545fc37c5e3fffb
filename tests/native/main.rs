//! The machine on OS threads: what its locks do, what its runs may end in, and `stress` from the
//! outside.

#![cfg(feature = "cli")]

mod agreement;
mod command;
mod facts;
mod planted;
mod primitives;
mod stuck;

#[path = "../common/mod.rs"]
mod common;
