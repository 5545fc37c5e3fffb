//! The case that a command is about, and what is to be taken instead of what the case says: the same
//! arguments for every command that runs programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Bad, load};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::text::Names;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::run::Options;

/// A case, and what is to be taken instead of what it says.
#[derive(Args)]
pub struct Chosen {
    /// File of the case, in the text form or a fuzz artifact; `-` is standard input
    #[arg(value_name = "CASE")]
    pub file: PathBuf,
    /// Take this variant, or `all`, instead of the case's own (repeatable)
    #[arg(long, value_name = "VARIANT")]
    variant: Vec<String>,
    /// Plant this bug, in the variant that it belongs to; `none` takes the case's own out
    #[arg(long, value_name = "ID")]
    bug: Option<String>,
    /// Admission rule of every rwsem, instead of the case's own
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Points {
    /// Those between which the order can matter
    Needed,
    /// Every acquire and access; never releases and lock maps, because they commute
    All,
}

/// The word for no planted bug.
const NO_BUG: &str = "none";
/// The word for every variant.
const ALL_VARIANTS: &str = "all";

impl Chosen {
    /// The case, once for each of the variants, and the names of its tasks. Each case names all that was chosen, so that its text
    /// shows what it showed. A bug stays in its own variant: named with another one, it is an error;
    /// `--variant all` runs the others without the case's own.
    pub fn cases(&self) -> Result<(Vec<Case>, Names), Bad> {
        let (case, names) = load(&self.file)?;
        Ok((self.chosen(case)?, names))
    }

    fn chosen(&self, mut case: Case) -> Result<Vec<Case>, Bad> {
        if let Some(name) = &self.policy {
            case.config.policy = policy(name)?;
        }
        match self.bug.as_deref() {
            None => {}
            Some(NO_BUG) => case.bug = None,
            Some(id) => return self.with_bug(&case, bug(id)?),
        }
        if self.variant.is_empty() {
            return Ok(vec![case]);
        }
        let all = is_all(&self.variant);
        let with = |variant| match case.bug {
            Some(bug) if bug.variant() != variant && !all => Err(self.elsewhere(bug, variant)),
            own => {
                let bug = own.filter(|bug| bug.variant() == variant);
                Ok(Case { variant, bug, ..case.clone() })
            }
        };
        variants(&self.variant)?.into_iter().map(with).collect()
    }

    /// The one case of a command that takes a single variant.
    pub fn one(&self) -> Result<(Case, Names), Bad> {
        let (mut cases, names) = self.cases()?;
        match (cases.pop(), cases.is_empty()) {
            (Some(case), true) => Ok((case, names)),
            _ => Err("--variant names several variants; this command takes one".into()),
        }
    }

    /// The case with that bug, in the variant that both arguments mean.
    fn with_bug(&self, case: &Case, bug: Bug) -> Result<Vec<Case>, Bad> {
        let (id, variant) = (bug.id(), bug.variant());
        match variants(&self.variant)?.into_iter().find(|named| *named != variant) {
            None => Ok(vec![Case { variant, bug: Some(bug), ..case.clone() }]),
            Some(other) => Err(format!(
                "--bug {id} belongs to {}, not to {}; leave --variant out",
                variant.name(),
                other.name()
            )
            .into()),
        }
    }

    /// The case's own bug, and a variant that was named and cannot have it.
    fn elsewhere(&self, bug: Bug, variant: Variant) -> Bad {
        let file = self.file.display();
        let (id, home, variant) = (bug.id(), bug.variant().name(), variant.name());
        format!(
            "{file}: bug {id} of the case belongs to {home}, not to {variant}; give --bug none to \
             run {variant} without it"
        )
        .into()
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
    if is_all(names) {
        return Ok(Variant::ALL.to_vec());
    }
    names.iter().map(|name| variant(name)).collect()
}

fn is_all(names: &[String]) -> bool {
    names.iter().any(|name| name == ALL_VARIANTS)
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
