//! The answer for a predicted cycle as JSON, the same in every command's document.

use serde::Serialize;

use crate::case::Case;
use crate::case::text::Names;
use crate::explore::{Answer as Found, Witness};

/// The answer for a predicted cycle.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// In words.
    pub text: String,
    /// `found`, `none-exists`, `none-within`, `nothing-blocks` or `unknown`.
    pub answer: &'static str,
    /// Full text of the case that hangs as predicted; null where none was found.
    pub case: Option<String>,
    /// The file of the case that the text is about, where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where none exists: programs that were exhausted together with the case's own.
    pub programs: Vec<String>,
    /// Programs that belonged there and that a case has no room for.
    pub left_out: Vec<String>,
    /// Schedules searched; null where one was found or none had to be.
    pub schedules: Option<u64>,
    /// What stopped the search; null where nothing did.
    pub bound: Option<String>,
    /// Lock maps of the prediction, which block no task and were left out of the search.
    pub lock_maps: Vec<String>,
    /// Classes of the prediction that the model does not have.
    pub unknown_classes: Vec<String>,
    /// Where none was found: full text of a case that hangs as predicted except for classes that a task
    /// passes on its way.
    pub contracted: Option<String>,
}

impl Answer {
    /// The answer, with tasks called by `names`; `name` says in the text where a case is to be found, if not in this document.
    pub fn new(witness: &Witness, names: &Names, name: &dyn Fn(&Case) -> Option<String>) -> Answer {
        let field = if witness.case().is_some() { "in `case`" } else { "in `contracted`" };
        let answer = Answer {
            text: witness.line(names, |case| Some(name(case).unwrap_or_else(|| field.to_string()))),
            answer: word(&witness.answer),
            case: witness.case().map(|case| names.text(case).to_string()),
            file: None,
            programs: Vec::new(),
            left_out: Vec::new(),
            schedules: None,
            bound: None,
            lock_maps: witness.lock_maps.clone(),
            unknown_classes: Vec::new(),
            contracted: witness.contracted.as_ref().map(|case| names.text(case).to_string()),
        };
        answer.with_extent(&witness.answer, names)
    }

    /// With how far the search came.
    fn with_extent(self, found: &Found, names: &Names) -> Answer {
        match found.clone() {
            Found::Found { .. } | Found::NothingBlocks => self,
            Found::NoneExists { closed, schedules } => Answer {
                programs: closed.added.iter().map(|added| added.words(names)).collect(),
                left_out: closed.left_out.iter().map(|added| added.words(names)).collect(),
                schedules: Some(schedules),
                ..self
            },
            Found::NoneWithin { schedules, bound } => {
                Answer { schedules: Some(schedules), bound: Some(bound), ..self }
            }
            Found::Unknown { classes } => Answer { unknown_classes: classes, ..self },
        }
    }
}

fn word(found: &Found) -> &'static str {
    match found {
        Found::Found { .. } => "found",
        Found::NoneExists { .. } => "none-exists",
        Found::NoneWithin { .. } => "none-within",
        Found::NothingBlocks => "nothing-blocks",
        Found::Unknown { .. } => "unknown",
    }
}
