//! The case and its two forms: the laws, for legal cases drawn at random; what the parser says to
//! text that is none; what small inputs reach.

mod cases;
mod corpus;
#[cfg(feature = "cli")]
mod files;
mod laws;
mod mutate;
mod reach;
mod text;
