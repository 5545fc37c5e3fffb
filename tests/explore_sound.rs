//! The reductions of the search lose nothing: on small random cases its findings and final states are
//! those of plain enumeration, and of enumeration with a scheduling point before everything. The same
//! comparison catches each deliberate mistake in what the reductions rest on.

#[path = "explore_sound/mod.rs"]
mod explore_sound;

use std::sync::OnceLock;

use explore_sound::alone::{Alone, difference};
use explore_sound::forgets::{Compared, Memory, Orders, Recipe};
use explore_sound::hits::WANTED;
use explore_sound::observed::orders;
use explore_sound::straight::{Op, Programs, complete, ends, hard, schedules};
use explore_sound::survey::{Limits, MISTAKES, Survey};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::explore::{Config, Mistake, Reduction, explore};
use kvm_lock_fuzz::oracle::each;
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::Options;

const LIMITS: Limits = Limits { states: 30_000, schedules: 5_000 };
/// Cases of each of two threads.
const CASES: u32 = 150;

/// One survey for all tests.
fn survey() -> &'static Survey {
    static SURVEY: OnceLock<Survey> = OnceLock::new();
    SURVEY.get_or_init(|| {
        let half = |seed| move || Survey::of(seed, CASES, LIMITS, |_| true);
        let mut all = Survey::default();
        std::thread::scope(|scope| {
            let halves = [scope.spawn(half(1)), scope.spawn(half(2))];
            halves.into_iter().for_each(|half| all.add(half.join().unwrap()));
        });
        println!("{}\n{:?}", all.summary(), all.hits);
        all
    })
}

#[test]
fn findings_and_final_states_are_those_of_enumeration() {
    let survey = survey();
    assert!(survey.wrong.is_empty(), "{}", survey.wrong.join("\n"));
}

/// Two of them no case needs. What oracles compare has a test of its own, below. And without the
/// order of a wake before what it wakes, the search takes for races what are none: it tries more, but
/// never a task that was asleep, and so loses nothing.
#[test]
fn every_mistake_is_caught() {
    let survey = survey();
    for (what, _) in MISTAKES.into_iter().filter(|(what, _)| !["observed", "wakes"].contains(what))
    {
        assert!(survey.caught[what] > 0, "{what}: {:?}", survey.caught);
    }
    assert!(survey.collisions > 0, "the self-check sees no marks that forget");
}

#[test]
fn what_only_an_observer_compares_comes_in_every_order() {
    assert_eq!(orders(Config::default()), 6);
    assert!(orders(Config { mistake: Some(Mistake::Observed), ..Config::default() }) < 6);
}

#[test]
fn the_cases_come_to_all_that_matters() {
    let hits = &survey().hits.0;
    for what in WANTED {
        assert!(hits.get(what).is_some_and(|&times| times > 2), "{what}: {hits:?}");
    }
}

#[test]
fn the_reductions_reduce() {
    let survey = survey();
    assert!(survey.given_up * 20 < survey.cases);
    assert!(survey.enumerated.iter().all(|&cases| cases > 20), "{:?}", survey.enumerated);
    assert!(survey.bounded > survey.cases, "{}", survey.bounded);
    assert!(survey.states[0] * 2 < survey.states[1]);
    assert!(survey.schedules[0] * 5 < survey.schedules[1]);
    assert!(survey.states[0] < survey.unmarked, "marks cut no loops");
}

/// A new oracle takes part by its line in the registry.
#[test]
fn every_oracle_alone_finds_what_enumeration_finds() {
    let mut alone = Alone::over(3, 120);
    each(&mut alone);
    assert!(alone.wrong.is_empty(), "{}", alone.wrong.join("\n"));
    for (name, kinds) in &alone.kinds {
        assert!(alone.compared[name] > 60, "{name}: {:?}", alone.compared);
        assert!(!kinds.is_empty(), "{name} finds nothing in these cases");
    }
}

/// What an oracle does not say is taken for all: what it says wrongly, the comparison notices.
#[test]
fn an_oracle_that_forgets_is_caught() {
    let case: Case = "vm vm0  slot 0  gfn 0x00..0x08  hva 0x100
        task one  fault gfn 0x01
        task other  fault gfn 0x02"
        .parse()
        .expect("it is legal");
    let recipe = difference::<Recipe>(&case).expect("it is small");
    assert_eq!((recipe.kinds.len(), recipe.wrong), (1, None));
    let wrong = [
        ("memory", difference::<Orders<Memory>>(&case)),
        ("what it compares", difference::<Orders<Compared>>(&case)),
    ];
    for (what, wrong) in wrong {
        assert!(wrong.expect("it is small").wrong.is_some(), "{what}");
    }
}

/// Without reduction, except of what comes after known states.
const PLAIN: Config = Config { reduction: Reduction::States, symmetry: false, ..Config::DEFAULT };

/// Programs that share locations and locks as no protocol does. A mistake in what has to be tried need
/// not lose an end in any of them: it shows in the steps of all together.
#[test]
fn straight_programs_end_in_all_ways() {
    let none = Config { reduction: Reduction::None, ..PLAIN };
    let (mut prng, mut compared, mut fewer, mut steps) = (Prng(5), [0, 0], 0, 0);
    for _ in 0..500 {
        let programs = Programs::random(&mut prng);
        let Some((reduced, counts)) = ends(&programs, Config::DEFAULT, 20_000) else { continue };
        let Some((all, of_states)) = ends(&programs, PLAIN, 20_000) else { continue };
        compared[usize::from(programs.crowded)] += 1;
        fewer += u32::from(counts.steps < of_states.steps);
        steps += counts.steps;
        assert_eq!(reduced, all, "by states: {programs:?}");
        if let Some((all, _)) = ends(&programs, none, 3_000) {
            assert_eq!(reduced, all, "by schedules: {programs:?}");
        }
    }
    assert!(compared[0] > 250 && compared[1] > 100 && fewer > 200, "{compared:?} {fewer}");
    assert_eq!(steps, 228_945, "the search makes more steps, or leaves some out that it made");
}

/// Random programs seldom need all that the search does where it comes to a state again.
#[test]
fn hard_programs_end_in_all_ways() {
    for programs in hard() {
        let (reduced, _) = ends(&programs, Config::DEFAULT, 100_000).expect("it is small");
        let (all, _) = ends(&programs, PLAIN, 100_000).expect("it is small");
        assert_eq!(reduced, all, "{programs:?}");
    }
}

/// A switch away from a task that has finished is no preemption, one from a task that could go on is.
#[test]
fn a_bound_counts_preemptions() {
    for (tasks, most) in [(vec![3, 3], 0), (vec![3, 3], 1), (vec![2, 3], 2), (vec![2, 2, 1], 2)] {
        let one = |&steps: &usize| vec![Op::Write(0, 5); steps];
        let programs =
            Programs { tasks: tasks.iter().map(one).collect(), crowded: false, forgetful: false };
        let bounded = Config::bounded(Some(most));
        let plain = Config { reduction: Reduction::None, symmetry: false, ..bounded };
        let run = complete(&programs, plain);
        let all = (0..=most).map(|most| schedules(&mut tasks.clone(), None, most.into()));
        assert_eq!(run, all.sum::<u64>(), "{tasks:?}, {most}");
    }
}

/// How much is done is said as a part of the whole, which comes near it.
#[test]
fn what_is_done_is_a_part_of_the_whole() {
    let case: Case = "vm vm0  slot 0  gfn 0x00..0x08  hva 0x100
        task one  munmap 0x100..0x104 end
        task other  fault gfn 0x02"
        .parse()
        .expect("it is legal");
    let mut most = 0.0_f64;
    let explored = explore(&case, &Options::of(&case), Config::DEFAULT, |progress| {
        let done = progress().fraction;
        assert!((0.0..=1.0).contains(&done), "{done}");
        most = most.max(done);
        true
    });
    assert!(explored.expect("few tasks").exhausted() && most > 0.5, "{most}");
}
