//! What parent and child tell each other: JSON, one line each.

use serde::{Deserialize, Serialize};

use crate::oracle::Finding;
use crate::run::Described;

/// The parent's only line. The child goes on until its time is over or its standard input ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Text of the case.
    pub case: String,
    /// Name of the policy.
    pub policy: String,
    /// Seed of the jitter.
    pub seed: u64,
    /// How long.
    pub seconds: f64,
}

/// A line of the child.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// The process lives, though its rounds may take long.
    Alive,
    /// So many rounds since the last line like this.
    Rounds(u64),
    /// A finding, the first time that this child sees it.
    Finding(Reported),
    /// Tasks are stuck: its last line.
    Stuck,
    /// The machine of OS threads is at fault: its last line.
    Broken(String),
}

/// A finding in words, as it crosses the pipe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reported {
    /// The property.
    pub kind: String,
    /// `violation` or `documented`.
    pub severity: String,
    /// Identity across runs, as a number.
    pub hash: u64,
    /// The same in words.
    pub signature: String,
    /// Lock classes and waits.
    pub classes: Vec<String>,
    /// One line: what happened.
    pub message: String,
}

impl Reported {
    pub(super) fn new(finding: &Finding, words: Described) -> Reported {
        Reported {
            kind: finding.kind.name().to_string(),
            severity: finding.severity.name().to_string(),
            hash: finding.signature.0,
            signature: words.signature,
            classes: words.classes,
            message: words.message,
        }
    }
}
