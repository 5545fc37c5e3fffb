//! What rounds on threads end in and show is among what the simulator says can happen, with every
//! schedule tried.

use std::collections::HashSet;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::explore::{
    self, Config, Cursor, Judge, Machine, Observer, Programs, Search, SearchTask,
};
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::machine::native::Native;
use kvm_lock_fuzz::machine::sim::{Fingerprint, Inspect, Object, Record};
use kvm_lock_fuzz::oracle::Signature;
use kvm_lock_fuzz::run::{End, Ending, Options, Outcome, Rounds, Stage};

use super::common::{random_cases, seed};

/// Rounds of the case, each of which `allows` has to accept.
#[track_caller]
fn agrees(case: &Case, options: &Options, n: u32, mut allows: impl FnMut(&End, &Outcome) -> bool) {
    let mut rounds = Rounds::new(case, options, 5).expect("the policy exists on threads");
    for _ in 0..n {
        let outcome = rounds.run().expect("the machines agree about every lock").clone();
        let words = outcome.findings.iter().map(|f| rounds.judged().describe_in(case, f).signature);
        let words: Vec<String> = words.collect();
        let end = rounds.end();
        assert!(allows(end, &outcome), "{case}\n{end}\n{words:#?}\nis not among the simulator's");
    }
}

/// Every end and every finding that the search comes to.
struct Possible<'a> {
    programs: &'a Programs,
    sim: &'a Machine,
    judge: Judge,
    ends: HashSet<End>,
}

impl Observer<Event> for Possible<'_> {
    type Memory = <Judge as Observer<Event>>::Memory;

    fn begin(&mut self) {
        self.judge.begin();
    }

    fn touched(&self, record: &Record<Event>, touch: &mut dyn FnMut(Object, bool)) {
        self.judge.touched(record, touch);
    }

    fn follow(&mut self, seen: &Inspect<'_, Event>, record: &Record<Event>) {
        self.judge.follow(seen, record);
    }

    fn end(&mut self, seen: &Inspect<'_, Event>, ending: Option<Ending>) {
        self.judge.end(seen, ending);
    }

    fn last_state(&mut self, memory: Fingerprint, t: SearchTask<'_, Event>) {
        self.judge.last_state(memory, t);
        self.ends.insert(self.programs.stage().end(t, self.sim.unfinished()));
    }

    fn remember(&self, tasks: &mut [Fingerprint]) {
        self.judge.remember(tasks);
    }

    fn findings(&self) -> usize {
        self.judge.findings()
    }

    fn save(&self, to: &mut Self::Memory) {
        self.judge.save(to);
    }

    fn load(&mut self, from: &Self::Memory) {
        self.judge.load(from);
    }
}

/// Steps after which a case counts as too large for this test.
const MAX_STEPS: u64 = 60_000;

/// Explores the case and then runs it on threads; false where the search is not exhausted.
#[track_caller]
fn agrees_with_explore(case: &Case, options: &Options, rounds: u32) -> bool {
    let mut sim = Machine::new(Cursor::default());
    let stage = Stage::build(&mut sim, case.clone(), options);
    let programs = Programs::new(stage, options);
    let judge = Judge::new(options);
    let possible = Possible { programs: &programs, sim: &sim, judge, ends: HashSet::new() };
    // A stuck end names its tasks.
    let config = Config { symmetry: false, ..Config::default() };
    let mut search = Search::new(&programs, &sim, possible, config).expect("few tasks");
    let coverage =
        explore::search(&mut search, |search| search.progress().counts.steps > MAX_STEPS);
    if !coverage.is_exhausted() {
        return false;
    }
    let Possible { ends, judge, .. } = search.observer();
    let ends = ends.clone();
    let mut known: HashSet<Signature> = judge.findings.iter().map(|f| f.signature).collect();
    // Cycles come from the dependencies of all runs.
    sim.with_lockdep(|lockdep| {
        lockdep.finish();
        known.extend(lockdep.reports().iter().map(|report| Signature(report.signature)));
    });
    agrees(case, options, rounds, |end, outcome| {
        ends.contains(end) && outcome.findings.iter().all(|f| known.contains(&f.signature))
    });
    true
}

#[test]
fn on_seeds() {
    for name in
        ["create-in-region", "delete-in-region", "fault-races-region", "nested-behind-writer"]
    {
        let case = seed(name);
        for variant in Variant::ALL {
            let case = Case { variant, bug: None, ..case.clone() };
            let searched = agrees_with_explore(&case, &Options::of(&case), 60);
            assert!(searched, "{name} with {} is not exhausted", variant.name());
        }
    }
}

/// Every variant without a bug, and every planted bug.
fn versions() -> impl Iterator<Item = (Variant, Option<Bug>)> {
    let sound = Variant::ALL.into_iter().map(|variant| (variant, None));
    sound.chain(Bug::ALL.iter().map(|&bug| (bug.variant(), Some(bug))))
}

#[test]
fn on_random_cases() {
    const CASES: usize = 42;
    let few = |case: &Case| (2..=3).contains(&case.programs.tasks());
    let versions: Vec<_> = versions().collect();
    let mut policies = Policy::ALL.to_vec();
    policies.retain(|&policy| Native::<()>::new(policy).is_ok());
    let mut agreed = 0;
    for (i, case) in random_cases(11).filter(few).enumerate().take(10 * CASES) {
        let (variant, bug) = versions[i % versions.len()];
        let case = Case { variant, bug, ..case };
        let policy = policies[i / versions.len() % policies.len()];
        let options = Options { policy, ..Options::of(&case) };
        agreed += usize::from(agrees_with_explore(&case, &options, 25));
        if agreed == CASES {
            return;
        }
    }
    panic!("only {agreed} cases were searched to the end");
}
