//! Targets that do not do their work, in the place of real ones: no campaign calls them clean, and
//! what they leave is not lost. Shell scripts stand for the targets, so nothing is built.

#![cfg(all(feature = "cli", unix))]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kvm_lock_fuzz::campaign::{ArmReport, Plan, Report, Sanitizer, Tree, results, run_built};
use kvm_lock_fuzz::target;

static STOP: AtomicBool = AtomicBool::new(false);

/// A tree of one test, whose `lockdep` target is a script.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, script: &str) -> Scratch {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("targets-{name}"));
        let _ = fs::remove_dir_all(&root);
        let glue = root.join("fuzz/fuzz_targets");
        fs::create_dir_all(&glue).expect("the folder can be made");
        fs::write(glue.join("lockdep.options"), "[libfuzzer]\ntimeout = 10\n").expect("writes");
        let scratch = Scratch(root);
        scratch.script(script);
        scratch
    }

    fn script(&self, script: &str) {
        let target = self.0.join("lockdep");
        // In the background interrupts are ignored; a target takes them all the same.
        let shell = "#!/usr/bin/env -S --default-signal=INT sh";
        fs::write(&target, format!("{shell}\n{script}\n")).expect("it can be written");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn results(&self) -> PathBuf {
        self.0.join("results")
    }

    fn artifacts(&self) -> PathBuf {
        self.0.join("fuzz/artifacts/campaign/lockdep")
    }

    fn campaign(&self) -> Result<Report, kvm_lock_fuzz::campaign::Error> {
        let plan = Plan {
            time: Duration::from_millis(1500),
            seeds: true,
            variants: Vec::new(),
            targets: vec![target::find("lockdep").expect("it is registered")],
            bugs: Vec::new(),
            jobs: 1,
            seed: 1,
            results: self.results(),
            sanitizer: Sanitizer::None,
        };
        let tree = Tree { root: self.0.clone(), target: self.0.join("target") };
        run_built(&tree, &self.0, &plan, &STOP)
    }

    fn report(&self) -> Report {
        self.campaign().expect("the campaign runs")
    }
}

fn arm(report: &Report) -> &ArmReport {
    let [arm] = report.arms.as_slice() else { panic!("one arm: {report:?}") };
    arm
}

/// A target that fuzzes until it is interrupted.
const WORKS: &str = "echo '#64 pulse' >&2; trap 'exit 72' INT; while :; do sleep 0.05; done";

#[track_caller]
fn is_incomplete(name: &str, script: &str, cause: &str) {
    let scratch = Scratch::new(name, script);
    let report = scratch.report();
    let reason = arm(&report).incomplete.clone().expect("it is not complete");
    assert!(reason.contains(cause), "{reason}");
    assert!(report.is_incomplete() && !report.is_bad());
    let json = serde_json::to_value(results::document(&scratch.results(), &report)).expect("JSON");
    let result = &json["results"][0];
    assert_eq!((&result["verdict"], &result["bound"]), (&"incomplete".into(), &reason.into()));
    let table = results::text(&scratch.results(), &report);
    assert!(table.contains("did not run") && !table.contains("clean"), "{table}");
}

#[test]
fn a_target_that_dies_by_a_signal_is_incomplete() {
    is_incomplete("signal", "kill -9 $$", "SIGKILL");
}

#[test]
fn a_target_that_exits_at_once_is_incomplete() {
    is_incomplete("zero", "exit 0", "exit status: 0");
    is_incomplete("three", "echo no luck >&2; exit 3", "exit status: 3): no luck");
}

#[test]
fn a_target_that_floods_its_log_is_incomplete() {
    is_incomplete("flood", "while :; do echo flood; done >&2", "no execution");
}

#[test]
fn a_target_that_hangs_is_incomplete() {
    is_incomplete("hang", "trap '' INT; while :; do sleep 1; done", "was killed");
}

#[test]
fn a_target_that_works_is_clean() {
    let scratch = Scratch::new("works", WORKS);
    let report = scratch.report();
    assert_eq!(arm(&report).incomplete, None);
    assert!(!report.is_incomplete() && arm(&report).executions >= 64);
}

#[test]
fn a_crash_is_reported_while_it_reproduces() {
    let crashes = "for last; do :; done; case $last in */crash-*) \
                   echo \"thread 'x' panicked at src/a.rs:1:2:\" >&2; exit 77;; esac; ";
    let scratch = Scratch::new("crash", &[crashes, WORKS].concat());
    fs::create_dir_all(scratch.artifacts()).expect("the folder can be made");
    let input = scratch.artifacts().join("crash-0123");
    fs::write(&input, "input").expect("it can be written");
    for _ in 0..2 {
        let report = scratch.report();
        let places: Vec<_> = arm(&report).crashes.iter().map(|c| c.crash.place.as_str()).collect();
        assert_eq!(places, ["src/a.rs:1:2"]);
        assert!(report.is_bad() && input.is_file());
    }
    scratch.script(
        &["for last; do :; done; case $last in */crash-*) exit 0;; esac; ", WORKS].concat(),
    );
    assert!(arm(&scratch.report()).crashes.is_empty() && !input.exists(), "it was mended");
}

#[test]
fn a_crash_that_can_not_be_run_again_is_kept() {
    let scratch = Scratch::new("kept", "kill -9 $$");
    fs::create_dir_all(scratch.artifacts()).expect("the folder can be made");
    let input = scratch.artifacts().join("crash-0123");
    fs::write(&input, "input").expect("it can be written");
    assert!(scratch.report().is_incomplete() && input.is_file());
}

#[test]
fn results_that_can_not_be_written_are_reported_all_the_same() {
    let scratch = Scratch::new("unsaved", WORKS);
    fs::create_dir_all(scratch.results().join("table.txt/in-the-way")).expect("can be made");
    let report = scratch.report();
    assert!(report.unsaved.is_some() && arm(&report).executions >= 64);
}
