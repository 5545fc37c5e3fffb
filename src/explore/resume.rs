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
    let mut run = Search::new(&programs, &machine, Judge::new(options), config)
        .map_err(|TooManyTasks(_)| Unfit("more tasks than a machine can run"))?;
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

    /// Different states so far.
    pub fn states(&self) -> usize {
        self.visited.len()
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

    /// Takes up what was written.
    fn load(&mut self, from: &mut dyn Read) -> Result<(), Unfit> {
        let (path, sets, visited, counts, bound, left_out, started, edges): Known = get(from)?;
        let (shown, taught, signatures, ends): Shown = get(from)?;
        self.learn(taught.iter().chain(&shown));
        if self.edges() as u64 != edges {
            return Err(Unfit("its runs do not teach what they taught"));
        }
        self.observer.findings = in_order(&self.observer.findings, &signatures)?;
        self.observer.ends = ends;
        (self.path, self.sets, self.visited) = (path, sets, visited);
        (self.bound, self.left_out) = (bound, left_out);
        (self.counts, self.shown, self.taught) = (counts, shown, taught);
        (self.started, self.in_place, self.edges) = (started, false, edges as usize);
        Ok(())
    }

    /// Repeats these runs for what the validator and the oracles learn from them.
    fn learn<'a>(&mut self, scripts: impl Iterator<Item = &'a Vec<u8>>) {
        let (sim, model) = (self.sim, self.model);
        let start = |i: usize| super::Model::task(model, sim.task(i as u8), i);
        in_place(super::Model::tasks(model), &start, |slots| {
            scripts.for_each(|script| self.learn_from(slots, &start, script));
        });
    }

    fn learn_from<F: Future<Output = ()>>(
        &mut self,
        slots: &mut Slots<'_, F>,
        start: &impl Fn(usize) -> F,
        script: &[u8],
    ) {
        let runnable = self.repeat(slots, start, script, false);
        let ending = (runnable == 0).then(|| self.sim.settle());
        self.catch_up();
        let (sim, observer) = (self.sim, &mut self.observer);
        sim.inspect(|seen| super::Observer::end(observer, seen, ending));
    }

    /// Dependencies that the validator knows.
    fn edges(&self) -> usize {
        self.sim.inspect(|seen| seen.lockdep.edges().len())
    }
}

/// The findings with these signatures. Repeated runs may show more: they stop where others went on.
fn in_order(findings: &[Finding], signatures: &[u64]) -> Result<Vec<Finding>, Unfit> {
    let find = |&signature: &u64| findings.iter().find(|f| f.signature.0 == signature).copied();
    let all: Option<Vec<Finding>> = signatures.iter().map(find).collect();
    all.ok_or(Unfit("its runs do not show what they showed"))
}

fn put(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    postcard::to_io(value, to).map(drop).map_err(io::Error::other)
}

fn get<T: DeserializeOwned>(from: &mut dyn Read) -> Result<T, Unfit> {
    let value = postcard::from_io((from, &mut [])).map(|(value, _)| value);
    value.map_err(|_| Unfit("it is damaged"))
}
