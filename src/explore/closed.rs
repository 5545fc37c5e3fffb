//! Closed programs: a case with what a predicted cycle may need beside its own tasks.

use crate::case::Case;

/// A case's programs, closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The case with the added tasks behind its own, and no schedule.
    pub case: Case,
    /// What was added, in words: `a memslot update of vm0`, `a second munmapper`.
    pub added: Vec<String>,
    /// What a cap kept out, in the same words.
    pub left_out: Vec<String>,
}

/// Adds one memslot update per VM and a second copy of each of `tasks`, which take part in the
/// predicted cycle, where absent and within the caps of a case.
pub fn closed(case: &Case, tasks: &[usize]) -> Closed {
    let _ = (case, tasks);
    todo!()
}
