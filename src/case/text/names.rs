//! The names that a text gave its tasks: a table beside the case. They are no part of a case, of its
//! bytes, or of anything that tells cases and findings apart.
//!
//! A name belongs to a program, so that the table also serves cases that were made of the one it came
//! with, by another schedule, without some tasks or with more. A bug in here would be two tasks of one
//! name, or a name at another task's program.

use std::fmt;

use super::print::Text;
use crate::case::{Case, Programs};

/// Most characters of a name.
pub const MAX_NAME: usize = 32;

/// Names of the tasks of a case and of cases made of it. The empty table derives all names.
///
/// ```
/// use kvm_lock_fuzz::case::{Case, text::Names};
/// let (case, names) = Case::parse_named(b"vm v task kcompactd migrate 1 end").unwrap();
/// assert_eq!(names.of(&case), ["kcompactd"]);
/// assert!(names.text(&case).to_string().contains("task kcompactd\n  migrate"));
/// assert_eq!(Names::default().of(&case), ["migrater"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The programs that the names came with.
    programs: Programs,
    names: Vec<String>,
}

impl Names {
    /// The table of a text; empty where all names are those that printing derives.
    pub(super) fn new(case: &Case, names: &[&str]) -> Names {
        if case.task_names() == names {
            return Names::default();
        }
        let names = names.iter().map(|name| name.to_string()).collect();
        Names { programs: case.programs.clone(), names }
    }

    /// The names of the case's tasks. A task has that of the first program like its own that no task
    /// before it has taken, and else a derived one, numbered until no other task has it.
    pub fn of(&self, case: &Case) -> Vec<String> {
        let mut free: Vec<usize> = (0..self.names.len()).collect();
        let own = (0..case.programs.tasks()).map(|task| {
            let program = case.programs.task(task);
            let at = free.iter().position(|&known| self.programs.task(known) == program)?;
            Some(self.names[free.remove(at)].clone())
        });
        let own: Vec<Option<String>> = own.collect();
        let mut names: Vec<String> = own.iter().flatten().cloned().collect();
        for (task, derived) in case.task_names().into_iter().enumerate() {
            if own[task].is_none() {
                let numbered = (2..).map(|n| format!("{derived}{n}"));
                let mut tried = std::iter::once(derived.clone()).chain(numbered);
                let new = tried.find(|name| !names.contains(name));
                names.insert(task, new.expect("there is no end of numbers"));
            }
        }
        names
    }

    /// The name that the text gave the task of that number; none where names are derived.
    pub fn given(&self, task: usize) -> Option<&str> {
        self.names.get(task).map(String::as_str)
    }

    /// The text of the case with these names.
    pub fn text<'a>(&self, case: &'a Case) -> impl fmt::Display + use<'a> {
        Text { case, names: self.of(case) }
    }

    /// The table for a case with other programs, whose tasks were those of these numbers.
    pub fn kept(&self, case: &Case, tasks: &[u8]) -> Names {
        if self.names.is_empty() {
            return Names::default();
        }
        let name = |&task: &u8| self.names.get(usize::from(task)).cloned().unwrap_or_default();
        Names { programs: case.programs.clone(), names: tasks.iter().map(name).collect() }
    }
}
