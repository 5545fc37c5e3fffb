//! Every oracle of the registry alone: what it finds does not depend on what the others remember, or
//! compare. With all of them together one can stand in for what another has forgotten.

use std::collections::{BTreeMap, BTreeSet};

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::explore::{Config, Explored, Progress, Reduction, explore_by};
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::{Alarm, Inspect, Marks, Record};
use kvm_lock_fuzz::oracle::{Facts, Findings, Kind, Oracle, Visit};
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::Options;

use super::cases;

/// What every oracle found, and where the reductions changed that.
#[derive(Debug, Default)]
pub struct Alone {
    pub cases: Vec<Case>,
    pub kinds: BTreeMap<&'static str, BTreeSet<Kind>>,
    /// Cases that both searches finished.
    pub compared: BTreeMap<&'static str, u32>,
    pub wrong: Vec<String>,
}

impl Alone {
    /// Compares over the first cases that the seed gives.
    pub fn over(seed: u64, cases: u32) -> Alone {
        let mut prng = Prng(seed);
        let cases = (0..cases).map(|_| cases::case(&mut prng)).collect();
        Alone { cases, ..Alone::default() }
    }
}

impl Visit for Alone {
    fn visit<O: Oracle>(&mut self, name: &'static str) {
        for case in &self.cases {
            let Some(difference) = difference::<O>(case) else { continue };
            *self.compared.entry(name).or_default() += 1;
            self.kinds.entry(name).or_default().extend(difference.kinds);
            self.wrong.extend(difference.wrong.map(|wrong| format!("{name}: {wrong}\n{case}")));
        }
    }
}

/// What the oracle finds in a case.
pub struct Difference {
    pub kinds: BTreeSet<Kind>,
    /// What one of the searches found and the other not.
    pub wrong: Option<String>,
}

/// An oracle that says nothing of what it remembers and compares: all of it counts.
#[derive(Clone, Debug, Default, Hash)]
struct Whole<O>(O);

impl<O: Oracle> Oracle for Whole<O> {
    fn see(&mut self, at: &Record<Event>, event: Event, facts: Facts, out: &mut Findings<'_>) {
        self.0.see(at, event, facts, out);
    }

    fn hear(
        &mut self,
        seen: &Inspect<'_, Event>,
        at: &Record<Event>,
        alarm: Alarm,
        out: &mut Findings<'_>,
    ) {
        self.0.hear(seen, at, alarm, out);
    }

    fn end(&mut self, seen: &Inspect<'_, Event>, out: &mut Findings<'_>) {
        self.0.end(seen, out);
    }
}

/// The case with all reductions, and enumerated by states that all of the oracle is part of; none if
/// that takes too long.
pub fn difference<O: Oracle>(case: &Case) -> Option<Difference> {
    let plain = Config {
        reduction: Reduction::States,
        symmetry: false,
        marks: Marks::Ignore,
        ..Config::DEFAULT
    };
    let (reduced, all) = (found::<O>(case, Config::DEFAULT), found::<Whole<O>>(case, plain));
    if !reduced.exhausted() || !all.exhausted() {
        return None;
    }
    let [reduced, all] = [reduced, all].map(|explored| {
        let found = explored.findings.iter().map(|found| found.finding);
        found.map(|f| (f.signature, f.kind)).collect::<BTreeMap<_, _>>()
    });
    let kinds = all.values().copied().collect();
    let wrong = (reduced != all).then(|| format!("{reduced:?} reduced, {all:?} enumerated"));
    Some(Difference { kinds, wrong })
}

fn found<O: Oracle>(case: &Case, config: Config) -> Explored {
    let few = |progress: &dyn Fn() -> Progress| progress().counts.steps < 30_000;
    explore_by::<O>(case, &Options::of(case), config, few).expect("few tasks")
}
