//! The promises that outlive a release: what committed bytes mean, what findings are called, what
//! the documents look like. Compared with the files of `tests/golden`.

mod binary;
#[cfg(all(feature = "cli", unix))]
mod campaign;
#[path = "../common/mod.rs"]
mod common;
#[cfg(all(feature = "cli", unix))]
mod documents;
#[cfg(feature = "cli")]
mod schema;
mod signatures;
