//! The primary MMU: address space, pages, rmap locks, notifier core.

mod pages;

pub use pages::{HVA_PAGES, Pages};
