//! The program from the outside.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program with those arguments, in the repository, with nothing on its standard input.
pub fn command(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kvm-lock-fuzz"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it did.
pub fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program runs")
}

/// What it printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

/// Stdout of a command that must end with that code and say nothing on stderr.
#[track_caller]
pub fn expect(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(code), ""), "{arguments:?}");
    stdout(&output)
}

/// The same as the one JSON document that it must be.
#[track_caller]
pub fn json(code: i32, arguments: &[&str]) -> Value {
    let text = expect(code, arguments);
    let document: Value = serde_json::from_str(&text).expect("one JSON document");
    assert_eq!(document["format"], 1);
    assert!(document["results"].is_array(), "{text}");
    document
}

/// Bad usage or input: exit code 2, one line on stderr that holds these words, nothing on stdout.
#[track_caller]
pub fn refused(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert_eq!(stdout(&output), "", "{arguments:?}");
    assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?} says no {word:?}: {stderr}");
    }
}

/// A fresh folder, `suite/test`.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// Writes a file, and gives its path.
pub fn file(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    fs::write(folder.join(name), contents).expect("the file can be written");
    path(folder, name)
}

/// The path of a file.
pub fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("the path is UTF-8").to_string()
}
