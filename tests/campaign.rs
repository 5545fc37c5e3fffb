//! The campaign, from the outside: it survives a kill, goes on where it stopped, and finds a
//! planted bug from nothing.

// They build the fuzz targets: a minute or two, and a C++ compiler.
#![cfg(feature = "fuzz-tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Campaigns share the working folders of the tree, so the tests take turns.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn results(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn campaign(results: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kvm-lock-fuzz"));
    command.arg("campaign").args(arguments).args(["--seed", "1", "--json", "--results"]);
    command.arg(results).current_dir(root()).stdin(Stdio::null());
    command.stdout(Stdio::piped());
    command
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

fn wait_for(what: &str, time: Duration, is_there: impl Fn() -> bool) {
    let end = Instant::now() + time;
    while !is_there() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a campaign and waits until it fuzzes.
fn fuzzing(results: &Path, artifacts: &Path) -> (Child, Vec<u32>) {
    let found = || fs::read_dir(artifacts).is_ok_and(|mut entries| entries.next().is_some());
    let arguments = ["--seconds", "60", "--no-seeds", "--variant", "rwsem"];
    let child = campaign(results, &arguments).spawn().expect("the campaign starts");
    wait_for("a finding", Duration::from_secs(600), found);
    let pids = children(child.id());
    assert!(!pids.is_empty(), "targets run as children");
    (child, pids)
}

#[test]
fn a_kill_loses_nothing_and_leaves_nobody_behind() {
    let _turn = TURN.lock();
    let results = results("kill");
    let artifacts = root().join("fuzz/artifacts/no-seeds/protocol/rwsem");
    let _ = fs::remove_dir_all(root().join("fuzz/artifacts/no-seeds"));
    let (mut child, pids) = fuzzing(&results, &artifacts);
    child.kill().expect("the campaign can be killed");
    child.wait().expect("it is gone");
    assert!(!results.join("results.json").exists(), "no results before the end");
    let alive = || pids.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists());
    wait_for("the children end by themselves", Duration::from_secs(20), || !alive());
    for entry in fs::read_dir(&artifacts).expect("findings are on disk") {
        let path = entry.expect("an entry").path();
        let run = Command::new(env!("CARGO_BIN_EXE_kvm-lock-fuzz")).arg("run").arg(&path).output();
        let run = run.expect("the case runs");
        assert_eq!(run.status.code(), Some(1), "{}: a whole case that fires", path.display());
    }
}

#[test]
fn a_planted_bug_is_found_from_nothing() {
    let _turn = TURN.lock();
    let results = results("bug");
    let arguments = ["--bug", "B11", "--seconds", "20", "--no-seeds"];
    let output = campaign(&results, &arguments).output().expect("the campaign runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let document: serde_json::Value = serde_json::from_str(&text).expect("stdout is JSON");
    assert_eq!(document["results"][0]["bug_found"], true, "{text}");
    let file = document["results"][0]["findings"][0]["file"].as_str().expect("a file");
    assert!(Path::new(file).is_file(), "{file}");
}

#[test]
fn a_second_campaign_goes_on_from_the_first() {
    let _turn = TURN.lock();
    let results = results("resume");
    let arguments = ["--seconds", "4", "--variant", "rwsem"];
    for _ in 0..2 {
        let output = campaign(&results, &arguments).output().expect("the campaign runs");
        assert_eq!(output.status.code(), Some(0), "rwsem is known bad");
    }
    let text = fs::read_to_string(results.join("results.json")).expect("there are results");
    let document: serde_json::Value = serde_json::from_str(&text).expect("they are JSON");
    let findings = document["results"][0]["findings"].as_array().expect("a list");
    answered(findings);
    let earlier = findings.iter().filter(|finding| finding.get("seconds").is_none());
    assert!(earlier.count() > 0, "findings of the first campaign are known to the second");
}

/// Predicted cycles, and nothing else, have answers; what is said to hang is on disk.
#[track_caller]
fn answered(findings: &[serde_json::Value]) {
    let predicts =
        |f: &serde_json::Value| f["kind"] == "lock-order" || f["kind"] == "recursive-lock";
    assert!(findings.iter().any(predicts), "the rwsem scheme makes lockdep complain");
    for finding in findings {
        assert_eq!(finding["witness"].is_object(), predicts(finding), "{finding}");
        if let Some(case) = finding["witness"]["case"].as_str() {
            let file = finding["witness"]["file"].as_str().expect("a file");
            let text = fs::read_to_string(file).expect("it was written");
            assert!(text.ends_with(case), "{file}");
        }
    }
}
