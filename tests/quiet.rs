//! The sound variants are silent: on every pair of operations, in one task and in two, and on
//! thousands of random legal cases, under every policy. Only documented findings are allowed, no
//! task is left behind, and no run comes near the bound on scheduling points.

mod common;

use std::collections::BTreeSet;

use kvm_lock_fuzz::case::{Case, InitialSlot, Op, Opener, Programs, Registrant, Schedule, Tail};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::mm::Pages;
use kvm_lock_fuzz::oracle::{Kind, Severity};
use kvm_lock_fuzz::run::{Ending, Options, Runner};

/// The memslot that stands from the beginning, and the one that `create` makes.
const STANDING: Pages = Pages { start: 0x100, end: 0x108 };
const CREATED: Pages = Pages { start: 0x200, end: 0x208 };

fn slot(slot: u8, gfn: u16, hva: Pages) -> InitialSlot {
    InitialSlot { slot, gfn: Pages::new(gfn, gfn + hva.len()), hva: hva.start }
}

/// One statement of every sort: each is legal alone, at the top level of a program.
fn statements() -> Vec<Vec<Op>> {
    let mut all = Vec::new();
    for gfn in [0x02, 0x12] {
        all.push(vec![Op::Fault { vm: 0, gfn, write: false }]);
        all.push(vec![Op::Fault { vm: 0, gfn, write: true }]);
    }
    all.push(vec![Op::Create { vm: 0, slot: 1, gfn: Pages::new(0x10, 0x18), hva: CREATED.start }]);
    all.push(vec![Op::Delete { vm: 0, slot: 0 }]);
    all.push(vec![Op::Move { vm: 0, slot: 0, gfn: 0x20 }]);
    all.push(vec![Op::Flags { vm: 0, slot: 0, log_dirty: true }]);
    for whole in [STANDING, CREATED] {
        all.push(vec![Op::Split { hva: whole, depth: 1 }]);
        for opener in Opener::ALL {
            all.extend(regions(opener, Pages::new(whole.start + 1, whole.start + 4)));
        }
    }
    all
}

/// A region of the opener, plain and with a split in it.
fn regions(opener: Opener, range: Pages) -> Vec<Vec<Op>> {
    let hva = match opener.single_page() {
        true => Pages::new(range.start, range.start + 1),
        false => range,
    };
    let open = Op::Open { opener, hva };
    let mut regions = vec![vec![open, Op::End]];
    if opener.may_split() {
        regions.push(vec![open, Op::Split { hva, depth: 2 }, Op::End]);
    }
    regions
}

/// The programs as tasks of a case with one VM between two other subscribers.
fn case(programs: &[Vec<Op>], tail: Tail) -> Case {
    let mut case = Case { schedule: Schedule { tail, ..Schedule::default() }, ..Case::default() };
    let vm = Registrant::Vm([slot(0, 0, STANDING)].into_iter().collect());
    case.config.registrants.extend([Registrant::Sleeper, vm, Registrant::Refuser]);
    let mut all = Programs::default();
    for program in programs {
        all.ops.extend(program);
        all.ends.push(all.ops.len() as u16);
    }
    case.programs = all;
    assert_eq!(case.check(), Ok(()), "{case}");
    case
}

fn tails() -> Vec<Tail> {
    let mut tails = vec![Tail::Fair];
    tails.extend((1..=4).map(|seed| Tail::Random { seed }));
    tails.extend((1..=8).map(|n| Tail::Pct { seed: n, depth: 1 + (n % 4) as u8 }));
    tails
}

/// Runs it under the sound variants and says what was found.
fn silent(runner: &mut Runner, case: &Case, policy: Policy) {
    for variant in Variant::sound() {
        let options = Options { variant, bug: None, policy, ..Options::of(case) };
        let outcome = runner.run(case, &options);
        let violated = outcome.findings.iter().find(|f| f.severity == Severity::Violation);
        let (violated, ending) = (violated.copied(), outcome.ending);
        if let Some(finding) = violated {
            let message = runner.describe(&finding).message;
            let (kind, variant) = (finding.kind.name(), variant.name());
            panic!("{kind} under {variant}, {}: {message}\n{case}", policy.name());
        }
        assert_eq!(ending, Ending::Finished, "{} under {}\n{case}", variant.name(), policy.name());
    }
}

#[test]
fn pairs_of_operations_in_one_task() {
    let mut runner = Runner::new();
    let all = statements();
    for first in &all {
        for second in &all {
            let program = [first.as_slice(), second].concat();
            silent(&mut runner, &case(&[program], Tail::Fair), Policy::WriterFair);
        }
    }
}

#[test]
fn pairs_of_operations_in_two_tasks() {
    pairs(&[]);
}

/// The fault gives the pair a page to fight over.
#[test]
fn pairs_of_operations_beside_a_fault() {
    pairs(&[
        Op::Fault { vm: 0, gfn: 0x02, write: true },
        Op::Fault { vm: 0, gfn: 0x13, write: true },
    ]);
}

fn pairs(third: &[Op]) {
    let mut runner = Runner::new();
    let all = statements();
    for (i, first) in all.iter().enumerate() {
        for second in &all[i..] {
            for (n, tail) in tails().into_iter().enumerate() {
                let mut programs = vec![first.clone(), second.clone()];
                programs.extend((!third.is_empty()).then(|| third.to_vec()));
                silent(&mut runner, &case(&programs, tail), Policy::ALL[n % Policy::ALL.len()]);
            }
        }
    }
}

#[test]
fn random_cases() {
    let mut runner = Runner::new();
    for case in common::random_cases(0x5eed).take(4000) {
        for policy in Policy::ALL {
            silent(&mut runner, &case, policy);
        }
    }
}

/// Cases near the hand-written ones, which random bytes do not come near.
#[test]
fn mutants_of_the_seeds() {
    let mut runner = Runner::new();
    for case in common::mutants(0x5eed, 100) {
        for policy in Policy::ALL {
            silent(&mut runner, &case, policy);
        }
    }
}

/// The known-bad variants break what they are known to break, and nothing else.
#[test]
fn known_bad_variants_show_their_own_findings_only() {
    use Kind::*;
    let own: &[(Variant, &[Kind])] = &[
        (Variant::Rwsem, &[LockOrder, RecursiveLock, Deadlock, Starvation]),
        (
            Variant::NaiveElision,
            &[
                UnbalancedCount,
                ElisionDisagreement,
                MemslotsNotFrozen,
                StaleMapping,
                Assertion,
                Livelock,
                Starvation,
            ],
        ),
    ];
    let listed: Vec<Variant> = own.iter().map(|&(variant, _)| variant).collect();
    let known_bad = |variant: &Variant| variant.info().known_bad;
    assert!(Variant::ALL.iter().filter(|v| known_bad(v)).all(|v| listed.contains(v)), "{listed:?}");
    let mut runner = Runner::new();
    for &(variant, kinds) in own {
        let mut shown = BTreeSet::new();
        for case in common::random_cases(0xbad).take(2000).chain(common::mutants(0xbad, 200)) {
            let options = Options { variant, bug: None, ..Options::of(&case) };
            let outcome = runner.run(&case, &options);
            shown.extend(outcome.findings.iter().map(|f| f.kind));
            assert_ne!(outcome.ending, Ending::Bound, "{case}");
            assert!(
                shown.iter().all(|kind| kinds.contains(kind)),
                "{}: {shown:?}\n{case}",
                variant.name()
            );
        }
        let expected: BTreeSet<Kind> = kinds.iter().copied().collect();
        assert_eq!(shown, expected, "{}", variant.name());
    }
}
