//! A clone in miniature: what a campaign looks for in one, with a script for each tool and target.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::target::{REGISTRY, collect};

use crate::target::{ARGUMENTS, NAME, POOL};

/// The variant whose findings the tests count: known bad, so that they leave the exit code alone, and
/// without predictions, whose witnesses take time.
pub const VARIANT: Variant = Variant::NaiveElision;
/// Cases that show one or more findings there.
const SEEDS: [&str; 3] = ["create-in-region", "delete-in-region", "move-in-region"];

/// A clone of one test.
pub struct SmallClone {
    pub root: PathBuf,
}

impl SmallClone {
    /// One whose targets begin with that script and then, unless it ends them, fuzz ([`crate::target`]).
    pub fn new(name: &str, script: &str) -> SmallClone {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults").join(name);
        let _ = fs::remove_dir_all(&root);
        let clone = SmallClone { root };
        clone.file("fuzz/Cargo.toml", "name = \"kvm-lock-fuzz-fuzz\"\n");
        clone.tools();
        for target in &REGISTRY {
            let options = format!("fuzz/fuzz_targets/{}.options", target.name);
            clone.file(&options, "[libfuzzer]\ntimeout = 1\n");
            clone.target(target.name, script);
        }
        for (i, case) in cases().iter().enumerate() {
            fs::create_dir_all(clone.pool()).expect("it can be made");
            fs::write(clone.pool().join(i.to_string()), case.encode()).expect("it can be written");
        }
        clone
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(&path, text).expect("it can be written");
        path
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.file(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("it is ours");
    }

    /// What builds the targets: they are there.
    fn tools(&self) {
        let folder =
            format!("{{\"target_directory\": \"{}\"}}", self.root.join("target").display());
        self.script("bin/cargo", &format!("[ $1 = metadata ] && echo '{folder}'; exit 0"));
        self.script("bin/rustc", "echo 'host: small'");
        self.script("bin/c++", "exit 0");
    }

    fn target(&self, name: &str, script: &str) {
        let (pool, program) = (self.pool(), env::current_exe().expect("we run"));
        let (pool, program) = (pool.display(), program.display());
        // The others are as `protocol`, and collect nothing.
        let fuzz = format!(
            "{ARGUMENTS}=\"$*\" {POOL}='{pool}' exec '{program}' --exact {NAME} --nocapture"
        );
        let text = format!("[ \"$1\" = -help=1 ] && exit 0\n{script}\n{fuzz}");
        self.script(&format!("target/fuzz/small/release/{name}"), &text);
    }

    /// The folder of the cases that targets run.
    pub fn pool(&self) -> PathBuf {
        self.root.join("pool")
    }

    pub fn results(&self) -> PathBuf {
        self.root.join("results")
    }

    /// A command in the clone, with its tools.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.root.join("bin").display()));
        command.env("CARGO", self.root.join("bin/cargo")).env_remove("CXX");
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// What the targets of all campaigns left: findings, and inputs that ended one.
    pub fn found(&self) -> BTreeMap<String, PathBuf> {
        let mut found = findings(&self.root.join("fuzz"));
        found.extend(files(&self.root.join("fuzz")).into_iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_string();
            name.starts_with("crash-").then_some((name, path))
        }));
        found
    }
}

/// The arguments of a campaign over the variant of the tests, for a second.
pub fn arguments() -> [String; 5] {
    ["campaign", "--seconds", "1", "--variant", VARIANT.name()].map(String::from)
}

/// Cases of the variant that show something, each alone and with a task more, so that smaller ones
/// replace larger ones.
fn cases() -> Vec<Case> {
    let read = |name: &&str| {
        let path = format!("{}/corpus/protocol/{name}.case", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).expect("it is a seed");
        let longer = format!("{text}\ntask further fault gfn 0x00\n");
        [text, longer].map(|text| text.parse::<Case>().expect("it is a case"))
    };
    let mut cases: Vec<Case> = SEEDS.iter().flat_map(read).collect();
    cases.iter_mut().for_each(|case| case.variant = VARIANT);
    cases.retain(|case| !Runner::new().run(case, &Options::of(case)).findings.is_empty());
    assert!(cases.len() > SEEDS.len(), "they show something");
    cases
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}

/// What a campaign said on stderr beside its first findings.
pub fn complaints(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr).into_owned();
    let first = format!(" s: {}, ", VARIANT.name());
    text.lines().filter(|line| !line.contains(&first)).map(|line| format!("{line}\n")).collect()
}

/// The findings below a folder, by name.
pub fn findings(folder: &Path) -> BTreeMap<String, PathBuf> {
    let named = files(folder).into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_string();
        collect::parse_file_name(&name).map(|_| (name, path))
    });
    named.collect()
}

/// Whether the file is whole and shows the finding of that name.
pub fn shows(name: &str, path: &Path) -> bool {
    let (_, signature) = collect::parse_file_name(name).expect("it is a finding");
    let bytes = fs::read(path).expect("it can be read");
    let case = Case::decode(&bytes);
    let outcome = Runner::new().run(&case, &Options::of(&case)).clone();
    case.encode() == bytes && outcome.findings.iter().any(|f| f.signature == signature)
}
