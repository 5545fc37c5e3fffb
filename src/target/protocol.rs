//! The `protocol` target: a case through the model.
//!
//! It either *asserts* (the default: runs the sound variants, and a violation panics) or
//! *collects* (findings go to a folder, the engine learns of them through [`Features`], and the
//! target returns, so that a variant that fires on every input is still explored to the end).

use std::cell::RefCell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::process;

use arbitrary::{Arbitrary, Unstructured};

use super::collect::{Collector, Size};
use super::overlap::Overlap;
use super::{Features, Knobs, violation};
use crate::case::Case;
use crate::kvm::{Bug, Variant};
use crate::oracle::Severity;
use crate::run::{Finding, Options, Runner};

/// The bytes of a case as an engine hands them over. `Debug` prints the text of the case.
#[derive(Clone, Copy)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Arbitrary<'a> for Input<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        u.bytes(u.len()).map(Input)
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Case::decode(self.0), f)
    }
}

/// The target with the state that it reuses from one input to the next.
#[derive(Debug)]
pub struct Protocol {
    settings: Vec<(Variant, Option<Bug>)>,
    collector: Option<Collector>,
    case: Case,
    runner: Runner,
    overlap: Overlap,
}

impl Protocol {
    /// A target that does what the knobs say.
    pub fn new(knobs: &Knobs) -> std::io::Result<Protocol> {
        Ok(Protocol {
            settings: knobs.settings(),
            collector: knobs.collect.as_deref().map(Collector::open).transpose()?,
            case: Case::default(),
            runner: Runner::new(),
            overlap: Overlap::default(),
        })
    }

    /// Runs one input.
    pub fn input(&mut self, bytes: &[u8], features: &Features) {
        self.case.decode_into(bytes);
        if self.settings.is_empty() {
            self.judge(features);
        }
        for i in 0..self.settings.len() {
            (self.case.variant, self.case.bug) = self.settings[i];
            self.judge(features);
        }
    }

    /// Runs the case as it stands.
    fn judge(&mut self, features: &Features) {
        let options = Options::of(&self.case);
        self.runner.run(&self.case, &options);
        self.runner.inspect(|seen| self.overlap.mark(seen.records, features));
        let outcome = self.runner.outcome();
        match &mut self.collector {
            Some(collector) => collect(collector, &self.case, &outcome.findings, features),
            None => {
                let violation = |f: &&Finding| f.severity == Severity::Violation;
                if let Some(&finding) = outcome.findings.iter().find(violation) {
                    violation::report(finding.kind, &self.runner.describe(&finding), &self.case);
                }
            }
        }
    }
}

fn collect(collector: &mut Collector, case: &Case, findings: &[Finding], features: &Features) {
    if findings.is_empty() {
        return;
    }
    let size = Size::of(case);
    for finding in findings {
        features.signature(finding.signature);
        if collector.wants(finding.signature, size)
            && let Err(error) = collector.store(finding.kind, finding.signature, case)
        {
            give_up(&format!("cannot write a finding: {error}"));
        }
    }
}

/// Runs one input in the process's own target, set up from the environment at the first call.
pub fn run(input: Input, features: &Features) {
    thread_local! {
        static TARGET: RefCell<ManuallyDrop<Protocol>> = RefCell::new(ManuallyDrop::new(set_up()));
    }
    TARGET.with_borrow_mut(|target| target.input(input.0, features));
}

fn set_up() -> Protocol {
    let knobs = Knobs::from_env().unwrap_or_else(|error| give_up(&error));
    Protocol::new(&knobs).unwrap_or_else(|error| give_up(&format!("cannot collect: {error}")))
}

/// Bad knobs and full disks are no findings: one line, and the process ends.
fn give_up(message: &str) -> ! {
    eprintln!("kvm-lock-fuzz: {message}");
    process::exit(2)
}
