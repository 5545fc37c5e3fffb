//! Targets that do not do their work, in the place of real ones: no campaign calls them clean, and
//! what they leave is not lost. Shell scripts stand for the targets, so nothing is built.

#![cfg(all(feature = "cli", unix))]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kvm_lock_fuzz::campaign::shares::{Group, enough};
use kvm_lock_fuzz::campaign::{
    ArmReport, Plan, Report, Sanitizer, Tree, Workers, results, run_built, stats,
};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::target::{self, collect};
use serde_json::Value;

static STOP: AtomicBool = AtomicBool::new(false);

/// A tree of one test, whose targets are a script.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, script: &str) -> Scratch {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("targets-{name}"));
        let _ = fs::remove_dir_all(&root);
        let glue = root.join("fuzz/fuzz_targets");
        fs::create_dir_all(&glue).expect("the folder can be made");
        for target in &target::REGISTRY {
            let options = glue.join(target.name).with_extension("options");
            fs::write(options, "[libfuzzer]\ntimeout = 1\n").expect("it can be written");
        }
        let scratch = Scratch(root);
        scratch.script(script);
        // A worker whose random cases show nothing.
        scratch.write("worker", "while read -r order; do sleep 0.01; echo '\"done\"'; done");
        scratch
    }

    fn script(&self, script: &str) {
        target::REGISTRY.iter().for_each(|target| self.write(target.name, script));
    }

    fn write(&self, name: &str, script: &str) {
        let file = self.0.join(name);
        // In the background interrupts are ignored; a target takes them all the same.
        let shell = "#!/usr/bin/env -S --default-signal=INT sh";
        fs::write(&file, format!("{shell}\n{script}\n")).expect("it can be written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn results(&self) -> PathBuf {
        self.0.join("results")
    }

    fn artifacts(&self) -> PathBuf {
        self.0.join("fuzz/artifacts/campaign/lockdep")
    }

    /// A campaign over the `lockdep` target.
    fn plan(&self) -> Plan {
        Plan {
            time: Duration::from_millis(1500),
            runs: None,
            seeds: true,
            variants: Vec::new(),
            targets: vec![target::find("lockdep").expect("it is registered")],
            bugs: Vec::new(),
            jobs: 1,
            workers: Workers { program: self.0.join("worker"), limit: Duration::from_secs(10) },
            seed: 1,
            results: self.results(),
            sanitizer: Sanitizer::None,
        }
    }

    fn report(&self) -> Report {
        self.report_of(&self.plan())
    }

    fn report_of(&self, plan: &Plan) -> Report {
        let tree = Tree { root: self.0.clone() };
        run_built(&tree, &self.0, plan, &STOP).expect("the campaign runs")
    }
}

fn arm(report: &Report) -> &ArmReport {
    let [arm] = report.arms.as_slice() else { panic!("one arm: {report:?}") };
    arm
}

/// A target that fuzzes until it is asked to end.
const WORKS: &str = "echo '#64 pulse cov: 9 ft: 12 corp: 3/7b' >&2; trap 'exit 0' USR1; while :; do sleep 0.05; done";

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
    is_incomplete("hang", "trap '' INT USR1; while :; do sleep 1; done", "was killed");
}

/// As libFuzzer in an execution that hangs: an interrupt ends it at once, a request to end is
/// noted, and after the time that an execution may take it reports the input.
const HANGS: &str = "\
echo '#64 pulse' >&2; trap '' USR1; trap 'exit 72' INT
for last; do case $last in -artifact_prefix=*) prefix=${last#*=};; esac; done
case $last in */timeout-*) n=35;; *) n=0;; esac
while [ $n -lt 36 ]; do sleep 0.05; n=$((n+1)); done
echo input >${prefix}timeout-0123
echo \"==1== ERROR: libFuzzer: timeout after 1 seconds\" >&2
echo \"artifact_prefix='$prefix'; Test unit written to ${prefix}timeout-0123\" >&2; exit 70";

#[test]
fn an_input_that_hangs_at_the_end_of_a_slice_is_reported() {
    let scratch = Scratch::new("timeout", HANGS);
    for _ in 0..2 {
        let report = scratch.report();
        let [found] = arm(&report).crashes.as_slice() else { panic!("one input: {report:?}") };
        assert_eq!(
            (found.crash.kind, found.crash.message.as_str()),
            ("timeout", "timeout after 1 seconds")
        );
        assert_eq!(fs::read_to_string(&found.crash.artifact).expect("it is there"), "input\n");
        assert!(report.is_bad());
    }
}

#[test]
fn arms_that_had_no_turn_are_named_with_what_gives_them_one() {
    let scratch = Scratch::new("turns", WORKS);
    let plan = Plan {
        time: Duration::from_millis(900),
        variants: vec![Variant::Rwsem],
        targets: target::REGISTRY.iter().collect(),
        ..scratch.plan()
    };
    let report = scratch.report_of(&plan);
    assert!(report.is_incomplete() && !report.is_bad());
    let table = results::text(&scratch.results(), &report);
    let time = enough(&[Group::Random, Group::Guided, Group::Other, Group::Other], 1);
    let line = format!(
        "\nlockdep, case_text did not run: no turn came before the time was over; \
         give --seconds {} or more\n",
        time.as_secs()
    );
    assert!(table.contains(&line), "{table}");
    assert!(!scratch.report_of(&Plan { time, ..plan }).is_incomplete(), "that is enough");
}

/// What a target says that found something and cannot write it, because its disk is full.
#[test]
fn a_finding_that_could_not_be_stored_is_reported_with_its_case() {
    let case = "variant rwsem vm vm0 slot 0 gfn 0x00..0x08 hva 0x100 task mremapper \
                mremap 0x200..0x240 split 0x200..0x240 end";
    let case: Case = case.parse().expect("it is a case");
    let shown = Runner::new().run(&case, &Options::of(&case)).findings.len();
    let says = format!(
        "echo '{}' >&2; echo 'kvm-lock-fuzz: cannot write a finding: No space left' >&2; exit 2",
        collect::unsaved(&case)
    );
    let scratch = Scratch::new("unstored", &says);
    let protocol = vec![target::find("protocol").expect("it is registered")];
    let plan = Plan { variants: vec![Variant::Rwsem], targets: protocol, ..scratch.plan() };
    let report = scratch.report_of(&plan);
    let found = &arm(&report).findings;
    assert!(shown > 0 && found.len() == shown, "{report:?}");
    assert!(found.iter().all(|found| found.first.is_some()), "the time of each is noted");
    let json = results::document(&scratch.results(), &report);
    for finding in &json.results[0].findings {
        let file = finding.file.as_ref().expect("the results were written");
        let saved: Case = fs::read_to_string(file).expect("it is there").parse().expect("a case");
        assert_eq!(Some(saved.to_string()), finding.case);
    }
    assert!(arm(&report).incomplete.as_ref().expect("it gave up").contains("No space left"));
}

#[test]
fn a_target_that_works_is_clean() {
    let scratch = Scratch::new("works", WORKS);
    let report = scratch.report();
    assert_eq!(arm(&report).incomplete, None);
    assert!(!report.is_incomplete() && arm(&report).executions >= 64);
}

#[test]
fn statistics_have_a_line_a_second_and_go_on_behind_a_torn_one() {
    let scratch = Scratch::new("stats", WORKS);
    let file = scratch.results().join(stats::NAME);
    scratch.report();
    let first = fs::read_to_string(&file).expect("it is there");
    fs::write(&file, format!("{first}{{\"format\":1,\"camp")).expect("a kill may leave that");
    scratch.report();
    let all = fs::read_to_string(&file).expect("it is there");
    assert!(all.starts_with(&first) && all.len() > first.len());
    let lines: Vec<Value> =
        all.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect();
    let campaigns: BTreeSet<_> = lines.iter().map(|line| line["campaign"].as_u64()).collect();
    assert!(lines.len() >= 4 && campaigns.len() == 2, "{all}");
    for line in &lines {
        let keys: Vec<_> = line.as_object().expect("an object").keys().collect();
        let wanted = ["format", "campaign", "seconds", "executions", "rate", "findings", "crashes"];
        assert_eq!(keys, wanted.iter().chain(&["arms"]).collect::<Vec<_>>());
        let arm = line["arms"][0].as_object().expect("an object");
        let keys: Vec<_> = arm.keys().map(String::as_str).collect();
        let wanted = ["target", "variant", "bug", "executions", "rate", "covered", "features"];
        assert_eq!(keys, [&wanted[..], &["corpus", "findings", "crashes"]].concat());
        assert!(line["format"] == 1 && line["seconds"].is_f64() && line["rate"].is_f64());
        let counted = ["covered", "features", "corpus"].map(|key| arm[key].as_u64());
        assert_eq!((counted, &arm["target"]), ([Some(9), Some(12), Some(3)], &"lockdep".into()));
        assert_eq!(line["executions"], arm["executions"]);
    }
    let last = lines.last().expect("a line");
    assert!(last["executions"].as_u64() >= Some(64), "{last}");
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
