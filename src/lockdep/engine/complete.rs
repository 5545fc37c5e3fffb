//! Complete mode's lock-order findings: minimal strong cycles of the final graph.
//!
//! A finding is a function of the set of edges, not of the order in which they arrived: for each
//! edge and each of its kinds the shortest strong cycle through it, the first by class names among
//! equally short ones; then each cycle once. The search walks (class, weak arrival) states, so no
//! strong cycle is missed. Edges that follow each other without a branch have their shortest cycle
//! in common and are searched for once (`stretch`).
//!
//! The text of a finding is told from the event that closed the cycle, which the engine notes when
//! it happens. That costs a search only where some arrival is a recursive reader's: elsewhere every
//! way is strong, and the order of the classes knows whether there is one.

use std::cmp::Ordering;

use super::super::types::{ClassId, Read};
use super::Lockdep;
use super::chain::ChainCache;
use super::cycle::strong_kinds;
use super::dependency::circular_query;
use super::graph::{Direction, EN, ER, NO_EDGE, SN, SR, dependency_kind};
use super::held::HeldLock;
use super::log::Draft;
use super::order::{Keys, sort};
use super::report::{Kind, PathStep, Report, Silence};
use super::search::Rule;
use super::stretch::Stretches;

/// Most edges that one [`Lockdep::finish`] follows; no ordinary graph comes near it.
const MAX_WORK: usize = 1 << 25;

/// A dependency that closed a strong cycle when it was added, with the report of that moment.
#[derive(Clone, Debug)]
pub(crate) struct Closing {
    from: ClassId,
    to: ClassId,
    kind: u8,
    report: Report,
}

/// A state of the cycle search: where, how it came there.
#[derive(Clone, Copy, Debug)]
struct Visit {
    class: ClassId,
    weak: bool,
    parent: usize,
    edge: u16,
}

/// Scratch of [`Lockdep::finish`], kept between runs.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    closings: Vec<Closing>,
    /// Of each edge and kind, one more than the number of its closing; 0 if it closed nothing.
    closing_of: Vec<[u32; 4]>,
    /// Signatures of the reports.
    signatures: ChainCache,
    visits: Vec<Visit>,
    /// Visited (class, weak) states of the current search.
    seen: Vec<u32>,
    generation: u32,
    /// Edges of the path under construction, from the edge in question on, and of the best one.
    path: Vec<u16>,
    best: Vec<u16>,
    /// The best cycle in canonical rotation: classes, kinds of their edges, the kind chosen.
    classes: Vec<ClassId>,
    sets: Vec<u8>,
    kinds: Vec<u8>,
    reach: Vec<u8>,
    keys: Keys,
    pub(super) stretches: Stretches,
    finished: bool,
    /// Edges followed by the current `finish`.
    pub(super) work: usize,
}

impl Findings {
    /// No dependency has closed a cycle.
    pub(crate) fn is_empty(&self) -> bool {
        self.closings.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.closings.clear();
        self.finished = false;
        self.work = 0;
    }
}

impl Lockdep {
    /// A dependency is about to be added: does it close a strong cycle? If so the event counts as
    /// one that reported, and its circumstances are kept.
    pub(super) fn note_closing(&mut self, t: usize, held: &HeldLock, new: &HeldLock) {
        if held.class == new.class || !self.order.agree(&self.graph, held.class, new.class) {
            return;
        }
        let strong = new.read != Read::Recursive && self.graph.is_strong();
        if !strong && self.search(&circular_query(held, new, Rule::Exact)).is_none() {
            return;
        }
        let silence = if self.kernel_skips {
            Some(Silence::ChainCache)
        } else if strong && self.graph.is_seen() {
            None
        } else {
            let found = self.search(&circular_query(held, new, Rule::Kernel));
            found.is_none().then_some(Silence::VisitedFirst)
        };
        let (subject, other) = (Some(*new), Some(*held));
        let report =
            self.report_of(t, Draft { subject, other, silence, ..Draft::new(Kind::Circular) });
        let kind = dependency_kind(held.read, new.read);
        self.log.keep_held();
        self.log.events += 1;
        self.findings.finished = false;
        self.findings.closings.push(Closing { from: held.class, to: new.class, kind, report });
    }

    /// Adds the lock-order findings of the final graph to the reports and returns them. Without a
    /// cycle, and in kernel mode, there is nothing to do.
    pub fn finish(&mut self) -> &[Report] {
        let first = self.log.reports.len();
        if !self.findings.closings.is_empty() && !self.findings.finished {
            self.findings.work = 0;
            self.rank_names();
            self.begin_stretches();
            self.begin_reports();
            for edge in 0..self.graph.edges().len() as u16 {
                self.finish_edge(edge);
            }
        }
        self.findings.finished = true;
        &self.log.reports[first..]
    }

    /// Whether the last [`finish`](Self::finish) looked at every edge. It gives up on graphs that
    /// are both very large and cyclic through and through.
    pub fn is_exhaustive(&self) -> bool {
        self.findings.work < MAX_WORK
    }

    /// Prepares to see which cycles were reported, and which event closed one.
    fn begin_reports(&mut self) {
        let Findings { closings, closing_of, signatures, .. } = &mut self.findings;
        signatures.clear();
        for report in &self.log.reports {
            note_signature(signatures, report.signature);
        }
        closing_of.clear();
        closing_of.resize(self.graph.edges().len(), [0; 4]);
        for (n, closing) in closings.iter().enumerate() {
            if let Some(edge) = self.graph.find(closing.from, closing.to) {
                closing_of[usize::from(edge)][number_of(closing.kind)] = n as u32 + 1;
            }
        }
    }

    fn finish_edge(&mut self, edge: u16) {
        if !self.is_cyclic(edge) || !self.is_exhaustive() || self.is_settled(edge) {
            return;
        }
        self.findings.best.clear();
        for kind in [EN, ER, SN, SR] {
            if self.graph.edge(edge).kinds & kind != 0 {
                self.shortest_cycle(edge, kind);
            }
        }
        if !self.findings.best.is_empty() {
            self.add_finding();
        }
    }

    /// The first shortest strong way from the end of `edge` back to its beginning, where the edge
    /// is taken with `kind`; kept if it is better than what other kinds gave.
    fn shortest_cycle(&mut self, edge: u16, kind: u8) {
        let (from, to) = (self.graph.edge(edge).from, self.graph.edge(edge).to);
        self.begin_cycle_search();
        self.visit_state(Visit { class: to, weak: kind & (SR | ER) != 0, parent: 0, edge });
        let mut head = 0;
        while let Some(&visit) = self.findings.visits.get(head) {
            if visit.class == from && (!visit.weak || kind & (ER | EN) != 0) {
                self.keep_better(head);
                break;
            }
            self.expand_state(head, visit);
            head += 1;
        }
        self.findings.work += self.findings.path.len();
    }

    fn begin_cycle_search(&mut self) {
        let findings = &mut self.findings;
        findings.visits.clear();
        findings.generation = findings.generation.wrapping_add(1);
        if findings.generation == 0 {
            findings.seen.clear();
            findings.generation = 1;
        }
        let states = self.classes.len() * 2;
        if findings.seen.len() < states {
            findings.seen.resize(states, 0);
        }
    }

    /// Visits the states after one, by class name, so that the queue is in order of the names
    /// along the paths. No way back leads out of the component.
    fn expand_state(&mut self, parent: usize, visit: Visit) {
        let mut keys = std::mem::take(&mut self.findings.keys);
        keys.clear();
        let mut at = self.graph.first(visit.class, Direction::Forward);
        while at != NO_EDGE {
            if self.is_cyclic(at) {
                keys.push((self.class_rank(self.graph.edge(at).to), at));
            }
            self.findings.work += 1;
            at = self.graph.next(at, Direction::Forward);
        }
        if keys.len() > 1 {
            sort(&mut keys);
        }
        for &(_, at) in &keys {
            let edge = *self.graph.edge(at);
            let kinds = if visit.weak { edge.kinds & (ER | EN) } else { edge.kinds };
            for (usable, weak) in [(kinds & (SN | EN), false), (kinds & (SR | ER), true)] {
                if usable != 0 {
                    self.visit_state(Visit { class: edge.to, weak, parent, edge: at });
                }
            }
        }
        self.findings.keys = keys;
    }

    fn visit_state(&mut self, visit: Visit) {
        let findings = &mut self.findings;
        let seen = &mut findings.seen[visit.class.index() * 2 + usize::from(visit.weak)];
        if *seen != findings.generation {
            *seen = findings.generation;
            findings.visits.push(visit);
        }
    }

    /// Keeps the path to visit number `at` if it is shorter, or as short and earlier by names.
    fn keep_better(&mut self, mut at: usize) {
        let findings = &mut self.findings;
        findings.path.clear();
        loop {
            let visit = findings.visits[at];
            findings.path.push(visit.edge);
            if at == 0 {
                break;
            }
            at = visit.parent;
        }
        findings.path.reverse();
        let (path, best) = (&self.findings.path, &self.findings.best);
        let better = best.is_empty()
            || path.len() < best.len()
            || (path.len() == best.len() && self.compare_paths(path, best).is_lt());
        if better {
            std::mem::swap(&mut self.findings.path, &mut self.findings.best);
        }
    }

    fn compare_paths(&self, a: &[u16], b: &[u16]) -> Ordering {
        let to = |edge: &u16| self.graph.edge(*edge).to;
        let orders = a.iter().zip(b).map(|(a, b)| self.compare_classes(to(a), to(b)));
        orders.fold(Ordering::Equal, Ordering::then)
    }

    /// Turns the best cycle to its canonical rotation and chooses its kinds.
    fn settle_best(&mut self) -> bool {
        let Findings { best, classes, sets, .. } = &mut self.findings;
        classes.clear();
        classes.extend(best.iter().map(|edge| self.graph.edge(*edge).from));
        sets.clear();
        sets.extend(best.iter().map(|edge| self.graph.edge(*edge).kinds));
        let first = self.first_of_cycle(&self.findings.classes, &self.findings.sets);
        let Findings { best, classes, sets, kinds, reach, .. } = &mut self.findings;
        best.rotate_left(first);
        classes.rotate_left(first);
        sets.rotate_left(first);
        strong_kinds(sets, kinds, reach)
    }

    /// Reports the best cycle, told from its last dependency to appear.
    fn add_finding(&mut self) {
        if !self.settle_best() {
            return;
        }
        let signature = self.cycle_signature(&self.findings.classes, &self.findings.kinds);
        if self.findings.signatures.get(signature).is_some() {
            return;
        }
        let Some((closing, last)) = self.last_closing() else { return };
        note_signature(&mut self.findings.signatures, signature);
        let mut report = self.findings.closings[closing].report.clone();
        report.signature = signature;
        report.silence = self.finding_silence(&report);
        let start = self.log.steps.len();
        for back in 0..self.findings.best.len() {
            let step = self.finding_step(last, back);
            self.log.steps.push(step);
        }
        report.set_path(start..self.log.steps.len());
        self.log.keep(report);
    }

    /// The dependency of the cycle that came last: (number of its closing, position in the cycle).
    fn last_closing(&self) -> Option<(usize, usize)> {
        let Findings { closing_of, best, kinds, .. } = &self.findings;
        let closing = |(edge, kind): (&u16, &u8)| closing_of[usize::from(*edge)][number_of(*kind)];
        let (mut last, mut position) = (0, 0);
        for (at, closing) in best.iter().zip(kinds).map(closing).enumerate() {
            if closing > last {
                (last, position) = (closing, at);
            }
        }
        Some((last.checked_sub(1)? as usize, position))
    }

    /// Step number `back` on the way from the class held at the closing dependency, which is edge
    /// `last` of the cycle, back to the class acquired there.
    fn finding_step(&self, last: usize, back: usize) -> PathStep {
        let Findings { best, kinds, .. } = &self.findings;
        let n = best.len();
        let at = (last + n - 1 - back) % n;
        let edge = self.graph.edge(best[at]);
        let start = back == n - 1;
        PathStep {
            class: edge.to,
            usage: self.classes[edge.to.index()].usage,
            kinds: if start { 0 } else { kinds[at] },
            site: edge.site,
        }
    }

    fn finding_silence(&self, report: &Report) -> Option<Silence> {
        let Findings { best, kinds, .. } = &self.findings;
        let unseen =
            best.iter().zip(kinds).any(|(edge, kind)| self.graph.edge(*edge).unseen & kind != 0);
        let reported = |report: &Report| report.silence.is_none();
        match report.silence {
            None if unseen => Some(Silence::ChainCache),
            None if self.log.reports.iter().any(reported) => Some(Silence::SwitchedOff),
            silence => silence,
        }
    }
}

/// The number of a kind, from 0.
fn number_of(kind: u8) -> usize {
    kind.trailing_zeros() as usize & 3
}

fn note_signature(signatures: &mut ChainCache, signature: u64) {
    if signatures.get(signature).is_none() {
        signatures.insert(signature, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::types::{Acquire, Config, InstanceId, KeyDesc, Mode, Site, TaskId};
    use super::super::search::Query;
    use super::*;

    fn complete(classes: usize) -> (Lockdep, TaskId, Vec<InstanceId>) {
        let mut lockdep = Lockdep::new(Config { mode: Mode::Complete, ..Config::default() });
        let locks = (0..classes).map(|i| {
            let name = format!("c{i}");
            let key = lockdep.declare_key(&KeyDesc { name: &name, ..KeyDesc::default() });
            lockdep.declare_instance(key, 0)
        });
        let locks = locks.collect();
        let task = lockdep.declare_task();
        (lockdep, task, locks)
    }

    /// `held`, then `new` in that mode.
    fn pair(lockdep: &mut Lockdep, task: TaskId, held: InstanceId, new: InstanceId, read: Read) {
        lockdep.acquire(task, &Acquire::exclusive(held, Site(0)));
        lockdep.acquire(task, &Acquire::new(new, read, Site(0)));
        lockdep.release(task, new, Site(0));
        lockdep.release(task, held, Site(0));
    }

    /// States that searches visit while a ring gets chords, which close a cycle each.
    fn searched(read: Read) -> u64 {
        let n = 500;
        let (mut lockdep, task, locks) = complete(n);
        (0..n).for_each(|i| pair(&mut lockdep, task, locks[i], locks[(i + 1) % n], read));
        let before = lockdep.search.visited;
        for i in (0..n - 20).step_by(7) {
            pair(&mut lockdep, task, locks[i], locks[i + 20], Read::Exclusive);
        }
        assert_eq!(lockdep.findings.closings.len(), 1 + (n - 20).div_ceil(7));
        lockdep.search.visited - before
    }

    #[test]
    fn where_every_way_is_strong_no_search_is_made() {
        assert_eq!((searched(Read::Exclusive), searched(Read::Shared)), (0, 0));
        assert!(searched(Read::Recursive) > 0, "recursive readers block less than others");
    }

    /// The shortcut against the searches, on random graphs with few or many recursive readers.
    #[test]
    fn closings_are_those_that_the_searches_find() {
        let mut prng = crate::prng::Prng(5);
        let (mut quick, mut closed) = (0, 0);
        for round in 0..400 {
            let n = 3 + prng.below(6) as usize;
            let (mut lockdep, task, locks) = complete(n);
            for &lock in &locks {
                lockdep.acquire(task, &Acquire::exclusive(lock, Site(0)));
                lockdep.release(task, lock, Site(0));
            }
            for _ in 0..4 * n {
                let (held, new) = (prng.below(n as u32) as usize, prng.below(n as u32) as usize);
                let recursive = round % 4 == 0 && prng.below(6) == 0;
                let read = if recursive { Read::Recursive } else { Read::Exclusive };
                let before = lockdep.findings.closings.len();
                lockdep.acquire(task, &Acquire::exclusive(locks[held], Site(0)));
                let top = lockdep.held(task)[0];
                // As it is before the dependency.
                let ask = ask(&top, locks[new], read);
                let exists = held != new && lockdep.search(&ask).is_some();
                let seen = lockdep.search(&Query { rule: Rule::Kernel, ..ask }).is_some();
                let known = knows(&lockdep, &top, locks[new], read);
                quick += usize::from(lockdep.graph.is_strong() && lockdep.graph.is_seen());
                lockdep.acquire(task, &Acquire::new(locks[new], read, Site(0)));
                let closings = &lockdep.findings.closings[before..];
                assert_eq!(closings.len(), usize::from(exists && !known), "round {round}");
                if let Some(closing) = closings.first() {
                    let silence = (!seen).then_some(Silence::VisitedFirst);
                    assert!([silence, Some(Silence::ChainCache)].contains(&closing.report.silence));
                    closed += 1;
                }
                lockdep.release(task, locks[new], Site(0));
                lockdep.release(task, locks[held], Site(0));
            }
        }
        assert!(quick > 2_000 && closed > 1_000, "{quick} {closed}");
    }

    fn ask(held: &HeldLock, new: InstanceId, read: Read) -> Query {
        let mut new_lock = *held;
        (new_lock.class, new_lock.read) = (ClassId(new.index() as u16), read);
        circular_query(held, &new_lock, Rule::Exact)
    }

    fn knows(lockdep: &Lockdep, held: &HeldLock, new: InstanceId, read: Read) -> bool {
        let edge = lockdep.graph.find(held.class, ClassId(new.index() as u16));
        let kind = dependency_kind(held.read, read);
        edge.is_some_and(|edge| lockdep.graph.edge(edge).kinds & kind != 0)
    }

    /// Edges followed for one cycle through so many classes, with a dependency out of each of them
    /// that leads nowhere.
    fn work_of_ring(classes: usize) -> usize {
        let (mut lockdep, task, locks) = complete(classes + 1);
        for i in 0..classes {
            for next in [locks[(i + 1) % classes], locks[classes]] {
                pair(&mut lockdep, task, locks[i], next, Read::Exclusive);
            }
        }
        lockdep.finish();
        assert_eq!((lockdep.reports().len(), lockdep.is_exhaustive()), (1, true));
        assert_eq!(lockdep.report_cycle(&lockdep.reports()[0]).len(), classes);
        lockdep.findings.work
    }

    #[test]
    fn a_long_cycle_costs_in_proportion_to_its_length() {
        for classes in [1_000, 8_000] {
            let work = work_of_ring(classes);
            assert!(work <= 3 * classes, "{work} edges for {classes} classes");
        }
    }
}
