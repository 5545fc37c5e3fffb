//! Small random cases, and the comparison of searches over them. Shared by the test and the command
//! that runs many.

pub mod cases;
pub mod compare;
pub mod hits;
pub mod replay;
pub mod survey;
