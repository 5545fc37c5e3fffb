//! Exhaustive search over the schedules of a case's programs.

mod config;
mod cursor;
mod engine;
mod model;
mod path;
mod protocol;
mod sets;
mod slots;
mod visited;

pub use config::{Config, Mistake, Reduction};
pub use cursor::Cursor;
pub use engine::{Counts, Search};
pub use model::{Model, Observer, SearchTask};
pub use protocol::{Judge, Machine, Programs};
pub use slots::search;
