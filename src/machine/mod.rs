//! What a task runs on: locks, counters, waits, SRCU, scheduling points.

mod policy;

pub use policy::Policy;
