//! Executions of the small protocol per CPU second on shuttle, with the RwLock that it ships.
//!
//! That RwLock has no writer queue, and spawn, join and unlock are scheduling points there.

use std::sync::atomic::Ordering::SeqCst;

use ::shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use ::shuttle::sync::atomic::AtomicU64;
use ::shuttle::sync::{Arc, Mutex, RwLock};
use ::shuttle::{Config, Runner, thread};

use crate::row::cpu_ns;

/// What mmu_lock guards.
#[derive(Default)]
struct Mmu {
    count: u64,
    spte: u64,
}

#[derive(Default)]
struct Small {
    slots_lock: Mutex<()>,
    slots: RwLock<u64>,
    mmu: Mutex<Mmu>,
    seq: AtomicU64,
    host: AtomicU64,
}

fn invalidator(s: &Small) {
    let slots = s.slots.read().unwrap();
    {
        let mut mmu = s.mmu.lock().unwrap();
        mmu.count += 1;
        mmu.spte = 0;
    }
    s.host.fetch_add(1, SeqCst);
    {
        let mut mmu = s.mmu.lock().unwrap();
        s.seq.fetch_add(1, SeqCst);
        mmu.count -= 1;
    }
    drop(slots);
}

fn writer(s: &Small) {
    let _slots_lock = s.slots_lock.lock().unwrap();
    *s.slots.write().unwrap() += 1;
}

fn fault(s: &Small) {
    let seq = s.seq.load(SeqCst);
    let pfn = s.host.load(SeqCst) + 1;
    let mut mmu = s.mmu.lock().unwrap();
    if mmu.count == 0 && s.seq.load(SeqCst) == seq {
        mmu.spte = pfn;
    }
}

fn execution(invalidators: usize) {
    let s = Arc::new(Small::default());
    let mut tasks = Vec::new();
    let mut roles: Vec<fn(&Small)> = vec![invalidator; invalidators];
    roles.extend([writer as fn(&Small), fault]);
    for role in roles {
        let s = s.clone();
        tasks.push(thread::spawn(move || role(&s)));
    }
    tasks.into_iter().for_each(|task| task.join().unwrap());
    let mmu = s.mmu.lock().unwrap();
    assert_eq!(mmu.count, 0);
    assert!(mmu.spte == 0 || mmu.spte == s.host.load(SeqCst) + 1);
}

/// Median executions per CPU second over five rounds.
fn rate<S: Scheduler + 'static>(invalidators: usize, runs: usize, schedule: impl Fn() -> S) -> f64 {
    let mut rates: Vec<f64> = (0..5)
        .map(|_| {
            let begin = cpu_ns();
            Runner::new(schedule(), Config::new()).run(move || execution(invalidators));
            runs as f64 * 1e9 / (cpu_ns() - begin) as f64
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[2]
}

pub fn run() {
    for (name, invalidators, runs) in [("n=2", 2, 20_000), ("n=8", 8, 5_000)] {
        let random = rate(invalidators, runs, || RandomScheduler::new(runs));
        println!("shuttle random {name}: {random:.0} exec/s");
        let pct = rate(invalidators, runs, || PctScheduler::new(3, runs));
        println!("shuttle pct {name}: {pct:.0} exec/s");
    }
}
