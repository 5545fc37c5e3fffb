//! Commands as a document prints them, pasted into a shell in a folder that has what a clone has;
//! and the commands that the program has, as its `--help`s list them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::cli::{self, expect};

/// The commands below those words, each to its leaf.
pub fn commands(above: &[String]) -> Vec<Vec<String>> {
    let help = help(above);
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return vec![above.to_vec()] };
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|n| *n != "help");
    names.flat_map(|name| commands(&[above, &[name.to_string()]].concat())).collect()
}

/// The `--help` of a command.
pub fn help(command: &[String]) -> String {
    let words = command.iter().map(String::as_str).chain(["--help"]);
    expect(0, &words.collect::<Vec<_>>())
}

/// What takes long takes a second here.
pub fn brief(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    for i in 1..words.len() {
        if words[i - 1] == "--seconds" {
            words[i] = "1";
        }
    }
    words.join(" ")
}

/// Pastes the line into a shell in that folder, with the program on its path.
pub fn paste(folder: &Path, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_kvm-lock-fuzz")).parent().expect("it has a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).env("PATH", path).stdin(Stdio::null());
    shell.output().expect("sh runs")
}

/// Pastes a line of the program itself, shortened; what is wrong with how it ended. A command that
/// builds the fuzz targets is not run: a results folder that cannot be one ends it before the build
/// and after its arguments were understood.
pub fn mistake(clone: &Path, line: &str) -> Option<String> {
    let builds = line.starts_with("kvm-lock-fuzz campaign ");
    let output = match builds {
        true => paste(&super::path(""), &format!("{line} --results Cargo.toml")),
        false => paste(clone, &brief(line)),
    };
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let right = match builds {
        true => output.status.code() == Some(2) && stderr.contains("Cargo.toml"),
        false => matches!(output.status.code(), Some(0 | 1)),
    };
    (!right).then(|| format!("{line}: {}: {stderr}", output.status))
}

/// A folder with the files of a clone that examples read, and crashes as a fuzzer leaves them: the
/// bytes of a seed, which has to show something where a case is minimised.
pub fn clone(name: &str) -> PathBuf {
    let folder = cli::scratch(name);
    let corpus = fs::read_dir(super::path("corpus")).expect("the clone has it");
    let targets: Vec<_> = corpus.map(|entry| entry.expect("it can be read").file_name()).collect();
    for target in &targets {
        copy(&Path::new("corpus").join(target), &folder);
    }
    copy(Path::new("tests/vectors/lockdep"), &folder);
    for target in ["protocol", "lockdep"] {
        fs::create_dir_all(folder.join("fuzz/artifacts").join(target)).expect("it can be made");
    }
    let crash = super::seed("nested-behind-writer").encode();
    let file = folder.join("fuzz/artifacts/protocol/crash-0123");
    fs::write(file, crash).expect("it can be written");
    let encode = "kvm-lock-fuzz lockdep encode corpus/lockdep seeds";
    assert!(paste(&folder, encode).status.success(), "{encode}");
    let mut seeds = fs::read_dir(folder.join("seeds")).expect("it was written");
    let seed = seeds.next().expect("there is a seed").expect("it can be read").path();
    fs::copy(seed, folder.join("fuzz/artifacts/lockdep/crash-0123")).expect("it can be copied");
    folder
}

/// Copies a folder of the clone, which holds files only.
fn copy(below: &Path, to: &Path) {
    fs::create_dir_all(to.join(below)).expect("the folder can be made");
    for entry in fs::read_dir(super::path("").join(below)).expect("the clone has it") {
        let entry = entry.expect("it can be read");
        let file = to.join(below).join(entry.file_name());
        fs::copy(entry.path(), file).expect("it can be copied");
    }
}
