//! The machine on OS threads.
mod quick;
#[path = "../common/mod.rs"]
mod common;
