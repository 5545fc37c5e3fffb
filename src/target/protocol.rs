//! The `protocol` target: a case through the model.
//!
//! It either *asserts* (the default: runs the sound variants, and a violation panics) or
//! *collects* (findings go to a folder, the engine learns of them through [`Features`], and the
//! target returns, so that a variant that fires on every input is still explored to the end).

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::process;

use super::collect::{Collector, size_of, unsaved};
use super::knobs::{self, Setting};
use super::overlap::Overlap;
use super::violation::Violation;
use super::{Features, Knobs};
use crate::case::Case;
use crate::oracle::{Severity, worst};
use crate::run::{Finding, Options, Runner};

input! {
    /// The bytes of a case as an engine hands them over. `Debug` prints the text of the case as the
    /// knobs of the environment have it run.
    Input: |input| input.text(&Knobs::from_env().unwrap_or_default())
}

impl Input<'_> {
    /// The text of the case as these knobs have it run: with the first variant and bug of them, and
    /// in a comment the arguments that stand for all. Of bad knobs it is the case's own text.
    pub fn text(&self, knobs: &Knobs) -> String {
        let mut case = Case::decode(self.0);
        let settings = knobs.settings();
        let Some(&first) = settings.first() else { return case.to_string() };
        (case.variant, case.bug) = first;
        let arguments = knobs::arguments(&settings);
        ["# What ran; `run` shows it with", &arguments, ".\n", &case.to_string()].concat()
    }
}

/// The target with the state that it reuses from one input to the next.
#[derive(Debug)]
pub struct Protocol {
    settings: Vec<Setting>,
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

    /// Runs one input, and panics at a violation unless findings are collected.
    pub fn input(&mut self, bytes: &[u8], features: &Features) {
        if let Some(violation) = self.check(bytes, features) {
            violation.raise();
        }
    }

    /// Runs one input with one setting after the other. Returns the worst violation of the first
    /// that shows any; where findings are collected, none.
    pub fn check(&mut self, bytes: &[u8], features: &Features) -> Option<Violation> {
        self.case.decode_into(bytes);
        if self.settings.is_empty() {
            return self.judge(features);
        }
        (0..self.settings.len()).find_map(|i| {
            (self.case.variant, self.case.bug) = self.settings[i];
            self.judge(features)
        })
    }

    /// Runs the case as it stands.
    fn judge(&mut self, features: &Features) -> Option<Violation> {
        let options = Options::of(&self.case);
        self.runner.run(&self.case, &options);
        self.runner.inspect(|seen| self.overlap.mark(seen.records, features));
        let findings = &self.runner.outcome().findings;
        if let Some(collector) = &mut self.collector {
            collect(collector, &self.case, findings, features);
            return None;
        }
        let worst = worst(findings).filter(|finding| finding.severity == Severity::Violation)?;
        let described = self.runner.describe_in(&self.case, worst);
        Some(Violation::new(worst, &described, &self.case))
    }
}

fn collect(collector: &mut Collector, case: &Case, findings: &[Finding], features: &Features) {
    if findings.is_empty() {
        return;
    }
    let size = size_of(case);
    for finding in findings {
        features.signature(finding.signature);
        if collector.wants(finding.signature, size)
            && let Err(error) = collector.store(finding.kind, finding.signature, case)
        {
            eprintln!("{}", unsaved(case));
            give_up(&format!("cannot write a finding: {error}"));
        }
    }
}

thread_local! {
    static TARGET: RefCell<ManuallyDrop<Protocol>> = RefCell::new(ManuallyDrop::new(set_up()));
}

/// Sets up the process's own target from the environment. An engine calls it before it watches for
/// crashes, so that a mistyped knob ends the process and leaves no crash behind.
pub fn init() {
    TARGET.with(|_| ());
}

/// Runs one input in the process's own target.
pub fn run(input: Input, features: &Features) {
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
