//! The policy matrix: under which rwsem policies a case's programs hang.

use std::fmt::Write;

use super::hang::{Any, Fit, NO_ROOM, seek, shortest_hang};
use super::witness::counted;
use super::{Budget, Limits};
use crate::case::Case;
#[cfg(feature = "cli")]
use crate::case::text::Names;
use crate::machine::Policy;
use crate::oracle::Evidence;
use crate::run::{Options, Runner};

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
#[expect(clippy::large_enum_variant, reason = "there are three in a matrix")]
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
    let row = |&policy: &Policy| {
        let options = Options { policy, ..*options };
        Row { policy, hangs: hangs(case, &options, &mut Budget::new(*limits)) }
    };
    Matrix { rows: Policy::ALL.iter().map(row).collect() }
}

/// The same, all rows in one budget, where it is known of some policies whether they hang.
pub(super) fn matrix_beside(
    case: &Case,
    options: &Options,
    budget: &mut Budget,
    known: impl Fn(Policy) -> Option<Hangs>,
) -> Matrix {
    let mut still = Policy::ALL.iter().filter(|policy| known(**policy).is_none()).count();
    let mut search = |policy| {
        let mut share = budget.share(1, still);
        let hangs = hangs(case, &Options { policy, ..*options }, &mut share);
        budget.settle(&share);
        still -= 1;
        hangs
    };
    let row =
        |&policy: &Policy| Row { policy, hangs: known(policy).unwrap_or_else(|| search(policy)) };
    Matrix { rows: Policy::ALL.iter().map(row).collect() }
}

fn hangs(case: &Case, options: &Options, budget: &mut Budget) -> Hangs {
    let sought = seek(case, options, &mut [Any], budget.left());
    budget.take(sought.taken);
    let schedules = sought.taken.schedules;
    match (&sought.fits[0].exact, sought.bound) {
        (None, None) => Hangs::Never { schedules },
        (None, Some(bound)) => Hangs::NotWithin { schedules, bound: bound.to_string() },
        (Some(hung), _) => {
            match shortest_hang(case, options, &mut Any, (Fit::Exact, &hung.steps), budget) {
                Some(case) => Hangs::Yes { waits: waits(&case, options), case },
                None => Hangs::NotWithin { schedules, bound: NO_ROOM.to_string() },
            }
        }
    }
}

/// The first waits that a run of the case ends with.
fn waits(case: &Case, options: &Options) -> String {
    let mut runner = Runner::new();
    let findings = runner.run(case, options).findings.clone();
    let stuck = findings.iter().find(|finding| matches!(finding.evidence, Evidence::Waits(_)));
    stuck.map_or(String::new(), |finding| runner.describe_in(case, finding).signature)
}

impl Matrix {
    /// A line per policy.
    ///
    /// ```text
    /// writer-fair    hangs: deadlock &kvm->mmu_notifier_slots_lock:r -> &kvm->mmu_notifier_slots_lock:w
    /// reader-biased  never (exhausted, 812 schedules)
    /// phase-fair     not within 100000 schedules (the bound on states)
    /// ```
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let _ = writeln!(text, "{:<14} {}", row.policy.name(), row.hangs.words());
        }
        text
    }
}

impl Hangs {
    fn words(&self) -> String {
        match self {
            Hangs::Yes { waits, .. } => format!("hangs: {waits}"),
            Hangs::Never { schedules } => format!("never (exhausted, {})", counted(*schedules)),
            Hangs::NotWithin { schedules, bound } => {
                format!("not within {} ({bound})", counted(*schedules))
            }
        }
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
    /// The rows as JSON values, with tasks called by `names`.
    pub fn json(&self, names: &Names) -> Vec<RowJson> {
        self.rows.iter().map(|row| row.json(names)).collect()
    }
}

#[cfg(feature = "cli")]
impl Row {
    fn json(&self, names: &Names) -> RowJson {
        let policy = self.policy.name();
        let empty = RowJson {
            policy,
            hangs: None,
            exhausted: false,
            bound: None,
            schedules: None,
            waits: None,
            case: None,
        };
        match &self.hangs {
            Hangs::Yes { waits, case } => RowJson {
                hangs: Some(true),
                waits: Some(waits.clone()),
                case: Some(names.text(case).to_string()),
                ..empty
            },
            &Hangs::Never { schedules } => {
                RowJson { hangs: Some(false), exhausted: true, schedules: Some(schedules), ..empty }
            }
            Hangs::NotWithin { schedules, bound } => {
                RowJson { bound: Some(bound.clone()), schedules: Some(*schedules), ..empty }
            }
        }
    }
}
