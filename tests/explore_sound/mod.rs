//! Small random cases, and the comparison of searches over them. Shared by the test and the command
//! that runs many.

// The command has no use for what only the test asks.
#![allow(dead_code)]

pub mod alone;
pub mod cases;
pub mod compare;
pub mod forgets;
pub mod hits;
pub mod observed;
pub mod replay;
pub mod straight;
pub mod survey;
