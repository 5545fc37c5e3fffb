//! Findings for people and for programs: pure functions from what was found to text or JSON.

pub mod answers;
mod count;
pub mod explore;
pub mod json;
mod page;
pub mod seen;
pub mod stress;
pub mod table;
pub mod text;
pub mod timeline;
pub mod witness;
