//! Building the fuzz targets: plain cargo with the flags that cargo-fuzz gives it, so that nothing
//! else has to be there.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::tree::{Tree, cargo};
use super::{Error, Sanitizer};
use crate::target::{REGISTRY, knobs};

/// What makes a build a fuzz target's: the flags that cargo-fuzz gives for `build --release
/// --debug-assertions --no-trace-compares --strip-dead-code`, without the depth of the stack, which no
/// option here uses. They need a `--target`, because without one they reach the build scripts.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Cdebug-assertions",
];
/// How often a build is looked after.
const TICK: Duration = Duration::from_millis(20);

/// Builds every target and returns the folder of the binaries. `ended` ends the build early.
pub(super) fn targets(
    tree: &Tree,
    sanitizer: Sanitizer,
    ended: &dyn Fn() -> bool,
) -> Result<PathBuf, Error> {
    let host = host()?;
    compiler()?;
    let folder = tree.target()?.join("fuzz");
    let binaries = folder.join(&host).join("release");
    remove_damaged(&binaries)?;
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &host]);
    build.arg("--target-dir").arg(&folder).current_dir(&tree.root);
    build.env("RUSTFLAGS", flags(sanitizer)).env_remove("CARGO_ENCODED_RUSTFLAGS");
    let mend = match sanitizer {
        Sanitizer::None => "what cargo said is above",
        Sanitizer::Address => "the address sanitizer needs a nightly toolchain",
    };
    quietly(&mut build, ended, &format!("cannot build the fuzz targets: {mend}"))?;
    Ok(binaries)
}

/// The flags of the targets, and the user's.
fn flags(sanitizer: Sanitizer) -> String {
    let address = match sanitizer {
        Sanitizer::None => None,
        Sanitizer::Address => Some("-Zsanitizer=address".to_string()),
    };
    let ours = FLAGS.map(str::to_string).into_iter().chain(address);
    ours.chain(env::var("RUSTFLAGS")).collect::<Vec<_>>().join(" ")
}

/// LibFuzzer is C++: without a compiler the build would fail after a hundred lines.
fn compiler() -> Result<(), Error> {
    let cxx = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    // It may come with arguments of its own.
    let cxx = cxx.to_string_lossy();
    let program = cxx.split_whitespace().next().unwrap_or("c++");
    if ["c++", "g++", "clang++"].iter().chain([&program]).any(|cxx| runs(cxx, "--version")) {
        return Ok(());
    }
    Err(Error::Missing("no C++ compiler for the fuzz targets: install g++ or clang++".to_string()))
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

fn host() -> Result<String, Error> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|e| {
        Error::Missing(format!("cannot run rustc: {e}; install Rust from rustup.rs"))
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_string).ok_or_else(|| Error::Tool("rustc -vV names no host".to_string()))
}

/// Runs a tool whose words matter when it fails. It is no part of our group of processes, so that it
/// can be ended with all that it has started.
fn quietly(command: &mut Command, ended: &dyn Fn() -> bool, failure: &str) -> Result<(), Error> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let failed = |e: io::Error| Error::Tool(format!("{failure}: {e}"));
    let mut child = command.spawn().map_err(failed)?;
    let stderr = child.stderr.take();
    let words = thread::spawn(move || {
        let mut words = Vec::new();
        // What can be read until then is all there is to say.
        let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut words));
        words
    });
    let Some(status) = waited(&mut child, ended).map_err(failed)? else {
        return Err(Error::Interrupted);
    };
    if status.success() {
        return Ok(());
    }
    eprint!("{}", String::from_utf8_lossy(&words.join().unwrap_or_default()));
    Err(Error::Tool(failure.to_string()))
}

/// Waits for the end of a child; `None` where `ended` came first, and ended it.
fn waited(child: &mut Child, ended: &dyn Fn() -> bool) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if ended() {
            // A group that has just ended can not be killed, and need not be.
            let _ = i32::try_from(child.id()).map(|id| killpg(Pid::from_raw(id), Signal::SIGKILL));
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(TICK);
    }
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
