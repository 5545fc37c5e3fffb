//! What OSS-Fuzz's base-runner checks of a build, without its images: the targets are found by
//! their symbol, run from a folder that was moved, and their seeds replay.

// They build the fuzz targets: a minute or two, and a C++ compiler.
#![cfg(feature = "fuzz-tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kvm_lock_fuzz::target::REGISTRY;

/// The text by which OSS-Fuzz finds targets.
const SYMBOL: &[u8] = b"LLVMFuzzerTestOneInput";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn target_folder() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    metadata["target_directory"].as_str().expect("is a path").into()
}

/// Runs the build script into a folder, then moves the folder: hard-coded paths break.
fn built() -> PathBuf {
    let scratch = target_folder().join("oss-fuzz");
    let (out, moved) = (scratch.join("out"), scratch.join("elsewhere"));
    for folder in [&out, &moved] {
        let _ = fs::remove_dir_all(folder);
    }
    fs::create_dir_all(&out).expect("the folder can be made");
    let path = std::env::var("PATH").expect("there is a path");
    let tools = target_folder().join("cargo-fuzz/bin");
    let status = Command::new(root().join("fuzz/oss-fuzz-build.sh"))
        .env("OUT", &out)
        .env("SANITIZER", "none")
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        .env("PATH", format!("{}:{path}", tools.display()))
        .stdin(Stdio::null())
        .status()
        .expect("the script runs");
    assert!(
        status.success(),
        "fuzz/oss-fuzz-build.sh; it needs cargo-fuzz, which .ci/run installs"
    );
    fs::rename(&out, &moved).expect("the folder can be moved");
    moved
}

/// Runs a target as the base-runner does: from elsewhere, without input or knobs.
fn run(target: &Path, arguments: &[&str]) -> Output {
    Command::new(target)
        .args(["-rss_limit_mb=2560", "-timeout=25"])
        .args(arguments)
        .current_dir("/")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the target runs")
}

fn log(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_base_runner_accepts_the_build() {
    let out = built();
    let found: Vec<PathBuf> = executables(&out);
    assert_eq!(found.len(), REGISTRY.len(), "targets found by their symbol: {found:?}");
    for target in &found {
        starts(target);
        replays_its_seeds(&out, target);
    }
    let protocol = fs::read(out.join("protocol")).expect("there is a protocol");
    for kind in ["violation_lock_order", "violation_deadlock", "violation_stale_mapping"] {
        assert!(contains(&protocol, kind.as_bytes()), "crash grouping finds no {kind}");
    }
}

/// Executables that contain the symbol's text.
fn executables(out: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let entries = fs::read_dir(out).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_executable =
        |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
    let is_target = |path: &PathBuf| contains(&fs::read(path).expect("it can be read"), SYMBOL);
    paths.filter(is_executable).filter(is_target).collect()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn starts(target: &Path) {
    let output = run(target, &["-seed=1337", "-runs=4"]);
    let log = log(&output);
    assert!(output.status.success(), "{}: {log}", target.display());
    assert!(log.contains("Done 4 runs in"), "{log}");
    assert!(!log.contains("no interesting inputs"), "{log}");
}

fn replays_its_seeds(out: &Path, target: &Path) {
    let name = target.file_name().and_then(|name| name.to_str()).expect("a name");
    let zip = out.join(format!("{name}_seed_corpus.zip"));
    assert_eq!(zip.is_file(), root().join("corpus").join(name).is_dir(), "seeds of {name}");
    if !zip.is_file() {
        return;
    }
    let seeds = out.join(format!("{name}_seeds"));
    let unzip = Command::new("unzip").arg("-q").arg(&zip).arg("-d").arg(&seeds).status();
    assert!(unzip.expect("unzip runs").success(), "{}", zip.display());
    assert!(fs::read_dir(&seeds).expect("the seeds are there").count() > 0);
    let output = run(target, &["-runs=0", seeds.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "seeds of {name}: {}", log(&output));
}
