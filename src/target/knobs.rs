//! The environment knobs of the `protocol` target. They choose what is run, never how bytes are
//! decoded.

use std::env;
use std::path::PathBuf;

use crate::kvm::{Bug, Variant};

/// Folder that findings are collected in; without it the target asserts.
pub const COLLECT: &str = "KVM_LOCK_FUZZ_COLLECT";
/// The variant to run; without it all sound variants (assert) or the case's own (collect).
pub const VARIANT: &str = "KVM_LOCK_FUZZ_VARIANT";
/// The planted bug to run, in the variant that it belongs to.
pub const BUG: &str = "KVM_LOCK_FUZZ_BUG";

/// Every knob.
pub const ALL: [&str; 3] = [COLLECT, VARIANT, BUG];

/// What an input is run with: a variant, and its planted bug or none.
pub type Setting = (Variant, Option<Bug>);

/// What the knobs say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knobs {
    /// Value of [`COLLECT`].
    pub collect: Option<PathBuf>,
    /// Value of [`VARIANT`].
    pub variant: Option<Variant>,
    /// Value of [`BUG`].
    pub bug: Option<Bug>,
}

impl Knobs {
    /// Reads the environment. The error is one line that names the knob and what it may be.
    pub fn from_env() -> Result<Knobs, String> {
        let bug = parsed(BUG, Bug::from_id, "an id that the command `variants` lists")?;
        let variant = parsed(VARIANT, Variant::from_name, "a name that `variants` lists")?;
        if let (Some(bug), Some(variant)) = (bug, variant)
            && bug.variant() != variant
        {
            let (id, name) = (bug.id(), bug.variant().name());
            return Err([BUG, "=", id, " belongs to ", VARIANT, "=", name].concat());
        }
        Ok(Knobs { collect: env::var_os(COLLECT).map(PathBuf::from), variant, bug })
    }

    /// What to run an input with, in that order. Empty where the case itself says it.
    pub fn settings(&self) -> Vec<Setting> {
        match (self.bug, self.variant) {
            (Some(bug), _) => vec![(bug.variant(), Some(bug))],
            (None, Some(variant)) => vec![(variant, None)],
            (None, None) if self.collect.is_some() => Vec::new(),
            (None, None) => sound().map(|variant| (variant, None)).collect(),
        }
    }
}

/// The arguments that make `run` and the other commands that take a case do the same to an
/// artifact. Empty where the case itself says it.
pub fn arguments(settings: &[Setting]) -> String {
    let mut text = String::new();
    for &(variant, bug) in settings {
        match bug {
            Some(bug) => text.extend([" --bug ", bug.id()]),
            None => text.extend([" --variant ", variant.name()]),
        }
    }
    if settings.iter().any(|(_, bug)| bug.is_none()) {
        text.push_str(" --bug none");
    }
    text
}

/// The variants that must never violate a property.
pub fn sound() -> impl Iterator<Item = Variant> {
    Variant::sound()
}

fn parsed<T>(knob: &str, parse: fn(&str) -> Option<T>, mend: &str) -> Result<Option<T>, String> {
    let Some(value) = env::var_os(knob) else { return Ok(None) };
    let value = value.to_string_lossy();
    match parse(&value) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err([knob, "=", &value, " is unknown: give ", mend].concat()),
    }
}
