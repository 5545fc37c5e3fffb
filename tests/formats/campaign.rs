//! Campaigns whose targets are shell scripts, so that nothing is built: what they find, and targets
//! that do not do their work.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kvm_lock_fuzz::campaign::{Plan, Sanitizer, Tree, Workers, results, run_built};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::target::{self, collect};
use serde_json::Value;

use crate::common::{self, cli};

static STOP: AtomicBool = AtomicBool::new(false);

/// The JSON of a campaign.
pub struct Ran {
    /// What `campaign --json` prints.
    pub printed: Value,
    /// `results.json`.
    pub results: Value,
    /// The JSON beside the case of each finding.
    pub findings: Vec<Value>,
}

/// A target that says what libFuzzer says, and works until it is interrupted.
const WORKS: &str = "echo 'INFO: Loaded 1 modules   (5245 inline 8-bit counters): 5245 [0, 1),' >&2
echo '#64 pulse' >&2; trap 'exit 72' INT; while :; do sleep 0.05; done";
/// One that a single input ends.
const CRASHES: &str = "for last; do :; done; case $last in */crash-*) \
    echo \"thread 'x' panicked at src/a.rs:1:2:\" >&2; echo 'it broke' >&2; exit 77;; esac";

/// A worker whose random cases show nothing.
const RANDOM_FINDS_NOTHING: &str = "while read -r order; do sleep 0.01; echo '\"done\"'; done";

/// One campaign over all variants, with a finding that cannot hang, findings that hang, a crash and a
/// target that dies; one with planted bugs, of which one is found.
pub fn reports() -> &'static [Ran] {
    static RAN: LazyLock<Vec<Ran>> = LazyLock::new(run);
    &RAN
}

const ALL: usize = usize::MAX;

fn run() -> Vec<Ran> {
    let nested = collects("nested-behind-writer.case", &common::seed("nested-behind-writer"), ALL);
    let region = collects("region.case", &rwsem(common::seed("region")), ALL);
    let starved = collects("starved-update.case", &common::seed("starved-update"), ALL);
    let variants = format!(
        "case $KVM_LOCK_FUZZ_VARIANT in rwsem) {nested}\n{region};; counted) {starved};; \
         always-lock) exit 3;; esac\n{WORKS}"
    );
    let bug = common::load(&common::path("tests/cases/bugs/B11.case"));
    // A target whose bug has shown is ended, so that what else it collects is a race.
    let bugs =
        format!("case $KVM_LOCK_FUZZ_BUG in B11) {};; esac\n{WORKS}", collects("B11", &bug, 1));
    let planted = ["B11", "B50"].map(|id| Bug::from_id(id).expect("it is registered"));
    vec![campaign("variants", &variants, Vec::new()), campaign("bugs", &bugs, planted.to_vec())]
}

fn rwsem(case: Case) -> Case {
    Case { variant: Variant::Rwsem, ..case }
}

/// Shell commands that collect findings of the case, as a target that ran it does.
fn collects(name: &str, case: &Case, most: usize) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = cli::file(folder, &format!("collected-{name}"), case.encode());
    let mut runner = Runner::new();
    let findings = &runner.run(case, &Options::of(case)).findings;
    let names = findings.iter().take(most).map(|f| collect::file_name(f.kind, f.signature));
    let copies = names.map(|name| format!("cp '{file}' \"$KVM_LOCK_FUZZ_COLLECT/{name}\""));
    copies.collect::<Vec<_>>().join("; ")
}

fn campaign(name: &str, protocol: &str, bugs: Vec<Bug>) -> Ran {
    let root = cli::scratch(&format!("formats/campaign-{name}"));
    let glue = root.join("fuzz/fuzz_targets");
    fs::create_dir_all(&glue).expect("the folder can be made");
    let crashes = format!("{CRASHES}\n{WORKS}");
    for (target, script) in [("protocol", protocol), ("lockdep", &crashes)] {
        let options = glue.join(format!("{target}.options"));
        fs::write(options, "[libfuzzer]\ntimeout = 10\n").expect("it can be written");
        executable(&root.join(target), script);
    }
    executable(&root.join("worker"), RANDOM_FINDS_NOTHING);
    let crashed = root.join("fuzz/artifacts/campaign/lockdep");
    fs::create_dir_all(&crashed).expect("the folder can be made");
    fs::write(crashed.join("crash-0123"), "input").expect("it can be written");
    let plan = Plan {
        time: Duration::from_secs(4),
        runs: None,
        seeds: true,
        variants: Variant::ALL.to_vec(),
        targets: ["protocol", "lockdep"].map(|t| target::find(t).expect("it is there")).to_vec(),
        bugs,
        jobs: 5,
        workers: Workers { program: root.join("worker"), limit: Duration::from_secs(10) },
        seed: 1,
        results: root.join("results"),
        sanitizer: Sanitizer::None,
    };
    let tree = Tree { root: root.clone() };
    let report = run_built(&tree, &root, &plan, &STOP).expect("the campaign runs");
    let printed = results::document(&plan.results, &report).text();
    Ran {
        printed: json(&printed),
        results: json(&read(&plan.results.join("results.json"))),
        findings: findings(&plan.results).iter().map(|file| json(&read(file))).collect(),
    }
}

fn executable(file: &Path, script: &str) {
    // In the background interrupts are ignored; a target takes them all the same.
    let shell = "#!/usr/bin/env -S --default-signal=INT sh";
    fs::write(file, format!("{shell}\n{script}\n")).expect("it can be written");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// The JSON files below the folders of a results folder.
fn findings(results: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.expect("it can be read").path()).collect::<Vec<_>>()
    };
    let files = list(results).into_iter().filter(|path| path.is_dir()).flat_map(|arm| list(&arm));
    files.filter(|file| file.extension().is_some_and(|e| e == "json")).collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}
