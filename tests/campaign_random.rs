//! The random engine of a campaign: nothing is built, so that it works wherever the program does.

#![cfg(all(feature = "cli", unix))]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use common::cli;
use kvm_lock_fuzz::campaign::{ArmReport, Plan, Report, Sanitizer, Tree, Workers, run_built};
use kvm_lock_fuzz::case::{Case, random};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::target;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kvm-lock-fuzz");

/// A folder of one test that is outside the clone.
fn outside(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("campaign-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

fn campaign(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("campaign").args(arguments).args(["--no-seeds", "--seed", "5", "--json"]);
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn results(output: &Output) -> Vec<Value> {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    document["results"].as_array().expect("a list").clone()
}

/// The working files of a variant, by name.
fn files(folder: &Path, variant: &str) -> BTreeMap<String, Vec<u8>> {
    let artifacts = folder.join("results/.campaign/artifacts/no-seeds/protocol").join(variant);
    let entries = fs::read_dir(artifacts).expect("the folder is there").flatten();
    let named = entries.map(|entry| {
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, fs::read(entry.path()).expect("it can be read"))
    });
    named.collect()
}

#[test]
fn the_same_seed_finds_the_same_whatever_the_workers() {
    let ran = ["1", "3"].map(|jobs| {
        let folder = outside(&format!("jobs-{jobs}"));
        let variants = ["--variant", "naive-elision", "--variant", "counted"];
        let bound = ["--runs", "1500", "--jobs", jobs];
        let output = campaign(&folder, &[&variants[..], &bound].concat()).output().expect("runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let results = results(&output);
        for result in &results {
            assert_eq!(result["target"], "protocol");
            assert_eq!(
                (&result["schedules"], &result["bound"]),
                (&1500.into(), &"1500 random cases".into())
            );
            assert_eq!(result["engines"][0]["engine"], "random");
            assert_eq!(result["engines"][0]["executions"], 1500);
            assert_eq!(result["engines"][1]["executions"], 0);
            let findings = result["findings"].as_array().expect("a list");
            assert!(findings.iter().all(|finding| finding["engine"] == "random"), "{findings:?}");
        }
        let signatures = |result: &Value| {
            let findings = result["findings"].as_array().expect("a list").iter();
            findings.map(|f| f["signature"].clone()).collect::<Vec<_>>()
        };
        let found: Vec<_> = results.iter().map(signatures).collect();
        let files = files(&folder, "naive-elision");
        fs::remove_dir_all(&folder).expect("it can be removed");
        (found, files)
    });
    let [(found, files), other] = ran;
    assert!(!found[0].is_empty() && !files.is_empty(), "naive-elision is known bad");
    assert_eq!((found, files), other);
}

#[test]
fn outside_a_clone_random_cases_are_all_there_is() {
    let folder = outside("elsewhere");
    let output = campaign(&folder, &["--seconds", "1"]).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("clone") && stderr.contains("random cases only"), "{stderr}");
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let results = results(&output);
    assert_eq!(results.len(), Variant::ALL.len(), "no arm of a target that can not be built");
    for result in &results {
        assert!(result["schedules"].as_u64().expect("a number") > 0, "{result}");
        let bad = Variant::from_name(result["variant"].as_str().expect("a name"));
        let bad = bad.expect("it is registered").info().known_bad;
        assert_eq!(result["verdict"], if bad { "violation" } else { "clean" });
    }
    assert!(stderr.contains(" s: rwsem, "), "first findings are printed: {stderr}");
    fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn without_tools_random_cases_are_all_there_is() {
    let folder = outside("no-tools");
    fs::create_dir_all(folder.join("fuzz")).expect("it can be made");
    let manifest = "[package]\nname = \"kvm-lock-fuzz-fuzz\"\n";
    fs::write(folder.join("fuzz/Cargo.toml"), manifest).expect("it can be written");
    let mut command = campaign(&folder, &["--seconds", "1", "--variant", "counted"]);
    let output = command.env("PATH", "/nowhere").env_remove("CARGO").output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("cannot run rustc") && stderr.contains("random cases only"),
        "{stderr}"
    );
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(0), 1), "{stderr}");
    assert_eq!(results(&output)[0]["verdict"], "clean");
    fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn a_build_that_fails_leaves_an_incomplete_campaign_with_its_findings() {
    let folder = outside("no-build");
    fs::create_dir_all(folder.join("fuzz")).expect("it can be made");
    let manifest = "[package]\nname = \"kvm-lock-fuzz-fuzz\"\nversion = \"no version\"\n";
    fs::write(folder.join("fuzz/Cargo.toml"), manifest).expect("it can be written");
    fs::write(folder.join("Cargo.toml"), "[workspace]\n").expect("it can be written");
    let arguments = ["--seconds", "4", "--variant", "rwsem"];
    let output = campaign(&folder, &arguments).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot build the fuzz targets"), "{stderr}");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let result = &results(&output)[0];
    assert_eq!(result["verdict"], "violation", "what random cases find is there");
    assert!(result["bound"].as_str().expect("a text").contains("cannot build"), "{result}");
    fs::remove_dir_all(&folder).expect("it can be removed");
}

/// Processes that have `parent` as their parent.
fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("there is a /proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_there() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_kill_leaves_what_was_found_and_no_worker() {
    let folder = outside("kill");
    let mut child =
        campaign(&folder, &["--seconds", "60", "--variant", "rwsem"]).spawn().expect("runs");
    let artifacts = folder.join("results/.campaign/artifacts/no-seeds/protocol/rwsem");
    wait_for("a finding", || fs::read_dir(&artifacts).is_ok_and(|mut all| all.next().is_some()));
    let workers = children(child.id());
    assert!(!workers.is_empty(), "cases run in children");
    child.kill().expect("the campaign can be killed");
    child.wait().expect("it is gone");
    let alive = || workers.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists());
    wait_for("the workers end by themselves", || !alive());
    for path in fs::read_dir(&artifacts).expect("findings are on disk").flatten().map(|e| e.path())
    {
        let is_draft = path.extension().is_some_and(|ending| ending == "part");
        let run = Command::new(PROGRAM).arg("run").arg(&path).output().expect("it runs");
        assert!(is_draft || run.status.code() == Some(1), "{}: a whole case", path.display());
    }
    let again =
        campaign(&folder, &["--runs", "1", "--variant", "rwsem"]).output().expect("it runs");
    assert_eq!(again.status.code(), Some(0), "the next one meets no lock");
    fs::remove_dir_all(&folder).expect("it can be removed");
}

/// A tree of one test whose worker is a script.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, script: &str) -> Scratch {
        let scratch = Scratch(cli::scratch(&format!("random/{name}")));
        let glue = scratch.0.join("fuzz/fuzz_targets");
        fs::create_dir_all(&glue).expect("it can be made");
        fs::write(glue.join("protocol.options"), "[libfuzzer]\n").expect("it can be written");
        let worker = scratch.worker();
        fs::write(&worker, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).expect("it is ours");
        scratch
    }

    fn worker(&self) -> PathBuf {
        self.0.join("worker")
    }

    fn report(&self, runs: u64) -> Report {
        static STOP: AtomicBool = AtomicBool::new(false);
        let plan = Plan {
            time: Duration::from_secs(60),
            runs: Some(runs),
            seeds: false,
            variants: vec![Variant::Rwsem],
            targets: vec![target::find("protocol").expect("it is registered")],
            bugs: Vec::new(),
            jobs: 2,
            workers: Workers { program: self.worker(), limit: Duration::from_secs(1) },
            seed: SEED,
            results: self.0.join("results"),
            sanitizer: Sanitizer::None,
        };
        let tree = Tree { root: self.0.clone() };
        run_built(&tree, &self.0, &plan, &STOP).expect("the campaign runs")
    }
}

fn arm(report: &Report) -> &ArmReport {
    let [arm] = report.arms.as_slice() else { panic!("one arm: {report:?}") };
    arm
}

const SEED: u64 = 5;

/// A case after the tenth that shows something under `rwsem`, and what.
fn finding() -> (u64, u64) {
    let (mut runner, mut bytes) = (Runner::new(), Vec::new());
    let mut all = (10..200).filter_map(|index| {
        random::draw(SEED, index, &mut bytes);
        let case = Case { variant: Variant::Rwsem, bug: None, ..Case::decode(&bytes) };
        let first = runner.run(&case, &Options::of(&case)).findings.first()?;
        Some((index, first.signature.0))
    });
    all.next().expect("rwsem is known bad")
}

/// Says what is next where that is wanted, as the worker does; case 3 panics and case 5 loops.
fn damaged() -> String {
    let (index, signature) = finding();
    format!(
        r#"number() {{ echo "$order" | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }}
        while read -r order; do
            case $order in
            *'"each":true'*)
                i=$(number first) end=$(($(number first) + $(number count)))
                while [ $i -lt $end ]; do
                    echo "{{\"at\":$i}}"
                    case $i in
                    3) echo "thread 'main' panicked at src/a.rs:1:2:
                    boom" >&2; exit 101;;
                    5) exec sleep 60;;
                    {index}) echo '{{"finding":{{"index":{index},"signature":{signature}}}}}';;
                    esac
                    i=$((i + 1))
                done
                echo '"done"';;
            *'"first":0,'*) exit 101;;
            *) echo '"done"';;
            esac
        done"#
    )
}

#[test]
fn a_case_that_panics_or_loops_costs_no_other() {
    let scratch = Scratch::new("damaged", &damaged());
    let report = scratch.report(600);
    let arm = arm(&report);
    let crashes: Vec<_> = arm.crashes.iter().map(|found| &found.crash).collect();
    let crash = crashes.iter().find(|crash| crash.kind == "crash").expect("it panicked");
    assert_eq!((crash.place.as_str(), crash.message.as_str()), ("src/a.rs:1:2", "boom"));
    let timeout = crashes.iter().find(|crash| crash.kind == "timeout").expect("it looped");
    for (crash, index) in [(crash, 3), (timeout, 5)] {
        let mut bytes = Vec::new();
        random::draw(SEED, index, &mut bytes);
        assert_eq!(fs::read(&crash.artifact).expect("the case is kept"), bytes);
    }
    assert_eq!(crashes.len(), 2);
    assert_eq!(arm.executions, 600);
    let found: Vec<_> = arm.findings.iter().map(|found| found.finding.signature.0).collect();
    assert_eq!(found, [finding().1], "what the same worker found is not lost");
    assert!(report.is_bad() && !report.is_incomplete(), "{:?}", arm.incomplete);
}

#[test]
fn a_worker_that_is_killed_costs_nothing() {
    let script = format!(
        "[ -e once ] || {{ read -r order; touch once; kill -9 $$; }}\nexec {PROGRAM} \"$@\""
    );
    let scratch = Scratch::new("killed", &format!("cd \"$(dirname \"$0\")\"\n{script}"));
    let report = scratch.report(300);
    assert!(arm(&report).crashes.is_empty() && !report.is_incomplete(), "{report:?}");
    assert_eq!(arm(&report).executions, 300);
    let undisturbed = Scratch::new("undisturbed", &format!("exec {PROGRAM} \"$@\"")).report(300);
    let found = |report: &Report| {
        let findings = arm(report).findings.iter();
        findings.map(|found| found.finding.signature).collect::<Vec<_>>()
    };
    assert!(!found(&report).is_empty());
    assert_eq!(found(&report), found(&undisturbed));
}

#[test]
fn workers_that_do_not_work_are_incomplete() {
    for (name, script, cause) in [
        ("dies", "kill -9 $$", "signal: 9"),
        ("exits", "echo no luck >&2; exit 3", "no luck"),
        (
            "dies-always",
            "while read -r order; do case $order in *'\"each\":true'*) echo '\"done\"';; *) exit 4;; esac; done",
            "exit status: 4",
        ),
    ] {
        let report = Scratch::new(name, script).report(2_000);
        let reason = arm(&report).incomplete.clone().expect("it did not work");
        assert!(reason.contains(cause), "{reason}");
        assert!(report.is_incomplete() && arm(&report).crashes.is_empty());
    }
}
