//! The `lockdep` target's input. What it checks needs the slow reference in `tests/reference`, which
//! is no part of the library.

use crate::lockdep::script;

input! {
    /// The bytes of an event script. `Debug` prints it as a record of `lockdep check`.
    Input: |input| {
        let (script, raw_lock_nesting) = script::decode(input.0);
        script.record("artifact", raw_lock_nesting)
    }
}
