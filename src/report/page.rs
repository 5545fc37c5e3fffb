//! Findings for people: what was found, the cases that show it, and the answers for predicted cycles.

use std::fmt::Write;

use crate::case::Case;
use crate::case::text::Names;
use crate::explore::Witness;
use crate::oracle::Severity;
use crate::run::{Described, Finding};

/// A text with cases, each of which stands there once.
pub(super) struct Page<'a> {
    pub(super) text: String,
    /// Cases that stand there, and of which finding they are.
    told: Vec<(Case, String)>,
    file: &'a dyn Fn(&Case) -> Option<String>,
    names: &'a Names,
}

impl<'a> Page<'a> {
    /// A page that begins with that text. `file` says where a case is that is not to stand here, `names`
    /// what tasks are called.
    pub(super) fn new(
        text: String,
        names: &'a Names,
        file: &'a dyn Fn(&Case) -> Option<String>,
    ) -> Page<'a> {
        Page { text, told: Vec::new(), file, names }
    }

    /// The page, with one line ending.
    pub(super) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text + "\n"
    }

    /// What was found.
    pub(super) fn finding(&mut self, finding: &Finding, words: &Described) {
        let documented = match finding.severity {
            Severity::Violation => "",
            Severity::Documented => " (documented)",
        };
        self.apart();
        let _ = writeln!(self.text, "{}{documented}: {}", finding.kind.name(), words.message);
        let _ = writeln!(self.text, "    signature: {}", words.signature);
    }

    /// What was found and has the same cause as what was said before.
    pub(super) fn symptom(&mut self, finding: &Finding, words: &Described) {
        let (kind, Described { message, signature, .. }) = (finding.kind.name(), words);
        let _ = writeln!(self.text, "  also shows as {kind}: {message}");
        let _ = writeln!(self.text, "    signature: {signature}");
    }

    /// The answer for a predicted cycle, and its case.
    pub(super) fn witness(&mut self, witness: &Witness, kind: &str) {
        let line = witness
            .line(self.names, |case| Some(self.name(case).unwrap_or("the case below".to_string())));
        let below = witness.shown().filter(|case| self.name(case).is_none());
        let _ = writeln!(self.text, "    {line}");
        if let Some(case) = below {
            self.block(case, &format!("the hanging case of {kind}"));
        }
    }

    /// A case that shows a finding of that kind.
    pub(super) fn case(&mut self, what: &str, case: &Case, kind: &str) {
        match self.name(case) {
            Some(name) => _ = writeln!(self.text, "    {what}: {name}"),
            None => {
                let _ = writeln!(self.text, "    {what}:");
                self.block(case, &format!("that of {kind}"));
            }
        }
    }

    /// Leaves one empty line.
    pub(super) fn apart(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The text, each line indented.
    pub(super) fn indented(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.text, "    {line}");
        }
    }

    /// Where the case is to be found, if it does not have to be told.
    fn name(&self, case: &Case) -> Option<String> {
        let told = || self.told.iter().find(|(told, _)| told == case);
        (self.file)(case).or_else(|| told().map(|(_, whose)| format!("{whose} above")))
    }

    fn block(&mut self, case: &Case, whose: &str) {
        self.told.push((case.clone(), whose.to_string()));
        self.text.push('\n');
        self.indented(&self.names.text(case).to_string());
        self.text.push('\n');
    }
}
