//! Single steps of the validator, each of which was once changed and nothing noticed.

use kvm_lock_fuzz::lockdep::script::{Outcome, parse, run};
use kvm_lock_fuzz::lockdep::{
    Acquire, Config, EN, ER, KeyDesc, Kind, Lockdep, Mode, SR, Silence, Site,
};

const MODES: [Mode; 2] = [Mode::Kernel, Mode::Complete];

/// Runs events, commas between them, over the locks A1, A2, A3, B, C, M and N of classes A, B, C, M, N.
fn outcome(mode: Mode, events: &str) -> Outcome {
    typed(mode, &["class A", "class B", "class C", "class M", "class N"], events)
}

fn typed(mode: Mode, classes: &[&str], events: &str) -> Outcome {
    let locks = ["A1 A", "A2 A", "A3 A", "B B", "C C", "M M", "N N"];
    let declared =
        |lock: &&str| classes.iter().any(|class| class.split(' ').nth(1) == lock.split(' ').nth(1));
    let locks = locks.iter().filter(|lock| declared(lock)).map(|lock| format!("lock {lock}"));
    let decl: Vec<String> = classes.iter().map(|class| class.to_string()).chain(locks).collect();
    let events: Vec<String> =
        events.split(',').map(|event| format!("T {}", event.trim())).collect();
    let script = parse(&decl, &events).unwrap_or_else(|error| panic!("{error}"));
    let mut outcome = run(&script, Config { mode, raw_lock_nesting: false });
    outcome.lockdep.finish();
    outcome
}

fn edges(outcome: &Outcome) -> Vec<(String, String, u8)> {
    let lockdep = &outcome.lockdep;
    let name = |class| lockdep.class_name(class);
    lockdep.edges().iter().map(|e| (name(e.from()), name(e.to()), e.kinds())).collect()
}

fn edge(from: &str, to: &str, kinds: u8) -> (String, String, u8) {
    (from.to_owned(), to.to_owned(), kinds)
}

fn findings(outcome: &Outcome) -> Vec<(String, Option<Silence>)> {
    let lockdep = &outcome.lockdep;
    lockdep.reports().iter().map(|r| (lockdep.signature(r), r.silence)).collect()
}

/// Whether the nest lock is held is looked at each time: that the same acquisition was legal before
/// says nothing.
#[test]
fn a_nest_lock_is_looked_for_at_every_acquisition() {
    let nested = "acq A1 w nest=M, rel A1, ".repeat(3);
    for mode in MODES {
        let legal = outcome(mode, &format!("acq M w, {nested} acq A1 w nest=M"));
        assert_eq!(findings(&legal), []);
        let outcome = outcome(mode, &format!("acq M w, {nested} acq A1 w nest=N"));
        let kinds: Vec<Kind> = outcome.lockdep.reports().iter().map(|r| r.kind).collect();
        assert_eq!(kinds, [Kind::NestNotHeld], "{mode:?}");
    }
}

/// An entry that counts several acquisitions, put back after the release of a lock below it, is no
/// example for a single acquisition.
#[test]
fn a_single_acquisition_does_not_count_as_several() {
    for mode in MODES {
        let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
        let [m, x, a] = ["m", "x", "a"]
            .map(|name| lockdep.declare_key(&KeyDesc { name, ..KeyDesc::default() }));
        let [m, x, a1] = [m, x, a].map(|key| lockdep.declare_instance(key, 0));
        let a2 = lockdep.declare_instance(a, 0);
        let (task, site) = (lockdep.declare_task(), Site(1));
        let take = |lock| Acquire::exclusive(lock, site);
        lockdep.acquire(task, &take(m));
        for _ in 0..3 {
            lockdep.acquire(task, &take(a1));
            lockdep.release(task, a1, site);
        }
        for _ in 0..3 {
            lockdep.acquire(task, &take(x));
            lockdep.acquire(task, &take(a1));
            lockdep.acquire(task, &take(a2).nest(m));
            lockdep.release(task, x, site);
            let top = *lockdep.held(task).last().expect("a1 is held");
            assert_eq!((top.instance(), top.references()), (a1, 2));
            lockdep.release(task, a1, site);
            lockdep.release(task, a1, site);
            lockdep.acquire(task, &take(a1).nest(m));
            let top = *lockdep.held(task).last().expect("a1 is held");
            assert_eq!((top.nest(), top.references()), (Some(m), 0), "{mode:?}");
            lockdep.release(task, a1, site);
        }
        assert!(lockdep.reports().is_empty());
    }
}

/// The report names the lock that forbids to sleep, in the context where it was taken.
#[test]
fn the_lock_that_sets_the_limit_is_named() {
    let classes =
        ["class A inner=sleep", "class B inner=spin", "class C inner=spin", "class M inner=sleep"];
    for (events, signature) in [
        ("acq A1 w, acq B w, acq M w", "wait_context B w M w 4"),
        ("acq B w, acq C w, acq M w", "wait_context B w M w 4"),
        ("acq B w, hardirq_enter, acq C w, acq M w", "wait_context C w M w 2"),
        ("acq B w, hardirq_enter, acq M w", "wait_context M w 2"),
    ] {
        for mode in MODES {
            let found = findings(&typed(mode, &classes, events));
            assert_eq!(found, [(signature.to_owned(), None)], "{events}");
        }
    }
}

/// Where a nest lock covers the repeated class, `check_deadlock()` ends the check: what is held between
/// gets no dependency. Complete mode, where an entry outside of the nest lock was reported, goes on.
#[test]
fn what_a_nest_lock_covers_adds_no_dependency() {
    for mode in MODES {
        let covered = outcome(mode, "acq M w, acq A1 w, acq B w, acq A2 w nest=M");
        assert_eq!(findings(&covered), []);
        assert_eq!(edges(&covered), [edge("M", "A", EN), edge("A", "B", EN)]);
    }
    let below =
        outcome(Mode::Complete, "acq A1 w, acq M w, acq A2 w nest=M, acq B w, acq A3 w nest=M");
    assert!(edges(&below).contains(&edge("B", "A", EN)), "{:?}", edges(&below));
}

/// A kind that the kernel's chain cache hides stays hidden where it comes to a dependency that the kernel
/// knows by another kind: it arrives at C as a recursive reader, and does not look at C again.
#[test]
fn a_hidden_kind_of_a_known_dependency_stays_hidden() {
    let outcome = outcome(
        Mode::Complete,
        "acq A1 w, acq B w, acq C w, rel C, rel B, rel A1,
         acq A1 w, acq C R, rel C, rel A1,
         acq A1 w, acq B w try, acq C w, rel C, rel B, rel A1,
         acq C r, acq A1 w, rel A1, rel C",
    );
    assert!(edges(&outcome).contains(&edge("A", "C", ER | EN)), "{:?}", edges(&outcome));
    let long = "circular A -EN-> B -EN-> C -SN-> A".to_owned();
    let short = "circular A -EN-> C -SN-> A".to_owned();
    assert_eq!(findings(&outcome), [long, short].map(|cycle| (cycle, Some(Silence::VisitedFirst))));
}

/// Of a class after itself only two readers are a dependency, of which the second is recursive: the
/// others are recursions and have reports of their own.
#[test]
fn a_class_depends_on_itself_by_recursive_readers_alone() {
    for mode in MODES {
        let readers = outcome(mode, "acq A1 R, acq A2 R");
        assert_eq!(findings(&readers), []);
        assert_eq!(edges(&readers), [edge("A", "A", SR)], "{mode:?}");
    }
    for (events, signature) in [
        ("acq A1 w, acq A2 w", "recursive A w A w other-instance"),
        ("acq A1 w, acq A2 R", "recursive A w A R other-instance"),
        ("acq A1 r, acq A2 r", "recursive A r A r other-instance"),
    ] {
        let writers = outcome(Mode::Complete, events);
        assert_eq!(findings(&writers), [(signature.to_owned(), None)]);
        assert_eq!(edges(&writers), [], "{events}");
    }
}

/// A step of a cycle by a recursive reader under a writer has a name of its own.
#[test]
fn kinds_of_dependencies_have_names() {
    let outcome = outcome(
        Mode::Complete,
        "acq A1 w, acq B R, rel B, rel A1, acq B w, acq A1 w, rel A1, rel B",
    );
    let cycle = "circular A -ER-> B -EN-> A".to_owned();
    assert_eq!(findings(&outcome), [(cycle, None)]);
}

/// What is remembered of an acquisition in one context says nothing of another: there it sets other usage
/// bits, and may be more than the context allows.
#[test]
fn every_context_is_looked_at() {
    let plain = "acq A1 w, rel A1, ".repeat(5);
    for mode in MODES {
        let found = findings(&outcome(mode, &format!("{plain} hardirq_enter, acq A1 w")));
        let inconsistent = "inconsistent A w {HARDIRQ-ON-W} {IN-HARDIRQ-W}".to_owned();
        assert_eq!(found.first(), Some(&(inconsistent, None)), "{mode:?}");
        let decl = ["class A inner=config", "lock A1 A"].map(String::from);
        let handler = |kind| format!("hardirq_enter{kind}, acq A1 w, rel A1, hardirq_exit, ");
        let events = handler(" threaded").repeat(5) + &handler("");
        let events: Vec<String> =
            events.split(", ").filter(|e| !e.is_empty()).map(|e| format!("T {e}")).collect();
        let script = parse(&decl, &events).unwrap_or_else(|error| panic!("{error}"));
        let outcome = run(&script, Config { mode, raw_lock_nesting: true });
        assert_eq!(findings(&outcome), [("wait_context A w 2".to_owned(), None)]);
    }
}

/// Who enables soft interrupts without having disabled them changes nothing, also while one is handled.
#[test]
fn what_was_not_disabled_is_not_enabled() {
    for mode in MODES {
        let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
        let (task, site) = (lockdep.declare_task(), Site(1));
        for _ in 0..2 {
            let before = format!("{:?}", lockdep.irq_state(task));
            assert!(!lockdep.softirqs_on(task, site));
            assert_eq!(format!("{:?}", lockdep.irq_state(task)), before);
            lockdep.softirq_enter(task, site);
        }
    }
}
