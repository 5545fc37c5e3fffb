//! What executions cover: the list of all steps against what the seeds reach, the estimate against what
//! more executions show, and `coverage`.

#![cfg(feature = "cli")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::cli::{expect, json, refused};
use common::{path, random_cases, seeds};
use kvm_lock_fuzz::case::{Case, Schedule, Tail};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::seen::{Seen, Watcher, registered};

const LIST: &str = "src/seen/steps.txt";
const HEAD: &str = "# Every step of the model, and the variants that make it. Written by `UPDATE_GOLDEN=1 cargo test \
                    --test seen`.\n";

/// The seeds under their own schedule and many others, in every variant.
fn of_seeds(variant: Variant) -> Seen {
    let (mut watcher, mut seen) = (Watcher::new(), Seen::default());
    for seed in seeds() {
        let seed = Case { variant, bug: None, ..seed };
        seen.observe(&mut watcher, &seed);
        for n in 0..120 {
            let tails = [Tail::Random { seed: n }, Tail::Pct { seed: n, depth: 3 }];
            for tail in tails {
                let schedule = Schedule { bursts: Vec::new(), tail };
                seen.observe(&mut watcher, &Case { schedule, ..seed.clone() });
            }
        }
    }
    seen
}

/// Every step that they reach, with its variants, in the form of the list.
fn reached() -> String {
    let mut steps = BTreeMap::<String, BTreeSet<usize>>::new();
    for variant in Variant::ALL {
        for step in of_seeds(variant).summary(variant).steps.seen {
            steps.entry(step).or_default().insert(variant as usize);
        }
    }
    let line = |(step, variants): (&String, &BTreeSet<usize>)| {
        let names: Vec<_> = variants.iter().map(|&v| Variant::ALL[v].name()).collect();
        format!("{step}: {}\n", names.join(" "))
    };
    HEAD.to_string() + &steps.iter().map(line).collect::<String>()
}

#[test]
fn the_list_of_steps_is_what_the_seeds_reach() {
    let reached = reached();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(LIST), &reached).unwrap();
    }
    let listed = std::fs::read_to_string(path(LIST)).unwrap();
    let lines = |text: &str| text.lines().map(str::to_string).collect::<BTreeSet<_>>();
    let (reached, listed) = (lines(&reached), lines(&listed));
    let new: Vec<_> = reached.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&reached).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "not in {LIST}: {new:#?}\nonly there: {gone:#?}\nwhere that is meant, and a seed reaches every \
         step, run `UPDATE_GOLDEN=1 cargo test --test seen`"
    );
}

#[test]
fn random_cases_reach_no_step_beside_the_list() {
    for variant in Variant::ALL {
        let (mut watcher, mut seen) = (Watcher::new(), Seen::default());
        for case in random_cases(5).take(1_500) {
            seen.observe(&mut watcher, &Case { variant, bug: None, ..case });
        }
        let listed: BTreeSet<_> = registered(variant).map(str::to_string).collect();
        let reached: BTreeSet<_> = seen.summary(variant).steps.seen.into_iter().collect();
        let new: Vec<_> = reached.difference(&listed).collect();
        assert!(new.is_empty(), "{}: {new:#?}; a seed has to reach them", variant.name());
        assert!(reached.len() * 10 > listed.len() * 9, "{}", variant.name());
    }
}

/// Steps of the kernel that no other variant has.
#[test]
fn the_list_tells_variants_apart() {
    let has = |variant, step: &str| registered(variant).any(|listed| listed == step);
    for (step, owner) in [
        ("schedule mn_memslots_update_rcuwait in install_new_memslots", "counted"),
        ("down_write &kvm->mmu_notifier_slots_lock in install_new_memslots", "rwsem"),
    ] {
        for variant in Variant::ALL {
            assert_eq!(has(variant, step), variant.name() == owner, "{step}: {}", variant.name());
        }
    }
}

/// Good and Turing's estimate from the first executions against how often the next ones are new.
#[test]
fn the_estimate_says_what_more_executions_show() {
    let (mut watcher, mut seen) = (Watcher::new(), Seen::default());
    let cases: Vec<_> = random_cases(11).take(1_800).map(|c| Case { bug: None, ..c }).collect();
    let variant = Variant::default();
    let (first, next) = cases.split_at(1_200);
    let mut observe = |seen: &mut Seen, case: &Case| {
        seen.observe(&mut watcher, &Case { variant, ..case.clone() });
    };
    first.iter().for_each(|case| observe(&mut seen, case));
    let estimate = seen.summary(variant).saturation.expect("there were executions");
    let mut news = 0;
    for case in next {
        let mut one = seen.clone();
        observe(&mut one, case);
        news += u32::from(one.pairs() > seen.pairs());
    }
    let share = f64::from(news) / next.len() as f64;
    assert!(
        (estimate.chance_of_new - share).abs() < 0.05 && share < estimate.at_most + 0.02,
        "{estimate:?}, and {share} of the next were new"
    );
}

#[test]
fn coverage_says_what_the_seeds_leave_out() {
    let text = expect(0, &["coverage", "corpus/protocol/region.case", "--variant", "counted"]);
    assert!(text.starts_with("counted: 1 execution\n    operations"), "{text}");
    assert!(text.contains("  steps that no execution reached:\n"), "{text}");
    let of_all = ["coverage", "corpus/protocol", "--variant", "all"];
    let document = json(0, &[&of_all[..], &["--json"]].concat());
    let results = document["results"].as_array().unwrap();
    let names: Vec<_> = results.iter().map(|one| one["variant"].as_str().unwrap()).collect();
    assert_eq!(names, Variant::ALL.map(Variant::name));
    for one in results {
        assert_eq!(one["executions"].as_u64(), Some(seeds().len() as u64));
        assert_eq!(one["operations"]["unseen"].as_array().map(Vec::len), Some(0), "{one:#}");
    }
    let every = [&of_all[..], &["--all"]].concat();
    assert_eq!(expect(0, &every), expect(0, &every));
    refused(&["coverage", "corpus"], &["corpus: no file in it; name a folder of cases"]);
}
