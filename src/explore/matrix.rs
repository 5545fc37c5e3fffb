//! The policy matrix: under which rwsem policies a case's programs hang.

use super::Limits;
use crate::case::Case;
use crate::machine::Policy;
use crate::run::Options;

/// Whether some schedule hangs, for each policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// One row per policy, in the order of [`Policy::ALL`].
    pub rows: Vec<Row>,
}

/// A row of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The policy of every rwsem.
    pub policy: Policy,
    /// Whether tasks can wait for ever.
    pub hangs: Hangs,
}

/// Whether a run can end with tasks that nobody can wake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hangs {
    /// It can.
    Yes {
        /// The waits of the tasks, as in the finding's signature.
        waits: String,
        /// A short case that hangs so.
        case: Case,
    },
    /// No schedule does.
    Never {
        /// Schedules, all there are.
        schedules: u64,
    },
    /// None did before a limit stopped the search.
    NotWithin {
        /// Schedules tried.
        schedules: u64,
        /// The limit, in words.
        bound: String,
    },
}

/// Searches the case's programs, in the variant and with the bug of `options`, under every policy.
/// `limits` hold for each.
pub fn matrix(case: &Case, options: &Options, limits: &Limits) -> Matrix {
    let _ = (case, options, limits);
    todo!()
}

impl Matrix {
    /// A line per policy.
    ///
    /// ```text
    /// writer-fair    hangs: &kvm->mmu_notifier_slots_lock:r -> &kvm->mmu_notifier_slots_lock:w
    /// reader-biased  never (exhausted, 812 schedules)
    /// phase-fair     not within 100000 schedules (the bound on states)
    /// ```
    pub fn text(&self) -> String {
        todo!()
    }
}

/// A row as JSON: `{"policy", "hangs": true | false | null, "exhausted", "bound", "schedules",
/// "waits", "case"}`.
#[cfg(feature = "cli")]
#[derive(Clone, Debug, serde::Serialize)]
pub struct RowJson {
    /// Name of the policy.
    pub policy: &'static str,
    /// Null where a limit stopped the search.
    pub hangs: Option<bool>,
    /// All schedules were tried.
    pub exhausted: bool,
    /// The limit that stopped the search.
    pub bound: Option<String>,
    /// Schedules tried; null where one hangs.
    pub schedules: Option<u64>,
    /// The waits of the tasks that hang.
    pub waits: Option<String>,
    /// Full text of a case that hangs.
    pub case: Option<String>,
}

#[cfg(feature = "cli")]
impl Matrix {
    /// The rows as JSON values.
    pub fn json(&self) -> Vec<RowJson> {
        todo!()
    }
}
