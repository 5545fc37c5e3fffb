//! The run loop without libFuzzer: executions of the small protocol, and of whole cases. A word after `--`
//! chooses those whose name contains it: `cargo bench --bench run_loop -- cases`.

#[path = "small/execute.rs"]
mod execute;
mod small;

use execute::execute;
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::mutate::mutate;
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::machine::sim::Sim;
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::schedule::Random;
use small::{Role, Small};

fn main() {
    let chosen = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let is_chosen = |name: &str| name.contains(&chosen);
    for (name, invalidators) in [("n=2", 2), ("n=8", 8)] {
        if is_chosen(name) {
            small_protocol(name, invalidators);
        }
    }
    if is_chosen("cases") {
        cases();
    }
}

/// Executions of the small protocol per CPU second, each as if nothing had run before.
fn small_protocol(name: &str, invalidators: usize) {
    const RUNS: u32 = 100_000;
    let mut roles = vec![Role::Invalidator; invalidators];
    roles.extend([Role::Writer, Role::Fault]);
    let mut sim = Sim::new(Random(Prng(1)));
    let small = Small::build(&mut sim);
    let (mut rates, mut points, mut events) = (Vec::new(), 0, 0);
    for _ in 0..5 {
        let begin = cpu_ns();
        for _ in 0..RUNS {
            let (p, e) = execute(&mut sim, small, &roles, |_| {});
            points += u64::from(p);
            events += u64::from(e);
        }
        rates.push(f64::from(RUNS) * 1e9 / (cpu_ns() - begin) as f64);
    }
    rates.sort_by(f64::total_cmp);
    let each = |all: u64| all as f64 / f64::from(5 * RUNS);
    println!(
        "{name}: {:.0} exec/s, {:.0} ns, {:.1} points, {:.1} events",
        rates[2],
        1e9 / rates[2],
        each(points),
        each(events)
    );
}

/// Whole random cases on the merged scheme: events per second, everything included.
fn cases() {
    let mut prng = Prng(1);
    let mut bytes = vec![0; 1024];
    let mut runner = Runner::new();
    let (mut case, mut size) = (Case::default(), 0);
    let mut all = Vec::new();
    for _ in 0..2_000 {
        for _ in 0..4 {
            size = mutate(&mut bytes, size, 1024, prng.next() as u32, |_, size, _| size);
        }
        all.push(bytes[..size].to_vec());
    }
    let mut rates = Vec::new();
    for _ in 0..5 {
        let (mut events, begin) = (0u64, cpu_ns());
        for bytes in &all {
            case.decode_into(bytes);
            let options = Options { variant: Variant::Counted, bug: None, ..Options::of(&case) };
            events += u64::from(runner.run(&case, &options).events);
        }
        rates.push(events as f64 * 1e3 / (cpu_ns() - begin) as f64);
    }
    rates.sort_by(f64::total_cmp);
    println!("cases: {:.1} M events/s", rates[2]);
}

/// CPU time of this process in nanoseconds: the machine may be busy with other things.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
