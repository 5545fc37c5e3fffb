//! Complete mode: nothing missed, whatever the order of events, and what the kernel misses.

use std::collections::BTreeSet;

use kvm_lock_fuzz::lockdep::script::{Outcome, Script, parse, run};
use kvm_lock_fuzz::lockdep::*;

fn complete(decl: &[String], events: &[String]) -> (Script, Outcome) {
    let script = parse(decl, events).unwrap_or_else(|error| panic!("{error}"));
    let config = Config { mode: Mode::Complete, raw_lock_nesting: false };
    let mut outcome = run(&script, config);
    outcome.lockdep.finish();
    (script, outcome)
}

fn split(lines: &str) -> (Vec<String>, Vec<String>) {
    let lines = lines.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    lines.partition(|line| line.starts_with("class ") || line.starts_with("lock "))
}

fn findings(lines: &str) -> Vec<(String, Option<Silence>)> {
    let (decl, events) = split(lines);
    let (_, outcome) = complete(&decl, &events);
    let lockdep = &outcome.lockdep;
    lockdep.reports().iter().map(|r| (lockdep.signature(r), r.silence)).collect()
}

fn one(signature: &str, silence: Option<Silence>) -> Vec<(String, Option<Silence>)> {
    vec![(signature.to_owned(), silence)]
}

#[test]
fn a_strong_way_behind_a_weak_one_is_found() {
    let found = findings(
        "class N\nclass X\nclass Y\nclass P\nlock N N\nlock X X\nlock Y Y\nlock P P
        T1 acq N w\nT1 acq X R\nT1 rel X\nT1 rel N\nT1 acq X r\nT1 acq P w\nT1 rel P\nT1 rel X
        T1 acq N w\nT1 acq Y w\nT1 rel Y\nT1 rel N\nT1 acq Y w\nT1 acq X w\nT1 rel X\nT1 rel Y
        T2 acq P w\nT2 acq N w\nT2 rel N\nT2 rel P",
    );
    let cycle = "circular N -EN-> Y -EN-> X -SN-> P -EN-> N";
    assert_eq!(found, one(cycle, Some(Silence::VisitedFirst)));
}

#[test]
fn a_trylock_does_not_hide_the_same_chain_without_it() {
    let found = findings(
        "class A\nclass B\nclass C\nlock A A\nlock B B\nlock C C
        T1 acq A w\nT1 acq B w\nT1 acq C w\nT1 rel C\nT1 rel B\nT1 rel A
        T1 acq A w\nT1 acq B w try\nT1 acq C w\nT1 rel C\nT1 rel B\nT1 rel A
        T2 acq C w\nT2 acq A w\nT2 rel A\nT2 rel C",
    );
    let ab_c = "circular A -EN-> B -EN-> C -EN-> A".to_owned();
    let a_c = "circular A -EN-> C -EN-> A".to_owned();
    assert_eq!(found, vec![(ab_c, None), (a_c, Some(Silence::ChainCache))]);
}

#[test]
fn a_handler_is_compared_with_what_it_interrupted() {
    let found = findings(
        "class B\nlock B B
        T hardirqs_off\nT acq B w\nT softirq_enter\nT acq B w",
    );
    assert_eq!(found, one("recursive B w B w same-instance", Some(Silence::ChainCache)));
}

#[test]
fn the_irq_states_that_conflict_are_named() {
    let lines = "class S\nclass U\nlock S S\nlock U U
        T1 softirq_enter\nT1 acq S w\nT1 rel S\nT1 softirq_exit
        T2 hardirq_enter\nT2 acq U r\nT2 rel U\nT2 hardirq_exit\nT2 acq U r\nT2 rel U
        T3 hardirqs_off\nT3 acq S w\nT3 acq U r";
    let order = "irq_order S {IN-SOFTIRQ-W} S w U r U {SOFTIRQ-ON-R}".to_owned();
    assert!(findings(lines).contains(&(order, None)), "{:?}", findings(lines));
    let (decl, events) = split(lines);
    let script = parse(&decl, &events).expect("a script");
    let kernel = run(&script, Config::default());
    let (report, _) = kernel.first().expect("a report");
    let detail = Detail::IrqOrder { safe_bit: 2, unsafe_bit: 1 };
    assert_eq!(format!("{:?}", report.detail), format!("{detail:?}"));
}

#[test]
fn a_nest_lock_does_not_hide_the_same_chain_without_it() {
    let found = findings(
        "class M\nclass A\nclass B\nlock M M\nlock A1 A\nlock A2 A\nlock B B
        T1 acq M w\nT1 acq A1 w nest=M\nT1 acq B w\nT1 acq A2 w nest=M\nT1 rel A2\nT1 rel B
        T1 rel A1\nT1 acq A1 w\nT1 acq B w\nT1 acq A2 w\nT1 rel A2\nT1 rel B\nT1 rel A1\nT1 rel M",
    );
    let recursive = |f: &(String, _)| f.0 == "recursive A w A w other-instance";
    assert!(found.iter().any(recursive), "{found:?}");
}

#[test]
fn nested_region_and_two_machines_are_different_findings() {
    let found = findings(
        "class A\nlock A1 A\nlock A2 A
        T1 acq A1 r\nT1 acq A2 r\nT1 rel A2\nT1 rel A1\nT1 acq A1 r\nT1 acq A1 r",
    );
    let names: Vec<&str> = found.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(names, ["recursive A r A r other-instance", "recursive A r A r same-instance"]);
}

/// A random graph as events, and its edges with kinds.
struct Sample {
    decl: Vec<String>,
    events: Vec<String>,
}

/// Small generator, so that the test needs no crate and never changes.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }
}

fn sample(random: &mut Random, classes: u64, pairs: u64) -> Sample {
    let decl = (0..classes).flat_map(|i| [format!("class c{i}"), format!("lock c{i} c{i}")]);
    let mut events = Vec::new();
    for _ in 0..pairs {
        let from = random.below(classes);
        let to = (from + 1 + random.below(classes - 1)) % classes;
        let [held, new] = [0, 1].map(|_| ["w", "r", "R"][random.below(3) as usize]);
        events.push(format!("T acq c{from} {held}"));
        events.push(format!("T acq c{to} {new}"));
        events.push(format!("T rel c{to}"));
        events.push(format!("T rel c{from}"));
    }
    Sample { decl: decl.collect(), events }
}

/// Length of the shortest strong closed walk through an edge, by trying all walks.
fn shortest_walk(edges: &[(usize, usize, u8)], from: usize, max: usize) -> Option<usize> {
    let reader = |kind: u8| kind & (SR | ER) != 0;
    let shared = |kind: u8| kind & (SR | SN) != 0;
    let kinds = |set: u8| [SR, ER, SN, EN].into_iter().filter(move |k| set & k != 0);
    let (start, first_to, set) = edges[from];
    kinds(set)
        .filter_map(|first| {
            let mut walks = vec![(first_to, first)];
            for length in 1..=max {
                let closes =
                    |&(at, last): &(usize, u8)| at == start && !(reader(last) && shared(first));
                if walks.iter().any(closes) {
                    return Some(length);
                }
                let next: BTreeSet<(usize, u8)> = walks
                    .iter()
                    .flat_map(|&(at, last)| {
                        let out = edges.iter().filter(move |e| e.0 == at);
                        out.flat_map(move |e| kinds(e.2).map(move |k| (e.1, k)))
                            .filter(move |&(_, k)| !(reader(last) && shared(k)))
                    })
                    .collect();
                walks = next.into_iter().collect();
            }
            None
        })
        .min()
}

#[test]
fn every_strong_cycle_is_found_and_is_minimal() {
    let mut random = Random(1);
    let mut cyclic = 0;
    for round in 0..3000 {
        let (classes, pairs) = (2 + random.below(5), 1 + random.below(14));
        let sample = sample(&mut random, classes, pairs);
        let (script, outcome) = complete(&sample.decl, &sample.events);
        let lockdep = &outcome.lockdep;
        let edges: Vec<(usize, usize, u8)> =
            lockdep.edges().iter().map(|e| (e.from().index(), e.to().index(), e.kinds())).collect();
        let lengths: Vec<Option<usize>> =
            (0..edges.len()).map(|e| shortest_walk(&edges, e, 2 * classes as usize)).collect();
        let cycles: Vec<Vec<CycleStep>> =
            lockdep.reports().iter().map(|r| lockdep.report_cycle(r)).collect();
        let covers = |e: usize, cycle: &Vec<CycleStep>| {
            let n = cycle.len();
            (0..n).any(|i| {
                (cycle[i].class.index(), cycle[(i + 1) % n].class.index())
                    == (edges[e].0, edges[e].1)
            })
        };
        for (e, length) in lengths.iter().enumerate() {
            let found = cycles.iter().filter(|c| covers(e, c)).map(Vec::len).min();
            assert_eq!(found, *length, "round {round}, edge {e}: {:?}", sample.events);
        }
        cyclic += usize::from(!cycles.is_empty());
        assert!(outcome.at.iter().all(|at| *at < script.events.len()));
    }
    assert!(cyclic > 1000, "{cyclic}");
}

#[test]
fn findings_do_not_depend_on_the_order_of_arrival() {
    let mut random = Random(2);
    for _ in 0..500 {
        let classes = 3 + random.below(4);
        let sample = sample(&mut random, classes, 12);
        let mut blocks: Vec<&[String]> = sample.events.chunks(4).collect();
        let signatures = |blocks: &[&[String]]| {
            let (_, outcome) = complete(&sample.decl, &blocks.concat());
            let lockdep = &outcome.lockdep;
            lockdep.reports().iter().map(|r| (lockdep.signature(r), r.signature)).collect()
        };
        let first: BTreeSet<(String, u64)> = signatures(&blocks);
        for _ in 0..4 {
            let (a, b) = (random.below(12) as usize, random.below(12) as usize);
            blocks.swap(a, b);
            assert_eq!(first, signatures(&blocks));
        }
    }
}

/// Large cyclic graphs cost what they may cost.
#[test]
fn large_cyclic_graphs_end() {
    let classes: usize = 400;
    let decl: Vec<String> =
        (0..classes).flat_map(|i| [format!("class c{i}"), format!("lock c{i} c{i}")]).collect();
    let mut random = Random(3);
    let mut events = Vec::new();
    for i in 0..4 * classes {
        let from = if i < classes { i } else { random.below(classes as u64) as usize };
        let to =
            if i < classes { (i + 1) % classes } else { random.below(classes as u64) as usize };
        if from != to {
            events.push(format!("T acq c{from} w"));
            events.push(format!("T acq c{to} w"));
            events.push(format!("T rel c{to}"));
            events.push(format!("T rel c{from}"));
        }
    }
    let (_, outcome) = complete(&decl, &events);
    assert!(outcome.lockdep.reports().len() > 300);
}
