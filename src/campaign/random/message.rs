//! What a campaign and its workers say to each other: JSON, one line each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A line to the worker, which does one after the other. It ends when its standard input does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Name of the variant to run.
    pub variant: String,
    /// Id of the planted bug.
    pub bug: Option<String>,
    /// Which cases.
    pub cases: Cases,
}

/// The cases of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cases {
    /// Random ones.
    Drawn {
        /// Their seed.
        seed: u64,
        /// Index of the first.
        first: u64,
        /// How many.
        count: u64,
        /// Say which one is next before each.
        each: bool,
    },
    /// The one in that file.
    Input(PathBuf),
}

/// A line of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// The case of that index is next.
    At(u64),
    /// The case of that index shows that signature: for the first time in this process, or it is
    /// smaller than those before it.
    Finding {
        /// Which case.
        index: u64,
        /// The signature's number.
        signature: u64,
    },
    /// The order is done.
    Done,
}
