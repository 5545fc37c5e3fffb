//! Campaigns whose processes are killed, and whose disks are full or read-only: what was found is
//! neither lost nor damaged, and it is printed where it cannot be written.
//!
//! Nothing is built: the clone is a small one whose cargo is a script, and its targets are this
//! program.

#![cfg(all(feature = "cli", target_os = "linux"))]

mod disks;
mod kills;
mod small_clone;
mod target;
