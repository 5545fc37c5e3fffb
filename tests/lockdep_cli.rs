//! `lockdep` from the outside: standard input, files without end, names that act on terminals.
#![cfg(feature = "cli")]

mod common;

use std::io::Write;
use std::process::Stdio;

use common::cli;
use serde_json::json;

/// The program with that text on its standard input: exit code, stdout, stderr.
fn fed(arguments: &[&str], text: &[u8]) -> (Option<i32>, String, String) {
    let mut command = cli::command(arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("it has an input").write_all(text).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), cli::stdout(&output), stderr)
}

fn recursive(name: &str) -> String {
    let class = format!("class A name={name}");
    let decl = [class.as_str(), "lock a A"];
    json!({"id": "r", "raw_lock_nesting": false, "decl": decl, "events": ["T acq a w", "T acq a w"]})
        .to_string()
}

#[test]
fn standard_input_is_a_file_like_others() {
    let text = format!("\n{}\n", recursive("A"));
    let (code, stdout, stderr) = fed(&["lockdep", "show", "-"], text.as_bytes());
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(stdout.contains("possible recursive locking detected"), "{stdout}");
    let (code, stdout, _) = fed(&["lockdep", "check", "-"], text.as_bytes());
    assert_eq!((code, stdout.lines().count()), (Some(0), 1));
    let (code, stdout, stderr) = fed(&["lockdep", "show", "-", "--id", "s\u{1b}"], text.as_bytes());
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert_eq!(stderr, "kvm-lock-fuzz: -: no record s\\u{1b}; `lockdep check` lists the ids\n");
}

#[test]
fn names_in_reports_and_pictures_do_not_act() {
    let text = recursive("\u{1b}[31m\u{7}\u{202e}");
    for form in ["6.1", "5.12", "dot", "svg"] {
        let (code, stdout, _) = fed(&["lockdep", "show", "-", "--as", form], text.as_bytes());
        assert_eq!(code, Some(1));
        let acts = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!stdout.contains(acts), "{form}: {stdout:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_end_is_refused() {
    let output = cli::run(&["lockdep", "show", "/dev/zero"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr, "kvm-lock-fuzz: /dev/zero: line 1 is over 67108864 bytes, split it\n");
    let output = cli::run(&["lockdep", "check", "/dev/zero"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 2), "{stderr}");
    assert!(stderr.ends_with("/dev/zero: over 1073741824 bytes, split the file\n"), "{stderr}");
}
