//! The promises that outlive a release: what committed bytes mean, what findings are called, what
//! the documents look like. Compared with the files of `tests/golden`.

mod binary;
#[path = "../common/mod.rs"]
mod common;
mod signatures;
