//! The lock validator.
