//! Disks that become full or read-only while a campaign fuzzes.
//!
//! A file system of 5 MiB stands for the disk. Mounting one takes root or a system that gives its users
//! namespaces of their own; a limit on the size of files takes neither.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kvm_lock_fuzz::campaign::stats;
use serde_json::Value;

use crate::small_clone::{SmallClone, arguments, complaints, files};

/// What makes the disk full, and what makes it read-only.
const FULL: &str = "head -c 6m /dev/zero >\"$DISK/filler\" 2>/dev/null";
const READ_ONLY: &str = "mount --bind \"$DISK\" \"$DISK\" && mount -o remount,ro,bind \"$DISK\"";
/// Mounts the disk, runs the campaign, and keeps what is on the disk then.
const MOUNTED: &str = "mkdir -p \"$DISK\" && mount -t tmpfs -o size=5m none \"$DISK\" || exit 99
\"$@\"; code=$?; mkdir -p \"$LEFT\"; cp -a \"$DISK/.\" \"$LEFT\"; exit $code";
/// Runs the campaign with files of 4 KiB at most, which is an error and no signal.
const LIMITED: &str = "trap '' XFSZ; ulimit -f 8; exec \"$@\"";

/// What a campaign printed, and what was on its disk at the end.
struct Ran {
    clone: SmallClone,
    output: Output,
    left: PathBuf,
}

/// A campaign with that folder on a disk of its own, whose targets do `what` to it first. None where
/// nothing can be mounted.
fn on_a_disk(name: &str, folder: &str, what: &str) -> Option<Ran> {
    let namespace = ["--user", "--map-root-user", "--mount"];
    let mut probe = Command::new("unshare");
    probe.args(namespace).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
    if !probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("not run: neither root nor a user namespace that may mount a disk");
        return None;
    }
    let clone = SmallClone::new(name, what);
    let (disk, left) = (clone.root.join(folder), clone.root.join("left"));
    let mut command = clone.command("unshare");
    command.args(namespace).args(["sh", "-c", MOUNTED, "sh"]);
    command.arg(env!("CARGO_BIN_EXE_kvm-lock-fuzz")).args(arguments());
    let output = command.env("DISK", disk).env("LEFT", &left).output().expect("it runs");
    Some(Ran { clone, output, left })
}

impl Ran {
    fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).expect("UTF-8")
    }

    /// Exit code 2 and one line about what could not be written and how to mend that.
    #[track_caller]
    fn ends_with(&self, words: &[&str]) {
        let stderr = complaints(&self.output.stderr);
        assert_eq!(self.output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{stderr}");
    }

    /// What was found is in the table, with commands for the cases that are in no file; pasted, each
    /// shows its finding.
    #[track_caller]
    fn shows_unsaved(&self) {
        let (stdout, program) = (self.stdout(), env!("CARGO_BIN_EXE_kvm-lock-fuzz"));
        let said = ": its case could not be written; this shows it:\ncargo run --release -- ";
        let parts: Vec<&str> = stdout.split(said).collect();
        assert!(parts.len() > 1, "{stdout}");
        for (before, block) in parts.iter().zip(&parts[1..]) {
            let kind = before.rsplit(", ").next().expect("the kind");
            let end = "\nEND-OF-CASE\n";
            let (block, _) = block.split_once(end).expect("it ends");
            let pasted = format!("{program} {block}{end}");
            let run = Command::new("sh").args(["-c", &pasted]).output().expect("it runs");
            let shown = String::from_utf8_lossy(&run.stdout).into_owned();
            assert!(shown.contains(&format!("\n{kind}")), "{pasted}\n{shown}");
        }
    }

    /// What was found is in the results.
    #[track_caller]
    fn is_in_results(&self) {
        let text = fs::read_to_string(self.clone.results().join("results.json"));
        let document: Value = serde_json::from_str(&text.expect("they are there")).expect("JSON");
        let findings = document["results"][0]["findings"].as_array().expect("a list").clone();
        assert!(!findings.is_empty(), "{document}");
        for finding in findings {
            let file = finding["file"].as_str().expect("a file");
            let text = fs::read(self.clone.root.join(file)).expect("it is there");
            // The input of a crash is a file, and no case.
            let case = finding["case"].as_str().unwrap_or_default();
            assert!(!case.is_empty() || finding["kind"] == "crash", "{finding}");
            assert!(text.ends_with(case.as_bytes()), "{file}");
        }
    }

    /// No empty input and no draft is left. (Statistics that found no room are empty.)
    #[track_caller]
    fn is_tidy(&self) {
        let empty = |path: &PathBuf| fs::metadata(path).is_ok_and(|meta| meta.len() == 0);
        let draft = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "part");
        let all = files(&self.left).into_iter().filter(|path| empty(path) || draft(path));
        let all: Vec<_> =
            all.filter(|path| !is_lock(path) && !path.ends_with(stats::NAME)).collect();
        assert!(all.is_empty(), "{all:?}");
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "lock")
}

#[test]
fn results_on_a_disk_that_fills_up_are_printed() {
    let Some(ran) = on_a_disk("results-full", "results", FULL) else { return };
    ran.ends_with(&["results/", "No space left", "free some space"]);
    ran.shows_unsaved();
    ran.is_tidy();
}

#[test]
fn results_that_become_read_only_are_printed() {
    let Some(ran) = on_a_disk("results-read-only", "results", READ_ONLY) else { return };
    ran.ends_with(&["results/", "Read-only", "name another place"]);
    ran.shows_unsaved();
}

#[test]
fn a_corpus_that_fills_up_ends_the_fuzzing_and_costs_no_finding() {
    // As libFuzzer, which does not look whether its files could be written.
    let inputs = "for last; do mkdir -p \"$DISK/campaign/protocol/naive-elision\"; done; \
                  : >\"$DISK/campaign/protocol/naive-elision/0123\"; sleep 0.3";
    let script = format!("{FULL}; {inputs}");
    let Some(ran) = on_a_disk("corpus-full", "fuzz/corpus", &script) else { return };
    ran.ends_with(&["cannot write to", "corpus", "No space left", "free some space"]);
    assert!(ran.stdout().contains(", stopped: cannot write to"), "{}", ran.stdout());
    ran.is_in_results();
    ran.is_tidy();
}

#[test]
fn findings_on_a_disk_that_is_full_reach_the_results() {
    let Some(ran) = on_a_disk("artifacts-full", "fuzz/artifacts", FULL) else { return };
    ran.ends_with(&["cannot write to", "artifacts", "No space left", "free some space"]);
    ran.is_in_results();
    ran.is_tidy();
}

#[test]
fn findings_that_cannot_be_stored_reach_the_results() {
    let name = "artifacts-read-only";
    let Some(ran) = on_a_disk(name, "fuzz/artifacts", READ_ONLY) else { return };
    ran.ends_with(&["cannot write to", "artifacts", "Read-only", "name another place"]);
    ran.is_in_results();
}

#[test]
fn results_that_are_too_large_are_printed() {
    let clone = SmallClone::new("limited", "");
    let mut command = clone.command("sh");
    command.args(["-c", LIMITED, "sh", env!("CARGO_BIN_EXE_kvm-lock-fuzz")]).args(arguments());
    let (output, left) = (command.output().expect("it runs"), clone.results());
    let ran = Ran { clone, output, left };
    ran.ends_with(&["results.json", "File too large", "ulimit -f"]);
    assert!(ran.stdout().contains("memslots-not-frozen"), "{}", ran.stdout());
    ran.is_tidy();
}
