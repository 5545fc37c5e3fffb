//! The validator's costs, case by case as the real one was measured.
//!
//! Cached cases: one lock or nest of locks, acquired and released over and over; figures are per
//! pair. Growing cases: a fresh graph each time; figures are per new edge, or per first use.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kvm_lock_fuzz::lockdep::*;

/// Counts allocations, of which the cached cases and the runs after a reset have none.
#[global_allocator]
static ALLOC: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

struct Bench {
    lockdep: Lockdep,
    task: TaskId,
    locks: Vec<InstanceId>,
}

const SITE: Site = Site(0);

fn bench(mode: Mode, classes: usize) -> Bench {
    let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
    let task = lockdep.declare_task();
    let lock = |i| {
        let name = format!("class{i}");
        let key = lockdep.declare_key(&KeyDesc { name: &name, ..KeyDesc::default() });
        lockdep.declare_instance(key, 0)
    };
    let locks = (0..classes).map(lock).collect();
    Bench { lockdep, task, locks }
}

impl Bench {
    fn acquire(&mut self, lock: usize) {
        self.lockdep.acquire(self.task, &Acquire::exclusive(self.locks[lock], SITE));
    }

    fn release(&mut self, lock: usize) {
        self.lockdep.release(self.task, self.locks[lock], SITE);
    }

    fn pair(&mut self, held: usize, new: usize) {
        self.acquire(held);
        self.acquire(new);
        self.release(new);
        self.release(held);
    }

    fn use_all(&mut self) {
        for lock in 0..self.locks.len() {
            self.acquire(lock);
            self.release(lock);
        }
    }
}

const ROUNDS: usize = 1000;

fn nested(bencher: Bencher, mode: Mode, depth: usize) {
    let mut b = bench(mode, depth);
    bencher.counter(ItemsCount::new(depth * ROUNDS)).bench_local(|| {
        for _ in 0..ROUNDS {
            (0..depth).for_each(|lock| b.acquire(black_box(lock)));
            (0..depth).rev().for_each(|lock| b.release(black_box(lock)));
        }
    });
}

/// Cached acquire and release, nested.
#[divan::bench(args = [1, 4, 8, 16])]
fn cached(bencher: Bencher, depth: usize) {
    nested(bencher, Mode::Kernel, depth);
}

/// The same in complete mode.
#[divan::bench(args = [1, 4, 8, 16])]
fn cached_complete(bencher: Bencher, depth: usize) {
    nested(bencher, Mode::Complete, depth);
}

/// Released in the order of acquisition, so that the rest is acquired again.
#[divan::bench(args = [4])]
fn cached_fifo(bencher: Bencher, depth: usize) {
    let mut b = bench(Mode::Kernel, depth);
    bencher.counter(ItemsCount::new(depth * ROUNDS)).bench_local(|| {
        for _ in 0..ROUNDS {
            (0..depth).for_each(|lock| b.acquire(black_box(lock)));
            (0..depth).for_each(|lock| b.release(black_box(lock)));
        }
    });
}

/// A graph grown edge by edge; `edges` are (held, new).
fn grow(bencher: Bencher, classes: usize, edges: Vec<(usize, usize)>) {
    let mut b = bench(Mode::Kernel, classes);
    bencher.counter(ItemsCount::new(edges.len())).bench_local(|| {
        b.lockdep.reset();
        edges.iter().for_each(|&(held, new)| b.pair(held, new));
        assert_eq!(b.lockdep.edges().len(), edges.len());
    });
}

/// A chain built from its beginning.
#[divan::bench(args = [100, 1000, 4000])]
fn chain_forward(bencher: Bencher, n: usize) {
    grow(bencher, n, (1..n).map(|i| (i - 1, i)).collect());
}

/// The last tenth of a chain of 4,000, the rest being there.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn chain_last_tenth(bencher: Bencher) {
    let (most, all) = (3600, 4000);
    let grown = || {
        let mut b = bench(Mode::Kernel, all);
        (1..most).for_each(|i| b.pair(i - 1, i));
        b
    };
    bencher.counter(ItemsCount::new(all - most)).with_inputs(grown).bench_local_refs(|b| {
        (most..all).for_each(|i| b.pair(i - 1, i));
    });
}

/// A chain built from its end.
#[divan::bench(args = [100, 1000, 4000])]
fn chain_backward(bencher: Bencher, n: usize) {
    grow(bencher, n, (1..n).rev().map(|i| (i - 1, i)).collect());
}

/// Edges to known classes in random order: every chain piece in the wrong place at first.
#[divan::bench(args = [1000, 4000])]
fn chain_shuffled(bencher: Bencher, n: usize) {
    let mut edges: Vec<(usize, usize)> = (1..n).map(|i| (i - 1, i)).collect();
    let mut seed = 1_u64;
    for i in (1..edges.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        edges.swap(i, (seed >> 33) as usize % (i + 1));
    }
    grow(bencher, n, edges);
}

/// One class before all others.
#[divan::bench(args = [4000])]
fn star(bencher: Bencher, n: usize) {
    grow(bencher, n, (1..n).map(|i| (0, i)).collect());
}

/// Every class before every later one.
#[divan::bench(args = [32, 128, 170])]
fn complete_order(bencher: Bencher, n: usize) {
    grow(bencher, n, (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect());
}

/// The same, last class first.
#[divan::bench(args = [32, 128, 170])]
fn complete_order_backward(bencher: Bencher, n: usize) {
    grow(bencher, n, (0..n).rev().flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect());
}

/// One more edge in front of a grown graph, whose search the kernel makes through all of it.
#[divan::bench(args = ["chain", "star"], sample_count = 100, sample_size = 10)]
fn one_edge_before(bencher: Bencher, shape: &str) {
    let n = 4000;
    let mut b = bench(Mode::Kernel, n + 2 * ROUNDS);
    for i in 1..n {
        b.pair(if shape == "chain" { i - 1 } else { 0 }, i);
    }
    let mut next = n;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        b.pair(next, 0);
        next += 1;
    });
}

/// Growing number of classes, each used once.
#[divan::bench(args = [4000])]
fn first_use(bencher: Bencher, n: usize) {
    let mut b = bench(Mode::Kernel, n);
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        b.lockdep.reset();
        b.use_all();
    });
}

/// What a run pays for an engine that is used again: reset, a few classes, a few edges.
#[divan::bench]
fn small_run_after_reset(bencher: Bencher) {
    let mut b = bench(Mode::Complete, 8);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        b.lockdep.reset();
        (1..8).for_each(|i| b.pair(i - 1, i));
        b.lockdep.finish().len()
    });
}

/// A run that finds a cycle of three classes, as a fuzzer's known-bad variant does over and over.
#[divan::bench]
fn cyclic_run_after_reset(bencher: Bencher) {
    let mut b = bench(Mode::Complete, 4);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        b.lockdep.reset();
        [(0, 1), (1, 2), (2, 0), (0, 3)].iter().for_each(|&(held, new)| b.pair(held, new));
        b.lockdep.finish().len()
    });
}
