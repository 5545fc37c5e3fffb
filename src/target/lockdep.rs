//! The `lockdep` target: a script of acquires and releases through the validator and through a
//! slow, obviously right reference; they must agree.

/// Checks one script.
pub fn run(bytes: &[u8]) {
    let _ = bytes;
}
