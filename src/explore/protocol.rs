//! The search over a case: its programs as a model, the oracles as its observer.

use std::collections::BTreeSet;
use std::future::Future;

use super::cursor::Cursor;
use super::engine::Search;
use super::model::{Model, Observer, SearchTask};
use super::prediction::predictions;
use super::{Coverage, Explored, Found};
use crate::kvm::trace::Event;
use crate::machine::sim::{
    Alike, Ending, Fingerprint, Inspect, Object, Record, Settings, Sim, What,
};
use crate::oracle::{Facts, Finding, Oracle, Oracles, Remembered};
use crate::run::{Options, Stage, describe_reports};

/// The programs of a case.
#[derive(Debug)]
pub struct Programs {
    stage: Stage,
    settings: Settings,
}

impl Programs {
    /// The programs of the case that was staged, run as `options` say.
    pub fn new(stage: Stage, options: &Options) -> Programs {
        let Options { policy, all_points, max_points, .. } = *options;
        let settings = Settings { policy, all_points, max_points, recording: false };
        Programs { stage, settings }
    }

    /// What the programs run on, which tells how a run ended.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The same, and every step is among the records that an observer follows.
    pub(super) fn recorded(mut self) -> Programs {
        self.settings.recording = true;
        self
    }
}

impl Model for Programs {
    type Event = Event;

    fn tasks(&self) -> usize {
        self.stage.case().programs.tasks()
    }

    fn alike(&self) -> Alike {
        let programs = &self.stage.case().programs;
        Alike::of(programs.tasks(), |a, b| programs.task(a) == programs.task(b))
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    fn set_up(&self, t: SearchTask<'_, Event>) -> impl Future<Output = ()> {
        self.stage.history(t)
    }

    fn task(&self, t: SearchTask<'_, Event>, i: usize) -> impl Future<Output = ()> {
        self.stage.task(t, i)
    }
}

/// A machine for searches.
pub type Machine = Sim<Cursor, Event>;

/// The oracles over a search, or one that takes their place.
#[derive(Debug)]
pub struct Judge<O = Oracles> {
    oracles: O,
    facts: Facts,
    /// Each signature once, in the order in which they showed.
    pub findings: Vec<Finding>,
    /// Contents of the shared locations, and who had finished, at the ends of runs.
    pub ends: BTreeSet<Fingerprint>,
}

impl<O: Oracle> Judge<O> {
    /// Oracles that have seen nothing.
    pub fn new(options: &Options) -> Judge<O> {
        Judge {
            oracles: O::default(),
            facts: Facts { variant: options.variant, policy: options.policy },
            findings: Vec::new(),
            ends: BTreeSet::new(),
        }
    }
}

impl<O: Oracle> Observer<Event> for Judge<O> {
    type Memory = O;

    fn begin(&mut self) {
        self.oracles.begin();
    }

    fn save(&self, to: &mut O) {
        to.clone_from(&self.oracles);
    }

    fn load(&mut self, from: &O) {
        self.oracles.clone_from(from);
    }

    fn touched(&self, record: &Record<Event>, touch: &mut dyn FnMut(Object, bool)) {
        if let What::Trace(event) = record.what {
            self.oracles.touched(event, touch);
        }
    }

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.oracles.follow(seen, record, self.facts, &mut self.findings);
    }

    fn end(&mut self, seen: &Inspect<'_, Event>, _: Option<Ending>) {
        self.oracles.conclude(seen, &mut self.findings);
    }

    fn last_state(&mut self, memory: Fingerprint, _: SearchTask<'_, Event>) {
        self.ends.insert(memory);
    }

    fn remember(&self, tasks: &mut [Fingerprint]) {
        self.oracles.remember(&mut Remembered::new(tasks));
    }

    fn findings(&self) -> usize {
        self.findings.len()
    }
}

impl<O: Oracle> Search<'_, Programs, Judge<O>> {
    /// The validator looks at the dependencies of all runs together.
    pub(super) fn conclude(&mut self) {
        self.sim.with_validator_of_all_runs(|lockdep| {
            lockdep.finish();
        });
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| observer.end(seen, None));
        let last = self.taught.last().cloned().unwrap_or_default();
        self.shown.resize(self.observer.findings.len(), last);
    }

    /// What was seen.
    pub(super) fn explored(self, coverage: Coverage) -> Explored {
        let bound = match coverage {
            Coverage::Exhausted | Coverage::Preemptions => self.bound,
            // Within a bound that was not seen to its end, all was seen of the one before.
            Coverage::Stopped => self.bound.and_then(|bound| bound.checked_sub(1)),
            _ => None,
        };
        let progress = self.progress();
        let predictions = self.sim.inspect(predictions);
        let reports = self.sim.inspect(describe_reports);
        let found = self.observer.findings.into_iter().zip(self.shown);
        Explored {
            coverage,
            preemptions: bound,
            progress,
            findings: found.map(|(finding, steps)| Found { finding, steps }).collect(),
            predictions,
            reports,
            ends: self.observer.ends,
        }
    }
}
