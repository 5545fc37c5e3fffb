//! Runs repeat: the same case the same way, and what a drawn schedule executed as bursts.

use kvm_lock_fuzz::case::{Case, Schedule, Tail};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::{Options, Runner};

/// A case of random bytes, under a random schedule or PCT.
fn drawn(prng: &mut Prng) -> Case {
    let bytes: Vec<u8> = (0..8 * prng.below(40) + 1).map(|_| prng.next() as u8).collect();
    let mut case = Case::decode(&bytes);
    case.variant = Variant::ALL[prng.below(Variant::ALL.len() as u32) as usize];
    case.bug = None;
    let seed = prng.next() as u16;
    case.schedule.tail = match prng.below(2) {
        0 => Tail::Random { seed },
        _ => Tail::Pct { seed, depth: 3 },
    };
    case
}

#[test]
fn the_executed_bursts_repeat_the_run() {
    let mut prng = Prng(1);
    let mut runner = Runner::new();
    for _ in 0..2000 {
        let mut case = drawn(&mut prng);
        // Bursts to places run into each other where a task follows itself.
        case.schedule.bursts.clear();
        let options = Options { recording: true, ..Options::of(&case) };
        let outcome = runner.run(&case, &options).clone();
        let mut bursts = Vec::new();
        runner.executed_bursts(&mut bursts);
        let written = Case { schedule: Schedule { bursts, tail: Tail::Fair }, ..case.clone() };
        assert_eq!(runner.run(&written, &options), &outcome, "{case}");
    }
}

#[test]
fn a_run_leaves_no_trace_for_the_next() {
    let mut prng = Prng(2);
    let mut used = Runner::new();
    for _ in 0..300 {
        let case = drawn(&mut prng);
        let options = Options::of(&case);
        let fresh = Runner::new().run(&case, &options).clone();
        assert_eq!(used.run(&case, &options), &fresh, "{case}");
    }
}
