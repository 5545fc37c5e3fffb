//! Witnesses of what the validator predicts: which predictions about the rwsem scheme come true, and
//! under which policies.

#![cfg(feature = "explore")]

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::text::Names;
use kvm_lock_fuzz::explore::{
    Answer, Budget, Config, Explored, Hangs, Limits, Prediction, SHORTEST_RUNS, Whose, Witness,
    closed, explore, matrix, predictions, shortest, witness, witness_of, witnesses,
};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::oracle::{Kind, Signature};
use kvm_lock_fuzz::run::{Ending, Finding, Options, Runner};

const VM: &str = "variant rwsem vm vm0 slot 0 gfn 0x00..0x08 hva 0x100 ";
const TWO_VMS: &str = "variant rwsem vm vm0 slot 0 gfn 0x00..0x08 hva 0x100 \
    vm vm1 slot 0 gfn 0x00..0x08 hva 0x104 ";
const NESTED: &str = "task mremapper mremap 0x200..0x240 split 0x200..0x240 end ";
const PLAIN: &str = "task munmapper munmap 0x100..0x108 end ";
const COW: &str = "task cower cow 0x104 end ";
const UPDATE: &str = "task vmm memslot create 1 gfn 0x10..0x14 hva 0x300 ";

const MAP: &str = "mmu_notifier_invalidate_range_start";
const SLOTS: &str = "&kvm->mmu_notifier_slots_lock";

/// The variants without the rwsem.
fn other_schemes() -> impl Iterator<Item = &'static str> {
    Variant::ALL.into_iter().filter(|&variant| variant != Variant::Rwsem).map(Variant::name)
}

fn case(parts: &[&str]) -> Case {
    parts.concat().parse().unwrap()
}

fn options(case: &Case, policy: Policy) -> Options {
    Options { policy, ..Options::of(case) }
}

/// What the validator predicts from the fair run.
fn predicted(case: &Case, options: &Options) -> Vec<Prediction> {
    let mut runner = Runner::new();
    runner.run(case, options);
    runner.inspect(predictions)
}

/// The answers for all predictions, in order of their texts.
fn answers(case: &Case, policy: Policy) -> Vec<(String, Witness)> {
    let options = options(case, policy);
    let mut all: Vec<_> = predicted(case, &options)
        .into_iter()
        .map(|p| (p.text.clone(), witness(case, &options, &p, &Limits::default())))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    for (text, witness) in &all {
        println!("{}: {text}: {}", policy.name(), witness.line(&Names::default(), |_| None));
        holds(witness, policy);
    }
    all
}

/// A witness really hangs, on the rwsem, when its case is run as it stands.
fn holds(witness: &Witness, policy: Policy) {
    let Some(case) = witness.case() else { return };
    assert_eq!(case.config.policy, policy);
    let mut runner = Runner::new();
    assert_eq!(runner.run(case, &Options::of(case)).ending, Ending::Stuck, "{case}");
    let findings = runner.outcome().findings.clone();
    let deadlock = findings.iter().find(|f| f.kind == Kind::Deadlock).unwrap();
    let described = runner.describe_in(case, deadlock);
    assert!(described.classes.iter().all(|class| class == SLOTS), "{}", described.message);
    assert_eq!(case.to_string().parse::<Case>().unwrap(), *case);
}

fn found(witness: &Witness) -> Option<Whose> {
    match witness.answer {
        Answer::Found { programs, .. } => Some(programs),
        _ => None,
    }
}

fn none_exists(witness: &Witness) -> bool {
    matches!(&witness.answer, Answer::NoneExists { closed, schedules }
        if closed.left_out.is_empty() && *schedules > 1)
}

fn texts(answers: &[(String, Witness)]) -> Vec<&str> {
    answers.iter().map(|(text, _)| &**text).collect()
}

const CIRCLE: &str = "lock-order &kvm->mmu_notifier_slots_lock -SN-> \
    mmu_notifier_invalidate_range_start -EN-> &kvm->mmu_notifier_slots_lock";
const NESTING: &str = "recursive-lock &kvm->mmu_notifier_slots_lock r \
    &kvm->mmu_notifier_slots_lock r same-instance";
const TWO: &str = "recursive-lock &kvm->mmu_notifier_slots_lock r \
    &kvm->mmu_notifier_slots_lock r other-instance";

#[test]
fn a_nested_region_and_an_update_hang_where_a_queued_writer_holds_back_readers() {
    let case = case(&[VM, NESTED, UPDATE]);
    for policy in [Policy::WriterFair, Policy::PhaseFair] {
        let answers = answers(&case, policy);
        assert_eq!(texts(&answers), [CIRCLE, NESTING]);
        assert!(answers.iter().all(|(_, w)| found(w) == Some(Whose::Given)));
        assert_eq!(answers[0].1.lock_maps, [MAP]);
        assert!(answers[1].1.lock_maps.is_empty());
    }
    let answers = answers(&case, Policy::ReaderBiased);
    assert_eq!(texts(&answers), [CIRCLE, NESTING]);
    assert!(answers.iter().all(|(_, w)| none_exists(w)));
}

#[test]
fn plain_regions_do_not_hang() {
    for region in [PLAIN, COW] {
        let answers = answers(&case(&[VM, region]), Policy::WriterFair);
        assert_eq!(texts(&answers), [CIRCLE]);
        assert!(none_exists(&answers[0].1));
        let line = answers[0].1.line(&Names::default(), |_| None);
        assert!(line.starts_with(&format!(
            "as printed none can exist: {MAP} blocks nobody; without it: none exists (exhausted: \
             the case's programs and these closed: a memslot update of vm0, a second "
        )));
    }
}

#[test]
fn two_vms_do_not_hang_by_themselves() {
    for region in [PLAIN, COW] {
        let answers = answers(&case(&[TWO_VMS, region]), Policy::WriterFair);
        assert_eq!(texts(&answers), [CIRCLE, TWO]);
        assert!(answers.iter().all(|(_, w)| none_exists(w)));
    }
}

/// Whoever waits behind the one VM's writer does not wait for the other VM.
#[test]
fn a_nested_region_in_two_vms_hangs_on_one_of_them() {
    let mremap = "task m  mremap 0x100..0x104  split 0x100..0x104  end";
    let answers = answers(&case(&[TWO_VMS, mremap]), Policy::WriterFair);
    for (text, witness) in &answers {
        match &**text {
            TWO => assert!(none_exists(witness), "{witness:?}"),
            _ => assert_eq!(found(witness), Some(Whose::Closed), "{text}"),
        }
    }
    assert!(texts(&answers).contains(&TWO) && texts(&answers).contains(&NESTING));
}

/// The more tasks, the more schedules: the hang of two is found all the same.
#[test]
fn bystanders_do_not_hide_a_witness() {
    let others = (0..5).map(|i| format!("task s{i} swapout 0x10{i}..0x10{} end ", i + 1));
    let others: String = others.collect();
    let case = case(&[VM, "task m mprotect 0x100..0x104 split 0x100..0x104 end ", &others]);
    let options = Options::of(&case);
    let all = predicted(&case, &options);
    let nesting = all.iter().find(|p| p.text == NESTING).expect("it nests");
    let witness = witness(&case, &options, nesting, &Limits::brief());
    assert_eq!(found(&witness), Some(Whose::Closed), "{witness:?}");
    holds(&witness, options.policy);
}

#[test]
fn a_nested_region_alone_hangs_once_its_programs_are_closed() {
    let case = case(&[VM, NESTED]);
    let given = matrix(&case, &Options::of(&case), &Limits::default());
    assert!(given.text().lines().all(|row| row.contains("never (exhausted, ")), "{}", given.text());
    let answers = answers(&case, Policy::WriterFair);
    assert_eq!(texts(&answers), [CIRCLE, NESTING]);
    for (_, witness) in &answers {
        assert_eq!(found(witness), Some(Whose::Closed));
        let case = witness.case().unwrap();
        assert_eq!(case.programs.tasks(), 2, "{case}");
        assert_eq!(case.schedule.bursts.len(), 1, "{case}");
    }
}

#[test]
fn the_other_schemes_predict_nothing() {
    for variant in other_schemes() {
        let text = [VM, NESTED, UPDATE].concat().replace("rwsem", variant);
        let case: Case = text.parse().unwrap();
        let explored = everything(&case);
        assert!(explored.exhausted() && explored.predictions.is_empty(), "{variant}");
    }
}

#[test]
fn the_matrix_says_under_which_policies_it_hangs() {
    let case = case(&[VM, NESTED, UPDATE]);
    let matrix = matrix(&case, &Options::of(&case), &Limits::default());
    let text = matrix.text();
    println!("{text}");
    let waits = format!("hangs: deadlock {SLOTS}:r -> {SLOTS}:w same-instance");
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0], format!("writer-fair    {waits}"));
    assert!(rows[1].starts_with("reader-biased  never (exhausted, "));
    assert_eq!(rows[2], format!("phase-fair     {waits}"));
}

fn everything(case: &Case) -> Explored {
    explore(case, &Options::of(case), Config::default(), |_| true).expect("few tasks")
}

/// Every finding of the case has a case of its own that shows it; gives their bursts.
fn shortened(text: &str) -> Vec<(Kind, usize)> {
    shortened_within(text, SHORTEST_RUNS)
}

fn shortened_within(text: &str, runs: u32) -> Vec<(Kind, usize)> {
    let case: Case = text.parse().unwrap();
    let options = Options::of(&case);
    let explored = everything(&case);
    let clock = std::time::Instant::now();
    let short = shortest(&case, &options, &explored.findings, runs);
    println!("{:?} for {} findings", clock.elapsed(), short.len());
    let mut runner = Runner::new();
    let mut all = Vec::new();
    for (found, short) in explored.findings.iter().zip(&short) {
        let short = short.as_ref().unwrap();
        let bursts = short.case.schedule.bursts.len();
        println!("{:?} {bursts} {} {}", found.finding.kind, short.steps, short.proven);
        let findings = &runner.run(&short.case, &Options::of(&short.case)).findings;
        assert!(findings.iter().any(|f| f.signature == found.finding.signature));
        all.push((found.finding.kind, bursts));
    }
    all
}

const SPLIT_DELETE_FAULT: &str = "variant naive-elision vm vm0 slot 0 gfn 0x00..0x08 hva 0x100 \
    task madviser madvise 0x100..0x104 split 0x100..0x102 end \
    task vmm memslot delete 0 task vcpu fault gfn 0x01 ";

#[test]
fn findings_have_short_cases() {
    let d1 = shortened(&[VM, NESTED, UPDATE].concat());
    assert!(d1.contains(&(Kind::Deadlock, 1)) && d1.contains(&(Kind::RecursiveLock, 0)));
    let found = shortened(SPLIT_DELETE_FAULT);
    assert!(found.iter().any(|(kind, _)| *kind == Kind::ElisionDisagreement), "{found:?}");
    assert!(found.iter().all(|(_, bursts)| *bursts <= 3), "{found:?}");
}

#[test]
fn where_the_search_for_the_shortest_is_cut_the_first_schedule_is_shortened() {
    let text = [
        VM,
        "task madviser madvise 0x100..0x104 end task vmm memslot create 1 \
        gfn 0x10..0x14 hva 0x102 task vcpu fault gfn 0x11 ",
    ];
    let text = text.concat().replace("rwsem", "naive-elision");
    let (cut, whole) = (shortened_within(&text, 1), shortened(&text));
    assert!(cut.iter().any(|found| found.0 == Kind::StaleMapping));
    for (cut, whole) in cut.iter().zip(&whole) {
        assert!(cut.0 == whole.0 && whole.1 <= cut.1 && cut.1 <= 5, "{cut:?} {whole:?}");
    }
}

#[test]
fn what_no_single_run_shows_has_no_case() {
    let case = case(&[VM, NESTED]);
    let mut explored = everything(&case);
    explored.findings.truncate(1);
    explored.findings[0].finding.signature = Signature(0);
    let short = shortest(&case, &Options::of(&case), &explored.findings, SHORTEST_RUNS);
    assert_eq!(short, [None]);
}

#[test]
fn closing_adds_what_is_absent_and_nothing_twice() {
    let lone = closed(&case(&[VM, PLAIN]), &[0]);
    let words: Vec<String> =
        lone.added.iter().map(|added| added.words(&Names::default())).collect();
    assert_eq!(words, ["a memslot update of vm0", "a second munmapper"]);
    let other = "task other munmap 0x100..0x108 end ";
    let whole = closed(&case(&[VM, PLAIN, other, UPDATE]), &[0, 1]);
    assert!(whole.added.is_empty() && whole.left_out.is_empty(), "{whole:?}");
}

#[test]
fn closing_keeps_within_the_caps_and_says_what_it_left_out() {
    let cow = |i: usize| format!("task cower{i} cow 0x10{i} end ");
    let tasks: String = (0..7).map(cow).collect();
    let case = case(&[VM, NESTED, &tasks]);
    let closed = closed(&case, &[0, 1]);
    assert!(closed.added.is_empty() && closed.case.check().is_ok());
    let words = closed.left_out.iter().map(|added| added.words(&Names::default()));
    assert_eq!(
        words.collect::<Vec<_>>(),
        ["a memslot update of vm0", "a second mremapper", "a second writer0"]
    );
}

#[test]
fn a_prediction_that_one_task_partly_passes_comes_true_without_waits_for_what_it_passed() {
    // D3: the validator's cycle leads through i_mmap_rwsem, which mremap takes on its way.
    let case = case(&[
        VM,
        "task mremapper mremap 0x100..0x104 end task migrater migrate 0x104..0x108 end ",
        UPDATE,
    ]);
    let options = Options::of(&case);
    let all = predicted(&case, &options);
    let long = all.iter().find(|p| p.steps.len() == 3 && p.steps.iter().all(|s| s.class != MAP));
    let limits = Limits { schedules: 30_000, ..Limits::default() };
    let witness = witness(&case, &options, long.unwrap(), &limits);
    println!("{}", witness.line(&Names::default(), |_| Some("d3.case".to_string())));
    assert!(found(&witness).is_none());
    let hang = witness.contracted.unwrap();
    assert_eq!(Runner::new().run(&hang, &Options::of(&hang)).ending, Ending::Stuck);
}

#[test]
fn a_prediction_of_another_variant_or_of_unknown_classes_is_answered_too() {
    let rwsem = case(&[VM, NESTED, UPDATE]);
    let predicted = predicted(&rwsem, &Options::of(&rwsem));
    for variant in other_schemes() {
        let case: Case = rwsem.to_string().replace("rwsem", variant).parse().unwrap();
        for prediction in &predicted {
            let limits = Limits::default();
            assert!(none_exists(&witness(&case, &Options::of(&case), prediction, &limits)));
        }
    }
    let mut unknown = predicted[0].clone();
    unknown.steps[0].class = "&q->lock".to_string();
    let answer = witness(&rwsem, &Options::of(&rwsem), &unknown, &Limits::default());
    assert_eq!(
        answer.line(&Names::default(), |_| None),
        "cannot be searched: the model has no &q->lock"
    );
    unknown.steps = vec![unknown.steps[0].clone(); 40];
    let answer = witness(&rwsem, &Options::of(&rwsem), &unknown, &Limits::default());
    assert!(matches!(answer.answer, Answer::Unknown { .. }));
}

#[test]
fn a_limit_is_told() {
    let case = case(&[TWO_VMS, COW]);
    let options = Options::of(&case);
    let limits = Limits { schedules: 1_000, ..Limits::default() };
    for prediction in predicted(&case, &options) {
        let line = witness(&case, &options, &prediction, &limits).line(&Names::default(), |_| None);
        assert!(
            line.contains("none within ") && line.ends_with(" (the bound on schedules)"),
            "{line}"
        );
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_search_for_hangs_agrees_with_the_search_for_everything() {
    use kvm_lock_fuzz::case::files::{cases_in, load};
    for folder in ["corpus/protocol", "tests/cases/bugs"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for path in cases_in(&folder).unwrap() {
            let case = load(&path).unwrap();
            let explored = everything(&case);
            let stuck = [Kind::Deadlock, Kind::LostWakeup, Kind::Livelock];
            let hangs = explored.findings.iter().any(|f| stuck.contains(&f.finding.kind));
            let matrix = matrix(&case, &Options::of(&case), &Limits::default());
            let row = matrix.rows.iter().find(|row| row.policy == case.config.policy).unwrap();
            assert_eq!(matches!(row.hangs, Hangs::Yes { .. }), hangs, "{}", path.display());
            assert_ne!(matches!(row.hangs, Hangs::Never { .. }), hangs, "{}", path.display());
        }
    }
}

/// What is said about each finding of the case's run, in the order of the run.
fn of_run(case: &Case) -> Vec<(Kind, Option<Witness>)> {
    let mut runner = Runner::new();
    let findings = runner.run(case, &Options::of(case)).findings.clone();
    let answer = |f: &Finding| (f.kind, witness_of(&runner, case, f, &Limits::brief()));
    findings.iter().map(answer).collect()
}

#[test]
fn a_run_that_hangs_as_it_predicts_is_the_witness() {
    let case = case(&[VM, NESTED, UPDATE, "schedule mremapper until split, vmm until blocked"]);
    for (kind, witness) in of_run(&case) {
        assert_eq!(witness.is_some(), kind != Kind::Deadlock, "{kind:?}: waits predict nothing");
        if let Some(witness) = witness {
            assert_eq!(witness.case(), Some(&case), "{kind:?}");
            assert_eq!(found(&witness), Some(Whose::Given), "{kind:?}");
            assert_eq!(witness.lock_maps.is_empty(), kind == Kind::RecursiveLock, "{kind:?}");
        }
    }
}

#[test]
fn a_run_that_does_not_hang_gets_the_witness_of_another() {
    let case = case(&[VM, NESTED, UPDATE]);
    let all = of_run(&case);
    assert_eq!(all.len(), 2, "the fair schedule does not hang: {all:?}");
    for (_, witness) in all {
        let hangs = witness.expect("both predict").case().cloned().expect("there is one");
        assert_eq!(hangs.programs, case.programs);
        assert_ne!(hangs.schedule, case.schedule);
        assert_eq!(Runner::new().run(&hangs, &Options::of(&hangs)).ending, Ending::Stuck);
    }
}

#[test]
fn a_run_that_hangs_otherwise_is_no_witness() {
    // END keeps the rwsem: the update waits for a task that is gone, and nobody waits in a circle.
    let bug = VM.replace("rwsem", "rwsem bug end-skips-up-read");
    let region = "task madviser madvise 0x200..0x204 end ";
    let case = case(&[&bug, region, UPDATE, "schedule madviser until snapshot"]);
    assert_eq!(Runner::new().run(&case, &Options::of(&case)).ending, Ending::Stuck);
    let all = of_run(&case);
    let (_, witness) = all.iter().find(|(kind, _)| *kind == Kind::LockOrder).unwrap();
    assert_ne!(witness.as_ref().unwrap().case(), Some(&case));
}

/// Which other predictions are asked for changes no answer, and one search serves them all.
#[test]
fn predictions_together_are_answered_as_alone() {
    let parts: [&[&str]; 4] = [
        &[VM, NESTED, UPDATE],
        &[TWO_VMS, PLAIN],
        &[TWO_VMS, "task m mremap 0x100..0x104 split 0x100..0x104 end "],
        &[VM, "task a mremap 0x100..0x104 end task b migrate 0x104..0x108 end "],
    ];
    let mut fewer = 0;
    for parts in parts {
        let case = case(parts);
        let options = Options::of(&case);
        let all = predicted(&case, &options);
        assert!(all.len() > 1, "{}", all.len());
        let mut together = Budget::beyond(&Limits::default());
        let answers = witnesses(&case, &options, &all, &mut together);
        let mut schedules = 0;
        for (prediction, answer) in all.iter().zip(&answers) {
            let mut alone = Budget::beyond(&Limits::default());
            let one = std::slice::from_ref(prediction);
            assert_eq!(witnesses(&case, &options, one, &mut alone), std::slice::from_ref(answer));
            schedules += alone.taken().schedules;
        }
        assert!(together.taken().schedules <= schedules && together.taken().cut.is_none());
        fewer += u32::from(together.taken().schedules < schedules);
    }
    assert!(fewer > 1, "{fewer}");
}

/// A hang that was found is shown however little is left; all that is taken is counted.
#[test]
fn what_was_found_is_shown_when_the_budget_is_gone() {
    let case = case(&[VM, NESTED, UPDATE]);
    let options = Options::of(&case);
    let all = predicted(&case, &options);
    let mut budget = Budget::new(Limits { schedules: 60, ..Limits::default() });
    let answers = witnesses(&case, &options, &all, &mut budget);
    assert!(answers.iter().all(|answer| answer.case().is_some()), "{answers:?}");
    let taken = budget.taken();
    assert!(taken.schedules > 2 && taken.schedules < 2_000 && taken.states > 2, "{taken:?}");
}
