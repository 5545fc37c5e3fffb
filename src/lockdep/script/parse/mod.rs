//! From lines to a [`Script`], or to the reason why not.

mod declaration;
mod event;
mod words;

use std::collections::HashMap;
use std::fmt;

use super::Script;

/// Most events of a script.
pub const MAX_EVENTS: usize = 65_536;
/// Most bytes of a name.
pub const MAX_NAME: usize = 1024;
/// Most declarations of a script.
pub const MAX_DECLARATIONS: usize = 65_536;

/// Which line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The script as a whole.
    Script,
    /// A declaration, from 0.
    Decl(usize),
    /// An event, from 0.
    Event(usize),
}

/// Why a script cannot be run: what, where, how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Where.
    pub at: Where,
    /// What, and how to mend it.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.at {
            Where::Script => write!(f, "{}", self.message),
            Where::Decl(n) => write!(f, "declaration {n}: {}", self.message),
            Where::Event(n) => write!(f, "event {n}: {}", self.message),
        }
    }
}

impl std::error::Error for ScriptError {}

/// Reads a script.
///
/// # Errors
/// The first line that is not in the language, names something undeclared, exceeds a cap, or
/// leaves an interrupt state that was not entered.
pub fn parse<S: AsRef<str>>(decl: &[S], events: &[S]) -> Result<Script, ScriptError> {
    if events.len() > MAX_EVENTS {
        let message = format!("{} events; at most {MAX_EVENTS}, split the script", events.len());
        return Err(ScriptError { at: Where::Script, message });
    }
    if decl.len() > MAX_DECLARATIONS {
        let message = format!("{} declarations; at most {MAX_DECLARATIONS}", decl.len());
        return Err(ScriptError { at: Where::Script, message });
    }
    let mut parser = Parser::default();
    for (n, line) in decl.iter().enumerate() {
        let error = |message| ScriptError { at: Where::Decl(n), message };
        parser.declaration(line.as_ref()).map_err(error)?;
    }
    for (n, line) in events.iter().enumerate() {
        let error = |message| ScriptError { at: Where::Event(n), message };
        parser.event(line.as_ref()).map_err(error)?;
    }
    Ok(parser.script)
}

type Parsed<T> = Result<T, String>;

/// How far a task is inside interrupt states.
#[derive(Default)]
struct Nesting {
    hardirq: u32,
    softirq: u32,
    softirqs_off: u32,
}

#[derive(Default)]
struct Parser {
    script: Script,
    classes: HashMap<String, usize>,
    locks: HashMap<String, usize>,
    tasks: HashMap<String, usize>,
    nesting: Vec<Nesting>,
}
