//! Executions of the small protocol per CPU second on shuttle, with the RwLock that it ships.
//!
//! That RwLock has no writer queue, and spawn, join and unlock are scheduling points there.

use ::shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use ::shuttle::sync::RwLock;
use ::shuttle::{Config, Runner};

use crate::form::{Form, SMALL};
use crate::row::cpu_ns;
use crate::shuttle::threads::{Slots, execution};

impl Slots for RwLock<u64> {
    fn reading(&self, inside: impl FnOnce()) {
        let slots = self.read().unwrap();
        inside();
        drop(slots);
    }

    fn swap(&self) {
        *self.write().unwrap() += 1;
    }
}

/// Median executions per CPU second over five rounds.
fn rate<S: Scheduler + 'static>(form: Form, runs: usize, schedule: impl Fn() -> S) -> f64 {
    let mut rates: Vec<f64> = (0..5)
        .map(|_| {
            let begin = cpu_ns();
            Runner::new(schedule(), Config::new()).run(move || execution::<RwLock<u64>>(&form));
            runs as f64 * 1e9 / (cpu_ns() - begin) as f64
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[2]
}

pub fn run() {
    for (invalidators, runs) in [(2, 20_000), (8, 5_000)] {
        let form = Form { invalidators, ..SMALL };
        let random = rate(form, runs, || RandomScheduler::new(runs));
        println!("shuttle random n={invalidators}: {random:.0} exec/s");
        let pct = rate(form, runs, || PctScheduler::new(3, runs));
        println!("shuttle pct n={invalidators}: {pct:.0} exec/s");
    }
}
