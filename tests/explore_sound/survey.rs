//! Every comparison over many cases, and what came of it.

use std::collections::BTreeMap;

use kvm_lock_fuzz::case::{Case, Opener};
use kvm_lock_fuzz::explore::{Config, Counts, Mistake, Reduction};
use kvm_lock_fuzz::machine::sim::Marks;
use kvm_lock_fuzz::oracle::Kind;
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::{Options, Runner};

use super::cases;
use super::compare::{Result, name, search};
use super::hits::{Hits, random_runs};
use super::replay::replay;

/// Steps after which a search is given up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Reduced, or enumerating states.
    pub states: u64,
    /// Enumerating schedules.
    pub schedules: u64,
}

/// Deliberate mistakes, by name.
pub const MISTAKES: [(&str, Config); 9] = [
    ("locks", mistaken(Mistake::Locks)),
    ("words", mistaken(Mistake::Words)),
    ("srcu", mistaken(Mistake::Srcu)),
    ("waiters", mistaken(Mistake::Waiters)),
    ("observed", mistaken(Mistake::Observed)),
    ("wakes", mistaken(Mistake::Wakes)),
    ("futures", mistaken(Mistake::Futures)),
    ("alike", mistaken(Mistake::Alike)),
    ("marks that forget", Config { marks: Marks::Forget, ..Config::DEFAULT }),
];

const fn mistaken(mistake: Mistake) -> Config {
    Config { mistake: Some(mistake), ..Config::DEFAULT }
}

/// What was compared, and what differed.
#[derive(Debug, Default)]
pub struct Survey {
    /// Cases, and those whose enumeration came to its end: of states, of states with all points, of
    /// schedules.
    pub cases: u32,
    pub enumerated: [u32; 3],
    /// Enumerations of schedules with few preemptions that came to their end.
    pub bounded: u32,
    /// Cases that even the reduced search did not finish.
    pub given_up: u32,
    /// Findings, and final states.
    pub findings: u64,
    pub ends: u64,
    /// What searches took over the cases that both finished: reduced, and enumeration of states.
    pub states: [u64; 2],
    pub schedules: [u64; 2],
    /// States of the reduced search where marks are ignored, over the same cases as `states`.
    pub unmarked: u64,
    /// Differences that must not be, with the case.
    pub wrong: Vec<String>,
    /// Cases in which a deliberate mistake showed; in which a self-check saw marks that forget.
    pub caught: BTreeMap<&'static str, u32>,
    pub collisions: u64,
    pub hits: Hits,
}

impl Survey {
    /// Compares so many cases, the first ones that the seed gives.
    pub fn of(seed: u64, cases: u32, limits: Limits, each: impl Fn(&Survey) -> bool) -> Survey {
        let (mut survey, mut prng, mut runner) = (Survey::default(), Prng(seed), Runner::new());
        for _ in 0..cases {
            survey.compare(&cases::case(&mut prng), limits, &mut runner);
            if !each(&survey) {
                break;
            }
        }
        survey
    }

    fn compare(&mut self, case: &Case, limits: Limits, runner: &mut Runner) {
        self.cases += 1;
        if cases::opens(case, Opener::Munmap) {
            self.hits.hit("downgrades");
        }
        let options = Options::of(case);
        let checked = Config { check: true, ..Config::DEFAULT };
        let reduced = search(case, &options, checked, limits.states);
        self.must(case, reduced.explored.progress.counts.collisions == 0, "equal states differ");
        if !reduced.exhausted() {
            self.given_up += 1;
            return;
        }
        reduced.findings.values().for_each(|finding| self.hits.hit(finding.kind.name()));
        self.findings += reduced.findings.len() as u64;
        self.ends += reduced.ends.len() as u64;
        let reference = self.enumerate(case, limits, &reduced);
        self.within_bounds(case, limits);
        self.run_at_random(case, runner, &reduced);
        self.run_again(case, &reduced);
        self.mistake(case, limits, &reference);
    }

    fn must(&mut self, case: &Case, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(format!("{what}\n{case}"));
        }
    }

    fn same(&mut self, case: &Case, what: &str, reduced: &Result, other: &Result) {
        if let Some(difference) = reduced.differs(other) {
            self.wrong.push(format!("against {what}: {difference}\n{case}"));
        }
    }

    /// States by their whole history, the same with all points, and schedules.
    fn enumerate(&mut self, case: &Case, limits: Limits, reduced: &Result) -> Result {
        let options = Options::of(case);
        let plain = Config { symmetry: false, check: true, ..Config::DEFAULT };
        let states = Config { reduction: Reduction::States, marks: Marks::Ignore, ..plain };
        let pure = Config { reduction: Reduction::None, ..plain };
        let all_points = Options { all_points: true, ..options };
        let few = search(case, &options, states, limits.states);
        let all = search(case, &all_points, states, limits.states);
        let schedules = search(case, &options, pure, limits.schedules);
        let enumerations = [("states", &few), ("all points", &all), ("schedules", &schedules)];
        for (i, (what, result)) in enumerations.into_iter().enumerate() {
            self.enumerated[i] += u32::from(result.exhausted());
            self.same(case, what, reduced, result);
            let counts = result.explored.progress.counts;
            self.must(case, counts.collisions == 0, "equal states differ");
        }
        if few.exhausted() {
            let unmarked = Config { marks: Marks::Ignore, ..Config::DEFAULT };
            let unmarked = search(case, &options, unmarked, limits.states);
            self.same(case, "marks ignored", reduced, &unmarked);
            self.unmarked += unmarked.explored.progress.states as u64;
            for (i, result) in [reduced, &few].into_iter().enumerate() {
                let Counts { schedules, .. } = result.explored.progress.counts;
                self.states[i] += result.explored.progress.states as u64;
                self.schedules[i] += schedules;
            }
            return few;
        }
        reduced.clone()
    }

    /// With few preemptions: known states against nothing but schedules.
    fn within_bounds(&mut self, case: &Case, limits: Limits) {
        let options = Options::of(case);
        for most in 0..3 {
            let bounded = Config::bounded(Some(most));
            let plain = Config { reduction: Reduction::None, symmetry: false, ..bounded };
            let reduced = search(case, &options, bounded, limits.states);
            let all = search(case, &options, plain, limits.states);
            if reduced.exhausted() {
                self.bounded += u32::from(all.exhausted());
                self.same(case, &format!("schedules of {most} preemptions"), &reduced, &all);
            }
        }
    }

    /// What random schedules show has to be found.
    fn run_at_random(&mut self, case: &Case, runner: &mut Runner, reduced: &Result) {
        for finding in random_runs(runner, case, 40, &mut self.hits) {
            let found = reduced.findings.contains_key(&(finding.signature, finding.severity));
            self.must(case, found, &format!("only a random run shows {}", name(&finding)));
        }
    }

    /// What was found has to show again.
    fn run_again(&mut self, case: &Case, reduced: &Result) {
        for found in &reduced.explored.findings {
            let finding = found.finding;
            let again = replay(case, &Options::of(case), &found.steps);
            let shows = again.iter().any(|f| f.signature == finding.signature);
            let lock_order = finding.kind == Kind::LockOrder;
            self.must(case, shows || lock_order, &format!("not again: {}", name(&finding)));
        }
    }

    fn mistake(&mut self, case: &Case, limits: Limits, reference: &Result) {
        for (what, config) in MISTAKES {
            let config = Config { check: config.marks == Marks::Forget, ..config };
            let result = search(case, &Options::of(case), config, limits.states);
            self.collisions += u64::from(result.explored.progress.counts.collisions);
            let caught = result.differs(reference).is_some();
            *self.caught.entry(what).or_default() += u32::from(caught);
        }
    }

    /// One line.
    pub fn summary(&self) -> String {
        let Survey { cases, enumerated: [states, all, schedules], given_up, .. } = self;
        format!(
            "{cases} cases ({states} enumerated by states, {all} with all points, {schedules} by \
             schedules, {given_up} given up, {} within bounds): {} findings, {} final states; {} states instead of {}, \
             {} schedules instead of {}, {} states without marks; caught {:?}; {} collisions of marks \
             that forget; {} wrong",
            self.bounded,
            self.findings,
            self.ends,
            self.states[0],
            self.states[1],
            self.schedules[0],
            self.schedules[1],
            self.unmarked,
            self.caught,
            self.collisions,
            self.wrong.len(),
        )
    }

    /// Adds another survey.
    pub fn add(&mut self, other: Survey) {
        self.cases += other.cases;
        self.given_up += other.given_up;
        self.bounded += other.bounded;
        self.findings += other.findings;
        self.ends += other.ends;
        self.unmarked += other.unmarked;
        self.collisions += other.collisions;
        (0..3).for_each(|i| self.enumerated[i] += other.enumerated[i]);
        (0..2).for_each(|i| self.states[i] += other.states[i]);
        (0..2).for_each(|i| self.schedules[i] += other.schedules[i]);
        self.wrong.extend(other.wrong);
        for (what, times) in other.caught {
            *self.caught.entry(what).or_default() += times;
        }
        self.hits.add(&other.hits);
    }
}
