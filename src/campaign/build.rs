//! Building the fuzz targets with cargo-fuzz, which is installed below the target folder where
//! the pinned version is missing.

use std::ffi::OsStr;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::tree::{Tree, cargo};
use super::{Error, Sanitizer};

/// The cargo-fuzz that the project is used and tested with.
pub const CARGO_FUZZ: &str = "0.13.2";

/// Builds every target and returns the folder of the binaries.
pub fn targets(tree: &Tree, sanitizer: Sanitizer, stop: &AtomicBool) -> Result<PathBuf, Error> {
    let cargo_fuzz = cargo_fuzz(tree, stop)?;
    let host = host()?;
    let folder = tree.target.join("fuzz");
    let mut build = Command::new(cargo_fuzz);
    build.args(["build", "--release", "--debug-assertions", "--no-trace-compares"]);
    build.args(["--sanitizer", sanitizer.name(), "--target", &host, "--target-dir"]);
    build.arg(&folder).current_dir(&tree.root);
    let mend = match sanitizer {
        Sanitizer::None => "they need a C++ compiler (g++ or clang++) beside cargo",
        Sanitizer::Address => "the address sanitizer needs a nightly toolchain",
    };
    quietly(&mut build, stop, &format!("cannot build the fuzz targets: {mend}"))?;
    Ok(folder.join(host).join("release"))
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
    let output = output.map_err(|e| Error::Tool(format!("cannot run rustc: {e}")))?;
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
