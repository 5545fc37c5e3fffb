//! The case that a command is about, and what is to be taken instead of what the case says: the same
//! arguments for every command that runs programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Bad, load};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::run::Options;

/// A case, and what is to be taken instead of what it says.
#[derive(Args)]
pub struct Chosen {
    /// File of the case, in the text form or a fuzz artifact
    #[arg(value_name = "CASE")]
    pub file: PathBuf,
    /// Take this variant, or `all`, instead of the case's own (repeatable)
    #[arg(long, value_name = "VARIANT")]
    variant: Vec<String>,
    /// Plant this bug, in the variant that it belongs to
    #[arg(long, value_name = "ID", conflicts_with = "variant")]
    bug: Option<String>,
    /// Admission rule of every rwsem, instead of the case's own
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Points {
    /// Those between which the order can matter
    Needed,
    /// Every acquire, access and release
    All,
}

impl Chosen {
    /// The case with its bug, or once for each of the variants. Each names all that was chosen, so
    /// that its text shows what it showed.
    pub fn cases(&self) -> Result<Vec<Case>, Bad> {
        let mut case = load(&self.file)?;
        if let Some(name) = &self.policy {
            case.config.policy = policy(name)?;
        }
        if let Some(id) = &self.bug {
            let bug = bug(id)?;
            return Ok(vec![Case { variant: bug.variant(), bug: Some(bug), ..case }]);
        }
        if self.variant.is_empty() {
            return Ok(vec![case]);
        }
        let with = |variant| Case {
            variant,
            bug: case.bug.filter(|bug| bug.variant() == variant),
            ..case.clone()
        };
        Ok(variants(&self.variant)?.into_iter().map(with).collect())
    }
}

impl Points {
    /// How the case is run with these points.
    pub fn options(self, case: &Case) -> Options {
        Options { all_points: self == Points::All, ..Options::of(case) }
    }
}

/// The variants of these names, where `all` stands for every one.
pub fn variants(names: &[String]) -> Result<Vec<Variant>, Bad> {
    if names.iter().any(|name| name == "all") {
        return Ok(Variant::ALL.to_vec());
    }
    names.iter().map(|name| variant(name)).collect()
}

fn variant(name: &str) -> Result<Variant, Bad> {
    let known = Variant::ALL.map(Variant::name).join(", ");
    Variant::from_name(name)
        .ok_or_else(|| format!("no variant `{name}`; there are {known}, and all").into())
}

/// The planted bug of that id.
pub fn bug(id: &str) -> Result<Bug, Bad> {
    let known = Bug::ALL.iter().map(|bug| bug.id()).collect::<Vec<_>>().join(", ");
    Bug::from_id(id).ok_or_else(|| format!("no planted bug `{id}`; there are {known}").into())
}

fn policy(name: &str) -> Result<Policy, Bad> {
    let known = Policy::ALL.map(Policy::name).join(", ");
    Policy::from_name(name).ok_or_else(|| format!("no policy `{name}`; there are {known}").into())
}
