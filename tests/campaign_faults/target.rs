//! The `protocol` target in a process of its own, with what libFuzzer would do around it: it runs the
//! cases of a folder in random order until it is asked to end, and now and then one ends it.

use std::env;
use std::fs;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::target::protocol::{Input, init, run};
use kvm_lock_fuzz::target::{Features, knobs};

use crate::small_clone::{SmallClone, findings, shows};

/// The environment's word for the folder of cases; a process that has it is a target.
pub const POOL: &str = "FAULTS_POOL";
/// The same for the arguments that the campaign gave the target.
pub const ARGUMENTS: &str = "FAULTS_ARGUMENTS";
/// Name of the test that is the target, as its program takes it.
pub const NAME: &str = "target::a_process_of_its_own_stores_whole_findings";
/// The name of an input that ends the target.
pub const CRASH: &str = "crash-0123";
/// Executions between two inputs that end the target, about.
const BETWEEN_CRASHES: u32 = 2_000;

#[test]
fn a_process_of_its_own_stores_whole_findings() {
    if let Some(pool) = env::var_os(POOL) {
        fuzz(Path::new(&pool));
    }
    let clone = SmallClone::new("target", "exit 3");
    let folder = clone.root.join("collected");
    let mut command = Command::new(env::current_exe().expect("we run"));
    command.args(["--exact", NAME, "--nocapture"]).env(POOL, clone.pool());
    command.env(knobs::COLLECT, &folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut target = command.spawn().expect("it runs");
    let end = Instant::now() + Duration::from_secs(60);
    while findings(&folder).is_empty() {
        assert!(Instant::now() < end, "it finds something");
        thread::sleep(Duration::from_millis(5));
    }
    target.kill().expect("it runs still");
    target.wait().expect("it ends");
    for (name, path) in findings(&folder) {
        assert!(shows(&name, &path), "{name}");
    }
}

/// What a target does. It ends with its parent, so that no campaign has to wait for it.
fn fuzz(pool: &Path) -> ! {
    let arguments = env::var(ARGUMENTS).unwrap_or_default();
    let last = arguments.split(' ').next_back().unwrap_or_default();
    if last.ends_with(CRASH) {
        crash();
    }
    let cases: Vec<Vec<u8>> = fs::read_dir(pool)
        .expect("there is a pool")
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("it can be read"))
        .collect();
    let (parent, features) = (parent_id(), Features::new());
    let mut prng = Prng(process::id().into());
    init();
    for n in 1_u64.. {
        if parent_id() != parent {
            break;
        }
        run(Input(&cases[prng.below(cases.len() as u32) as usize]), &features);
        eprintln!("#{n}\tpulse");
        if prng.below(BETWEEN_CRASHES) == 0 && !arguments.is_empty() {
            let prefix = arguments.split("-artifact_prefix=").nth(1).expect("a prefix");
            let prefix = prefix.split(' ').next().unwrap_or_default();
            fs::write(format!("{prefix}{CRASH}"), CRASH).expect("it can be written");
            eprintln!("artifact_prefix='{prefix}'; Test unit written to {prefix}{CRASH}");
            crash();
        }
        thread::sleep(Duration::from_millis(2));
    }
    process::exit(0)
}

fn crash() -> ! {
    eprintln!("\nthread '<unnamed>' panicked at src/a.rs:1:2:\nplanted");
    process::exit(77)
}
