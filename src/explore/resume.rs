//! A search that is put aside and taken up again, by another process.
//!
//! What the search knows of the schedules is plain data and is written as it is. What the validator
//! and the oracles know comes from runs, and the few that taught them something are repeated: every
//! finding has to show again, and every dependency, or the bytes are those of other programs.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::engine::{Search, Slots};
use super::fit::{counts_fit, path_fits};
use super::path::Path;
use super::protocol::{Judge, Machine, Programs};
use super::sets::Sets;
use super::slots::{in_place, search};
use super::visited::Visited;
use super::{Config, Counts, Cursor, Explored, TooManyTasks};
use crate::case::Case;
use crate::machine::sim::{Fingerprint, Sim};
use crate::oracle::Finding;
use crate::run::{Options, Stage};

/// A search over the programs of a case.
pub type Run<'m> = Search<'m, Programs, Judge>;

/// Who looks at a search while it runs.
pub trait Watch {
    /// Asked before every step: whether to make it.
    fn go_on(&mut self, run: &Run<'_>) -> bool;
    /// The search stands still: it was told to, or has seen everything.
    fn stands(&mut self, run: &Run<'_>);
}

/// Bytes that are no state of this search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit(pub &'static str);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const DAMAGED: Unfit = Unfit("it is damaged");

/// Whether the bytes are a state of that search.
pub fn fits(
    case: &Case,
    options: &Options,
    config: Config,
    from: &mut dyn Read,
) -> Result<(), Unfit> {
    let mut machine: Machine = Sim::new(Cursor::default());
    let stage = Stage::build(&mut machine, case.clone(), options);
    let programs = Programs::new(stage, options);
    begun(&programs, &machine, options, config)?.load(from)
}

fn begun<'m>(
    programs: &'m Programs,
    machine: &'m Machine,
    options: &Options,
    config: Config,
) -> Result<Run<'m>, Unfit> {
    let too_many = |_: TooManyTasks| Unfit("more tasks than a machine can run");
    Search::new(programs, machine, Judge::new(options), config).map_err(too_many)
}

/// What is written of the search itself.
type Known = (Path, Sets, Visited, Counts, Option<u8>, bool, bool, u64);
/// What is written of its findings: schedules, signatures, ends.
type Shown = (Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<u64>, BTreeSet<Fingerprint>);

/// Searches as [`explore`](super::explore) does, from the state that was saved where there is one.
pub fn explore_from(
    case: &Case,
    options: &Options,
    config: Config,
    from: Option<&mut dyn Read>,
    watch: &mut impl Watch,
) -> Result<Explored, Unfit> {
    let mut machine: Machine = Sim::new(Cursor::default());
    let stage = Stage::build(&mut machine, case.clone(), options);
    let programs = Programs::new(stage, options);
    let mut run = begun(&programs, &machine, options, config)?;
    if let Some(from) = from {
        run.load(from)?;
    }
    let coverage = search(&mut run, |run| !watch.go_on(run));
    watch.stands(&run);
    run.conclude();
    Ok(run.explored(coverage))
}

impl Run<'_> {
    /// Its counts.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Writes all that it needs to go on.
    pub fn save(&self, to: &mut dyn Write) -> io::Result<()> {
        let edges = self.edges as u64;
        let Search { path, sets, visited, counts, bound, left_out, started, .. } = self;
        put(to, &(path, sets, visited, counts, bound, left_out, started, edges))?;
        let judge = self.observer();
        let signatures: Vec<u64> = judge.findings.iter().map(|f| f.signature.0).collect();
        put(to, &(&self.shown, &self.taught, signatures, &judge.ends))
    }

    /// Takes up what was written, once all of it is seen to fit.
    fn load(&mut self, from: &mut dyn Read) -> Result<(), Unfit> {
        let (path, sets, visited, counts, bound, left_out, started, edges): Known = get(from)?;
        let (shown, taught, signatures, ends): Shown = get(from)?;
        let scripts = || taught.iter().chain(&shown);
        let tasks = super::Model::tasks(self.model);
        let bounds = bound.is_none() == self.config.max_preemptions.is_none()
            && bound <= self.config.max_preemptions
            && !(left_out && bound.is_none());
        let fits = sets.fits()
            && visited.fits(tasks, &sets, bound)
            && path_fits(&path, tasks, &sets, started)
            && counts_fit(&counts, &path)
            && bounds
            && shown.len() == signatures.len()
            && scripts().flatten().all(|&task| usize::from(task) < tasks)
            && is_over(from);
        if !fits {
            return Err(DAMAGED);
        }
        (self.path, self.sets, self.visited) = (path, sets, visited);
        (self.bound, self.left_out) = (bound, left_out);
        if !self.learn(scripts()) {
            return Err(Unfit("its schedules lead nowhere"));
        }
        if self.edges() as u64 != edges {
            return Err(Unfit("its runs do not teach what they taught"));
        }
        self.observer.findings = in_order(&self.observer.findings, &signatures)?;
        self.observer.ends = ends;
        (self.counts, self.shown, self.taught) = (counts, shown, taught);
        (self.started, self.in_place, self.edges) = (started, false, edges as usize);
        Ok(())
    }

    /// Repeats these runs for what the validator and the oracles learn from them, then the path.
    /// Whether all of them lead somewhere.
    fn learn<'a>(&mut self, mut scripts: impl Iterator<Item = &'a Vec<u8>>) -> bool {
        let (sim, model) = (self.sim, self.model);
        let start = |i: usize| super::Model::task(model, sim.task(i as u8), i);
        in_place(super::Model::tasks(model), &start, |slots| {
            scripts.all(|script| self.learn_from(slots, &start, script))
                && (self.path.nodes.is_empty() || self.path_leads(slots, &start))
        })
    }

    fn learn_from<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        script: &[u8],
    ) -> bool {
        let Some(runnable) = self.repeat(slots, start, script, false) else { return false };
        let ending = (runnable == 0).then(|| self.sim.settle());
        self.catch_up();
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| super::Observer::end(observer, seen, ending));
        true
    }

    /// Dependencies that the validator knows.
    fn edges(&self) -> usize {
        self.sim.inspect(|seen| seen.lockdep.edges().len())
    }
}

/// The findings with these signatures. Repeated runs may show more: they stop where others went on.
fn in_order(findings: &[Finding], signatures: &[u64]) -> Result<Vec<Finding>, Unfit> {
    let unfit = Unfit("its runs do not show what they showed");
    if signatures.iter().collect::<BTreeSet<_>>().len() != signatures.len() {
        return Err(unfit);
    }
    let find = |&signature: &u64| findings.iter().find(|f| f.signature.0 == signature).copied();
    let all: Option<Vec<Finding>> = signatures.iter().map(find).collect();
    all.ok_or(unfit)
}

fn put(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    postcard::to_io(value, to).map(drop).map_err(io::Error::other)
}

fn get<T: DeserializeOwned>(from: &mut dyn Read) -> Result<T, Unfit> {
    let value = postcard::from_io((from, &mut [])).map(|(value, _)| value);
    value.map_err(|_| DAMAGED)
}

/// Nothing is left to read.
fn is_over(from: &mut dyn Read) -> bool {
    matches!(from.read(&mut [0]), Ok(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kvm::Variant;
    use crate::prng::Prng;

    const CASE: &str = "variant rwsem  vm vm0  slot 0  gfn 0x00..0x08  hva 0x100
        task a  mremap 0x100..0x104  split 0x100..0x102  end
        task b  memslot delete 0
        task c  fault gfn 0x01";

    /// Goes on for so many steps, and keeps the state.
    struct Few {
        steps: u32,
        state: Vec<u8>,
    }

    impl Watch for Few {
        fn go_on(&mut self, _: &Run<'_>) -> bool {
            self.steps = self.steps.saturating_sub(1);
            self.steps > 0
        }

        fn stands(&mut self, run: &Run<'_>) {
            run.save(&mut self.state).expect("a vector has room");
        }
    }

    fn go_on(
        config: Config,
        steps: u32,
        from: Option<&[u8]>,
    ) -> Result<(Explored, Vec<u8>), Unfit> {
        let case: Case = CASE.parse().expect("it is legal");
        let options = Options { variant: Variant::Rwsem, ..Options::of(&case) };
        let mut few = Few { steps, state: Vec::new() };
        let mut from = from;
        let from = from.as_mut().map(|from| from as &mut dyn Read);
        let explored = explore_from(&case, &options, config, from, &mut few)?;
        Ok((explored, few.state))
    }

    fn stopped(config: Config) -> Vec<u8> {
        go_on(config, 400, None).expect("it is new").1
    }

    /// A checksum can be made for any bytes: whatever they say, nothing panics.
    #[test]
    fn no_bytes_end_the_program() {
        let mut prng = Prng(1);
        for config in [Config::DEFAULT, Config::bounded(Some(1))] {
            let state = stopped(config);
            let mut refused = 0;
            for _ in 0..1_500 {
                let mut bytes = state.clone();
                for _ in 0..=prng.below(3) {
                    let at = prng.below(bytes.len() as u32) as usize;
                    bytes[at] = match prng.below(3) {
                        0 => bytes[at] ^ 1 << prng.below(7),
                        1 => 0x7f,
                        _ => prng.below(256) as u8,
                    };
                }
                refused += u32::from(go_on(config, 300, Some(&bytes)).is_err());
            }
            assert!(refused > 500, "{refused}");
        }
    }

    #[test]
    fn bytes_that_are_cut_or_go_on_are_refused() {
        let state = stopped(Config::DEFAULT);
        for length in (0..state.len()).step_by(97) {
            assert!(go_on(Config::DEFAULT, 10, Some(&state[..length])).is_err(), "{length}");
        }
        let longer = [&state[..], &[0]].concat();
        assert_eq!(go_on(Config::DEFAULT, 10, Some(&longer)).err(), Some(DAMAGED));
        assert_eq!(go_on(Config::bounded(Some(2)), 10, Some(&state)).err(), Some(DAMAGED));
    }

    /// Every dependency has to come again: with one too many or too few, other programs were searched.
    #[test]
    fn other_dependencies_are_refused() {
        let state = stopped(Config::DEFAULT);
        let mut from = &state[..];
        let (path, sets, visited, counts, bound, left_out, started, edges): Known =
            get(&mut from).expect("it is whole");
        for (edges, fits) in [(edges, true), (edges + 1, false), (edges - 1, false)] {
            let mut bytes = Vec::new();
            let known = (&path, &sets, &visited, &counts, &bound, &left_out, &started, edges);
            put(&mut bytes, &known).expect("a vector has room");
            bytes.extend(from);
            assert_eq!(go_on(Config::DEFAULT, 10, Some(&bytes)).is_ok(), fits);
        }
    }

    #[test]
    fn what_was_stopped_comes_to_the_same_end() {
        for config in [Config::DEFAULT, Config::bounded(Some(1))] {
            let (whole, _) = go_on(config, u32::MAX, None).expect("it is new");
            let state = stopped(config);
            let (rest, _) = go_on(config, u32::MAX, Some(&state)).expect("it fits");
            assert_eq!((rest.coverage, rest.preemptions), (whole.coverage, whole.preemptions));
            assert_eq!(rest.progress.counts, whole.progress.counts);
            assert_eq!((rest.ends, rest.findings.len()), (whole.ends, whole.findings.len()));
        }
    }
}
