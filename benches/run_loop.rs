//! The run loop without libFuzzer: executions of the small protocol, and of whole cases.

mod small;

use kvm_lock_fuzz::machine::sim::Sim;
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::schedule::Random;
use small::{Role, Small, execute};

fn main() {
    let only = std::env::var("ONLY").ok();
    for (name, invalidators) in [("n=2", 2), ("n=8", 8)] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let mut roles = vec![Role::Invalidator; invalidators];
        roles.extend([Role::Writer, Role::Fault]);
        let mut sim = Sim::new(Random(Prng(1)));
        let small = Small::build(&mut sim);
        let mut rates = Vec::new();
        let (mut points, mut events) = (0u64, 0u64);
        for _ in 0..5 {
            let runs: u32 =
                std::env::var("RUNS").ok().and_then(|r| r.parse().ok()).unwrap_or(200_000);
            let begin = cpu_ns();
            for _ in 0..runs {
                let (p, e) = execute(&mut sim, small, &roles, |_| {});
                points += u64::from(p);
                events += u64::from(e);
            }
            rates.push(f64::from(runs) * 1e9 / (cpu_ns() - begin) as f64);
        }
        rates.sort_by(f64::total_cmp);
        println!(
            "{name}: {:.0} exec/s, {:.0} ns, {} points, {} events",
            rates[2],
            1e9 / rates[2],
            points / 1_000_000,
            events / 1_000_000
        );
    }
}

/// CPU time of this process in nanoseconds: the machine may be busy with other things.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
