//! The oracles: one file per property, each named by what it forbids.
//!
//! An oracle reads the records of a run, in order, and adds findings. It keeps a shadow of what it
//! needs and asks the protocol code nothing. Lock findings come from the validator, waits from the
//! machine; those oracles only give them their kind.
//!
//! Oracles are listed in `registry`, kinds of findings in `kind`: a line each.

mod assertion;
mod elision;
mod frozen;
mod key;
mod kind;
mod registry;
mod remembered;
mod stale;
mod starvation;
mod stuck;
#[cfg(test)]
mod tests;
mod unbalanced;
mod unpaired;
mod validator;
mod waits;
mod weight;

use crate::kvm::Variant;
use crate::kvm::trace::Event;
use crate::machine::Policy;
use crate::machine::sim::Record;

pub use kind::Kind;
pub(crate) use kind::with_kinds;
pub use registry::{Oracle, Oracles, Visit, each};
pub use remembered::Remembered;
#[cfg(feature = "explore")]
pub(crate) use validator::kind_of as reported_kind;
pub use waits::{WaitStep, wait_steps};
pub use weight::worst;

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Breaks the verdict.
    Violation,
    /// Known to and stated by the variant's (or policy's) own source; leaves the verdict clean.
    Documented,
}

impl Severity {
    /// The name used in JSON and reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Violation => "violation",
            Severity::Documented => "documented",
        }
    }
}

/// Identity of a finding across runs: a hash of kind and canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature(pub u64);

impl Signature {
    /// The signature of a kind and the parts of its canonical form (FNV-1a, 64 bits).
    pub(crate) fn of<'a>(kind: Kind, parts: impl IntoIterator<Item = &'a str>) -> Signature {
        let mut hash = fnv(0xcbf2_9ce4_8422_2325, kind.name());
        for part in parts {
            hash = fnv(hash, " ");
            hash = fnv(hash, part);
        }
        Signature(hash)
    }
}

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What stands behind a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The validator's report of that index.
    Report(u16),
    /// The waits of that index in [`Inspect::cycles`](crate::machine::sim::Inspect::cycles).
    Waits(u16),
    /// A broken invariant, in words that are its signature.
    Invariant(&'static str),
    /// The same, at a function.
    At(&'static str, &'static str),
    /// A waiter passed so many times; what it waited for.
    Bypassed(&'static str, u32),
}

/// One finding of a run; `Runner::describe` puts it into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is a case of.
    pub kind: Kind,
    /// How it counts.
    pub severity: Severity,
    /// Its identity across runs.
    pub signature: Signature,
    /// The event of the run at which it showed.
    pub event: u32,
    /// The task that ran then.
    pub task: u8,
    /// What stands behind it.
    pub evidence: Evidence,
}

/// What oracles may know of a run beside its records.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The protocol version.
    pub variant: Variant,
    /// Admission rule of every rwsem.
    pub policy: Policy,
}

/// Where oracles put their findings: each signature once.
#[derive(Debug)]
pub struct Findings<'a> {
    list: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, record: (u32, u8), kind: Kind, severity: Severity, evidence: Evidence) {
        let signature = match evidence {
            Evidence::Invariant(what) => Signature::of(kind, [what]),
            Evidence::At(what, function) => Signature::of(kind, [what, function]),
            Evidence::Bypassed(what, _) => Signature::of(kind, [what]),
            Evidence::Report(_) | Evidence::Waits(_) => return,
        };
        self.add_signed(record, kind, severity, evidence, signature);
    }

    fn add_signed(
        &mut self,
        (event, task): (u32, u8),
        kind: Kind,
        severity: Severity,
        evidence: Evidence,
        signature: Signature,
    ) {
        if self.list.iter().all(|f| f.signature != signature) {
            self.list.push(Finding { kind, severity, signature, event, task, evidence });
        }
    }

    /// An invariant does not hold; `what` says which, and is the finding's signature.
    pub fn broken(&mut self, at: &Record<Event>, kind: Kind, what: &'static str) {
        self.add((at.event, at.task), kind, Severity::Violation, Evidence::Invariant(what));
    }
}
