//! The search over a case: its programs as a model, the oracles as its observer.

use std::collections::BTreeSet;
use std::future::Future;

use super::cursor::Cursor;
use super::engine::Search;
use super::model::{Model, Observer, SearchTask};
use super::prediction::predictions;
use super::{Explored, Found};
use crate::kvm::trace::Event;
use crate::machine::sim::{Alike, Ending, Fingerprint, Inspect, Object, Record, Settings, Sim};
use crate::oracle::{Facts, Finding, Oracles};
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

/// The oracles over a search.
#[derive(Debug)]
pub struct Judge {
    oracles: Oracles,
    facts: Facts,
    /// Each signature once, in the order in which they showed.
    pub findings: Vec<Finding>,
    /// Contents of the shared locations, and who had finished, at the ends of runs.
    pub ends: BTreeSet<Fingerprint>,
}

impl Judge {
    /// Oracles that have seen nothing.
    pub fn new(options: &Options) -> Judge {
        Judge {
            oracles: Oracles::default(),
            facts: Facts { variant: options.variant, policy: options.policy },
            findings: Vec::new(),
            ends: BTreeSet::new(),
        }
    }
}

impl Observer<Event> for Judge {
    type Memory = Oracles;

    fn begin(&mut self) {
        self.oracles.begin();
    }

    fn save(&self, to: &mut Oracles) {
        to.clone_from(&self.oracles);
    }

    fn load(&mut self, from: &Oracles) {
        self.oracles.clone_from(from);
    }

    fn touched(&self, record: &Record<Event>, touch: &mut dyn FnMut(Object, bool)) {
        self.oracles.touched(record, touch);
    }

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.oracles.follow(seen, record, self.facts, &mut self.findings);
    }

    fn end(&mut self, seen: &Inspect<'_, Event>, _: Option<Ending>) {
        self.oracles.end(seen, &mut self.findings);
    }

    fn last_state(&mut self, memory: Fingerprint, _: SearchTask<'_, Event>) {
        self.ends.insert(memory);
    }

    fn remember(&self, tasks: &mut [Fingerprint]) {
        self.oracles.remember(tasks);
    }

    fn findings(&self) -> usize {
        self.findings.len()
    }
}

impl Search<'_, Programs, Judge> {
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
    pub(super) fn explored(self, exhausted: bool) -> Explored {
        let progress = self.progress();
        let sound = progress.counts.cycles == 0 && progress.counts.collisions == 0;
        // Within a bound that was not seen to its end, all was seen of the one before.
        let bound = match exhausted {
            true => self.bound,
            false => self.bound.and_then(|bound| bound.checked_sub(1)),
        };
        let predictions = self.sim.inspect(predictions);
        let reports = self.sim.inspect(describe_reports);
        let found = self.observer.findings.into_iter().zip(self.shown);
        Explored {
            exhausted: exhausted && sound && !self.left_out,
            preemptions: bound.filter(|_| sound),
            progress,
            findings: found.map(|(finding, steps)| Found { finding, steps }).collect(),
            predictions,
            reports,
            ends: self.observer.ends,
        }
    }
}
