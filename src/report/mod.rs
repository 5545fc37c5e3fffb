//! Findings for people and for programs: pure functions from what was found to text or JSON.

pub mod timeline;
