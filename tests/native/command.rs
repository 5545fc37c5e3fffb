//! `stress` from the outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use kvm_lock_fuzz::kvm::Variant;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::cli::{self, command, expect, json, refused};
use crate::common::process::{children, within};

const NESTED: &str = "corpus/protocol/nested-behind-writer.case";

fn results(code: i32, arguments: &[&str]) -> Vec<Value> {
    json(code, arguments)["results"].as_array().expect("a list").clone()
}

/// A folder that does not exist yet.
fn scratch(name: &str) -> PathBuf {
    let folder = cli::scratch(&format!("stress/{name}"));
    fs::remove_dir(&folder).expect("it is empty");
    folder
}

fn signatures(result: &Value) -> BTreeSet<String> {
    let findings = result["findings"].as_array().expect("a list").iter();
    findings.map(|f| f["signature"].as_str().expect("text").to_string()).collect()
}

#[test]
fn a_nested_region_hangs_on_threads_as_on_the_simulator() {
    let folder = scratch("hangs");
    let folder = folder.to_str().expect("UTF-8");
    let results = results(1, &["stress", NESTED, "--seconds", "60", "--json", "--results", folder]);
    let result = &results[0];
    assert_eq!((&result["verdict"], &result["ending"]), (&"violation".into(), &"stuck".into()));
    let run = json(1, &["run", NESTED, "--json"]);
    assert_eq!(signatures(result), signatures(&run["results"][0]));
    for finding in result["findings"].as_array().expect("a list") {
        let file = finding["file"].as_str().expect("a path");
        let written = fs::read_to_string(file).expect("the file was written");
        assert!(written.ends_with(finding["case"].as_str().expect("a case")));
        let ran = expect(1, &["run", file]);
        assert!(ran.contains(finding["signature"].as_str().expect("text")), "{ran}");
    }
}

#[test]
fn sound_variants_do_not_hang() {
    let folder = scratch("clean");
    let to = folder.to_str().expect("UTF-8");
    let sound: Vec<&str> = Variant::sound().flat_map(|v| ["--variant", v.name()]).collect();
    let clean = ["stress", NESTED, "--json", "--seed", "1", "--seconds", "2", "--results", to];
    let results = results(0, &[&clean[..], &sound[..]].concat());
    assert_eq!(results.len(), Variant::sound().count());
    for result in results {
        assert_eq!((&result["verdict"], &result["exhausted"]), (&"clean".into(), &false.into()));
        assert!(result["schedules"].as_u64().expect("a number") > 0);
    }
    assert!(!folder.exists(), "nothing was found, nothing is written");
}

#[test]
fn bad_usage_is_one_line() {
    let phase_fair = ["stress", NESTED, "--policy", "phase-fair"];
    let zero = ["stress", NESTED, "--seconds", "0"];
    let nothing = ["stress", "no-such.case"];
    let words = ["phase-fair exists on the simulator only", "--seconds", "no-such.case"];
    for (arguments, word) in [&phase_fair[..], &zero, &nothing].into_iter().zip(words) {
        refused(arguments, &[word]);
    }
}

/// A stress that runs, and its child.
fn running(name: &str) -> (Child, i32) {
    let folder = scratch(name);
    let to = folder.to_str().expect("UTF-8");
    let arguments = ["stress", NESTED, "--variant", "counted", "--seconds", "60", "--threads", "2"];
    let parent = command(&[&arguments[..], &["--results", to]].concat()).spawn().expect("it runs");
    let child = within(|| children(&parent).first().copied());
    thread::sleep(Duration::from_millis(300));
    (parent, child)
}

/// A process that is gone, or a zombie that is not reaped.
fn gone(id: i32) -> Option<()> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    (status.is_empty() || status.contains("State:\tZ")).then_some(())
}

#[test]
fn a_killed_parent_leaves_no_child() {
    let (mut parent, child) = running("killed");
    parent.kill().expect("it can be killed");
    parent.wait().expect("it ends");
    within(|| gone(child));
}

#[test]
fn an_interrupt_prints_what_holds_and_leaves_no_child() {
    let (parent, child) = running("interrupted");
    kill(Pid::from_raw(parent.id() as i32), Signal::SIGINT).expect("it can be interrupted");
    let output = parent.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.starts_with("counted, writer-fair on threads: clean (interrupted after"),
        "{text}"
    );
    within(|| gone(child));
}

#[test]
fn a_child_that_dies_is_a_crash() {
    let (parent, child) = running("crash");
    kill(Pid::from_raw(child), Signal::SIGKILL).expect("it can be killed");
    let output = parent.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("crash: the process of the threads died: signal: 9"), "{text}");
}

/// The report of one whose child is stopped, after that long; with or without a Ctrl-C then.
fn stopped(name: &str, interrupt: bool) -> (String, Duration) {
    let (parent, child) = running(name);
    let begin = Instant::now();
    kill(Pid::from_raw(child), Signal::SIGSTOP).expect("it can be stopped");
    if interrupt {
        thread::sleep(Duration::from_millis(1_500));
        kill(Pid::from_raw(parent.id() as i32), Signal::SIGINT).expect("it can be interrupted");
    }
    let output = parent.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("crash: the process of the threads did not answer and was killed"));
    within(|| gone(child));
    (text, begin.elapsed())
}

#[test]
fn a_child_that_does_not_answer_is_killed_and_reported() {
    let (text, time) = stopped("stopped", false);
    assert!(text.starts_with("counted, writer-fair on threads: crashed ("), "{text}");
    assert!(time < Duration::from_secs(40), "the time allowed was 60 s: {time:?}");
}

#[test]
fn an_interrupt_ends_a_child_that_is_stopped() {
    let (text, time) = stopped("stopped-interrupted", true);
    assert!(text.contains("interrupted after "), "{text}");
    assert!(time < Duration::from_secs(40), "{time:?}");
}

#[test]
fn what_cannot_be_written_is_shown_and_later_variants_still_run() {
    let folder = cli::scratch("stress/unwritable");
    let taken = cli::file(&folder, "taken", "");
    let variants = ["--variant", "rwsem", "--variant", "counted", "--seconds", "2"];
    let arguments = [&["stress", NESTED, "--results", &taken], &variants[..]].concat();
    let output = cli::run(&arguments);
    let (text, stderr) = (cli::stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{text}{stderr}");
    assert!(stderr.contains(&taken) && stderr.lines().count() == 1, "{stderr}");
    for word in ["\nrecursive-lock: ", "case:\n    variant rwsem\n", "\ncounted, writer-fair on"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let output = cli::run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(document["results"].as_array().expect("a list").len(), 2);
    let finding = &document["results"][0]["findings"][0];
    assert!(finding["case"].is_string() && finding["file"].is_null(), "{finding}");
}
