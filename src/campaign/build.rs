//! Building the fuzz targets with cargo-fuzz, which is installed below the target folder where
//! the pinned version is missing.

use std::ffi::OsStr;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::tree::{Tree, cargo};
use super::{Error, Sanitizer};
use crate::target::{REGISTRY, knobs};

/// The cargo-fuzz that the project is used and tested with.
pub const CARGO_FUZZ: &str = "0.13.2";

/// Builds every target and returns the folder of the binaries.
pub fn targets(tree: &Tree, sanitizer: Sanitizer, stop: &AtomicBool) -> Result<PathBuf, Error> {
    let host = host()?;
    compiler()?;
    let cargo_fuzz = cargo_fuzz(tree, stop)?;
    let folder = tree.target.join("fuzz");
    let binaries = folder.join(&host).join("release");
    remove_damaged(&binaries)?;
    let mut build = Command::new(cargo_fuzz);
    build.args(["build", "--release", "--debug-assertions", "--no-trace-compares"]);
    build.args(["--sanitizer", sanitizer.name(), "--target", &host, "--target-dir"]);
    build.arg(&folder).current_dir(&tree.root);
    let mend = match sanitizer {
        Sanitizer::None => "they need a C++ compiler (g++ or clang++) beside cargo",
        Sanitizer::Address => "the address sanitizer needs a nightly toolchain",
    };
    quietly(&mut build, stop, &format!("cannot build the fuzz targets: {mend}"))?;
    Ok(binaries)
}

/// LibFuzzer is C++: without a compiler the build would fail after a hundred lines.
fn compiler() -> Result<(), Error> {
    let cxx = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    // It may come with arguments of its own.
    let cxx = cxx.to_string_lossy();
    let program = cxx.split_whitespace().next().unwrap_or("c++");
    if ["c++", "g++", "clang++"].iter().chain([&program]).any(|cxx| runs(cxx, "--version")) {
        return Ok(());
    }
    Err(Error::Tool(
        "cannot build the fuzz targets: no C++ compiler: install g++ or clang++".to_string(),
    ))
}

/// Whether the program starts and succeeds.
fn runs(program: impl AsRef<OsStr>, argument: &str) -> bool {
    let mut command = Command::new(program);
    knobs::ALL.iter().for_each(|knob| {
        command.env_remove(knob);
    });
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Removes targets that do not start, because cargo takes a file that is there for the one it made.
fn remove_damaged(binaries: &Path) -> Result<(), Error> {
    for target in &REGISTRY {
        let binary = binaries.join(target.name);
        if !binary.exists() || runs(&binary, "-help=1") {
            continue;
        }
        let deps = fs::read_dir(binaries.join("deps")).into_iter().flatten();
        let name = |path: &PathBuf| path.file_stem().is_some_and(|stem| is_of(target.name, stem));
        let linked = deps.filter_map(|entry| Some(entry.ok()?.path())).filter(name);
        for file in linked.chain([binary]) {
            fs::remove_file(&file).map_err(Error::file("remove", &file))?;
        }
    }
    Ok(())
}

/// Whether cargo's file of that name, its hash aside, is the target's.
fn is_of(target: &str, stem: &OsStr) -> bool {
    stem.to_string_lossy().rsplit_once('-').is_some_and(|(name, _)| name == target)
}

/// The pinned cargo-fuzz: ours, the user's if it is that version, or freshly installed.
fn cargo_fuzz(tree: &Tree, stop: &AtomicBool) -> Result<PathBuf, Error> {
    let root = tree.target.join("cargo-fuzz");
    let ours = root.join("bin/cargo-fuzz");
    for candidate in [ours.as_path(), Path::new("cargo-fuzz")] {
        if version(candidate.as_os_str()).as_deref() == Some(CARGO_FUZZ) {
            return Ok(candidate.to_path_buf());
        }
    }
    let mut install = Command::new(cargo());
    install.args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ, "--root"]);
    install.arg(&root).env_remove("CARGO_TARGET_DIR").current_dir(&tree.root);
    let mend = "the network or crates.io may be out of reach; install it yourself with";
    let what = format!(
        "cannot install cargo-fuzz: {mend} `cargo install cargo-fuzz --locked --version \
         {CARGO_FUZZ}`"
    );
    quietly(&mut install, stop, &what)?;
    Ok(ours)
}

fn version(cargo_fuzz: &OsStr) -> Option<String> {
    let output = Command::new(cargo_fuzz).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().strip_prefix("cargo-fuzz ")?.to_string())
}

fn host() -> Result<String, Error> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output
        .map_err(|e| Error::Tool(format!("cannot run rustc: {e}; install Rust from rustup.rs")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_string).ok_or_else(|| Error::Tool("rustc -vV names no host".to_string()))
}

/// Runs a tool whose words matter to a terminal, or when it fails.
fn quietly(command: &mut Command, stop: &AtomicBool, failure: &str) -> Result<(), Error> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let told = stderr().is_terminal();
    if told {
        command.stderr(Stdio::inherit());
    }
    let output = command.output().map_err(|e| Error::Tool(format!("{failure}: {e}")))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    if output.status.success() {
        return Ok(());
    }
    if !told {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Err(Error::Tool(failure.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_does_not_start_is_made_again() {
        let name = format!("damaged-targets-{}", std::process::id());
        let binaries = std::env::temp_dir().join(name);
        let deps = binaries.join("deps");
        fs::create_dir_all(&deps).expect("the folder can be made");
        let [damaged, fine, _] = &REGISTRY;
        fs::write(deps.join(format!("{}-0a1b", damaged.name)), "").expect("it can be written");
        fs::write(binaries.join(damaged.name), "").expect("it can be written");
        std::os::unix::fs::symlink("/bin/true", binaries.join(fine.name)).expect("a link");
        let other = deps.join(format!("{}-0a1b", fine.name));
        fs::write(&other, "").expect("it can be written");
        remove_damaged(&binaries).expect("they can be removed");
        assert!(!binaries.join(damaged.name).exists(), "the emptied one goes");
        assert_eq!(
            fs::read_dir(&deps).expect("a folder").count(),
            1,
            "and what cargo linked it to"
        );
        assert!(binaries.join(fine.name).exists() && other.exists(), "what starts stays");
        fs::remove_dir_all(&binaries).expect("the folder can be removed");
    }
}
