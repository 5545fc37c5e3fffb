//! The schema of every JSON document that a command prints or a campaign writes, compared with
//! `tests/golden/json/COMMAND.txt`. The commands are those of the program's own help: one with `--json`
//! and without outputs here fails. The outputs are real ones, of inputs that reach the variants of a
//! document; a key that is renamed, dropped or of another type changes the schema.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{campaign, schema};
use crate::common::process::{children, within};
use crate::common::{self, cli, shell};

const NESTED: &str = "corpus/protocol/nested-behind-writer.case";
const REGION: &str = "corpus/protocol/region.case";

/// The documents that a command with these arguments prints, one or one on each line.
#[track_caller]
fn printed(arguments: &[&str]) -> Vec<Value> {
    let output = cli::run(&[arguments, &["--json"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {stderr}");
    read(&cli::stdout(&output))
}

fn read(text: &str) -> Vec<Value> {
    let documents = serde_json::Deserializer::from_str(text).into_iter();
    documents.map(|document| document.expect("it is JSON")).collect()
}

fn all(runs: &[&[&str]]) -> Vec<Value> {
    runs.iter().flat_map(|arguments| printed(arguments)).collect()
}

/// A fresh folder, and a file in it.
fn scratch(name: &str) -> (PathBuf, String) {
    let folder = cli::scratch(&format!("formats/{name}"));
    let file = cli::path(&folder, "file");
    (folder, file)
}

/// Several outputs of the command; none where nothing is known of it.
fn documents(command: &str) -> Vec<Value> {
    match command {
        "campaign" => campaign::reports().iter().map(|ran| ran.printed.clone()).collect(),
        "run" => run(),
        "explore" => explore(),
        "minimize" => minimize(),
        "stress" => stress(),
        "coverage" => {
            all(&[&["coverage", NESTED], &["coverage", "corpus/protocol", "--variant", "counted"]])
        }
        "variants" => printed(&["variants"]),
        "case fmt" => printed(&["case", "fmt", NESTED]),
        "case check" => printed(&["case", "check", NESTED, REGION]),
        "case encode" => {
            let (folder, file) = scratch("encode");
            let folder = cli::path(&folder, "seeds");
            all(&[
                &["case", "encode", NESTED, &file],
                &["case", "encode", "corpus/protocol", &folder],
            ])
        }
        "case decode" => {
            let (folder, _) = scratch("decode");
            let bytes = common::seed("nested-behind-writer").encode();
            let (bytes, to) = (cli::file(&folder, "bytes", bytes), cli::path(&folder, "text"));
            all(&[&["case", "decode", &bytes], &["case", "decode", &bytes, "-o", &to]])
        }
        "lockdep check" => lockdep_check(),
        "lockdep show" => lockdep_show(),
        "lockdep encode" => {
            let (folder, _) = scratch("scripts");
            printed(&["lockdep", "encode", "corpus/lockdep", &cli::path(&folder, "seeds")])
        }
        "lockdep decode" => {
            let (folder, _) = scratch("script");
            let bytes = [0, 7, 3, 9, 200, 41, 5, 77, 12, 90, 8, 1, 33, 64, 128, 255];
            printed(&["lockdep", "decode", &cli::file(&folder, "bytes", bytes)])
        }
        _ => Vec::new(),
    }
}

/// Every property that a committed case shows, every ending, each answer for a predicted cycle.
fn run() -> Vec<Value> {
    let folders = ["tests/cases/bugs", "tests/cases/kinds"];
    let cases = folders.into_iter().flat_map(common::cases_in);
    let paths = cases.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>();
    let of_cases = paths.iter().flat_map(|path| printed(&["run", path]));
    let chosen: [&[&str]; 5] = [
        &["run", NESTED, "--variant", "all", "--trace"],
        &["run", REGION, "--variant", "rwsem"],
        &["run", "corpus/protocol/rmap-against-mremap.case", "--variant", "rwsem"],
        &["run", "corpus/protocol/two-regions-one-fault.case", "--variant", "rwsem"],
        &["run", "corpus/protocol/starved-update.case", "--variant", "counted"],
    ];
    of_cases.chain(all(&chosen)).collect()
}

fn explore() -> Vec<Value> {
    let (folder, _) = scratch("explore");
    let out = cli::path(&folder, "out");
    let races = "corpus/protocol/fault-races-region.case";
    all(&[
        &["explore", NESTED, "--variant", "all"],
        &["explore", NESTED, "--variant", "rwsem", "--out", &out],
        &["explore", races, "--variant", "rwsem"],
        &["explore", races, "--variant", "rwsem", "--max-schedules", "20"],
        &["explore", races, "--max-preemptions", "1"],
        &["explore", "tests/cases/bugs/B11.case"],
        &["explore", "corpus/protocol/starved-update.case", "--variant", "counted"],
    ])
}

fn minimize() -> Vec<Value> {
    let (_, file) = scratch("minimize");
    let starved = "corpus/protocol/starved-update.case";
    all(&[
        &["minimize", NESTED],
        &["minimize", NESTED, "-o", &file],
        &["minimize", starved, "--variant", "counted"],
    ])
}

/// A hang, nothing, and a child that died.
fn stress() -> Vec<Value> {
    let (_, to) = scratch("stress");
    let arguments =
        |variant| ["stress", NESTED, "--variant", variant, "--results", &to, "--seconds"];
    let hung = printed(&[&arguments("rwsem")[..], &["60"]].concat());
    let clean = printed(&[&arguments("counted")[..], &["1"]].concat());
    let dies = [&arguments("counted")[..], &["60", "--json"]].concat();
    let parent = cli::command(&dies).spawn().expect("it runs");
    let child = within(|| children(&parent).first().copied());
    kill(Pid::from_raw(child), Signal::SIGKILL).expect("it can be killed");
    let died = parent.wait_with_output().expect("it ends");
    [hung, clean, read(&cli::stdout(&died))].concat()
}

const VECTORS: [&str; 3] = ["random_public", "seed", "selftest"];

fn vectors() -> [String; 3] {
    VECTORS.map(|name| format!("tests/vectors/lockdep/{name}.jsonl"))
}

/// The public vectors, and a graph so large and cyclic that not every edge of it is looked at.
fn lockdep_check() -> Vec<Value> {
    let (folder, _) = scratch("check");
    let [classes, pairs] = [4_000, 12_000];
    let mut random = kvm_lock_fuzz::prng::Prng(1);
    let declared = (0..classes).flat_map(|i| [format!("class c{i}"), format!("lock c{i} c{i}")]);
    let mut events = Vec::new();
    for _ in 0..pairs {
        let [from, to] = [0, 1].map(|_| random.below(classes));
        let acquired = [format!("T acq c{from} w"), format!("T acq c{to} w")];
        events.extend(acquired.into_iter().filter(|_| from != to));
        events.extend([to, from].map(|c| format!("T rel c{c}")).into_iter().filter(|_| from != to));
    }
    let record = serde_json::json!({
        "id": "large", "raw_lock_nesting": false,
        "decl": declared.collect::<Vec<_>>(), "events": events,
    });
    let large = cli::file(&folder, "large.jsonl", record.to_string());
    let [random, seed, selftest] = vectors();
    printed(&["lockdep", "check", &random, &seed, &selftest, &large])
}

/// One record of each kind that the vectors have.
fn lockdep_show() -> Vec<Value> {
    let mut kinds = BTreeSet::new();
    let mut documents = Vec::new();
    for file in vectors() {
        for verdict in printed(&["lockdep", "check", &file]) {
            let (kind, id) = (verdict["kind"].to_string(), verdict["id"].as_str().expect("an id"));
            if kinds.insert(kind) {
                let show = ["lockdep", "show", &file, "--id", id];
                documents.extend(all(&[&show, &[&show[..], &["--complete"]].concat()]));
            }
        }
    }
    documents
}

/// The commands that have `--json`.
fn commands() -> Vec<String> {
    let commands = shell::commands(&[]).into_iter();
    let with_json = commands.filter(|command| shell::help(command).contains("--json"));
    with_json.map(|command| command.join(" ")).collect()
}

fn golden(name: &str, documents: &[Value]) {
    common::golden(&format!("json/{name}.txt"), &schema::of(documents));
}

#[test]
fn every_document_of_every_command_keeps_its_schema() {
    let (mut unknown, mut files) = (Vec::new(), BTreeSet::from([RESULTS, FINDING].map(file_of)));
    for command in commands() {
        let documents = documents(&command);
        let name = command.replace(' ', "-");
        files.insert(file_of(&name));
        match documents.is_empty() {
            true => unknown.push(format!("{command} has --json and no outputs in {}", file!())),
            false => golden(&name, &documents),
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
    let there = fs::read_dir(common::path("tests/golden/json")).expect("there are goldens");
    let there = there.map(|entry| entry.expect("it can be read").file_name());
    let there: BTreeSet<String> = there.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(there, files, "a golden for each document and no other");
}

const RESULTS: &str = "results.json-of-campaign";
const FINDING: &str = "finding.json-of-campaign";

fn file_of(name: &str) -> String {
    format!("{name}.txt")
}

#[test]
fn what_a_campaign_writes_keeps_its_schema() {
    let (mut results, mut findings) = (Vec::new(), Vec::new());
    for ran in campaign::reports() {
        results.push(ran.results.clone());
        findings.extend(ran.findings.clone());
    }
    golden(RESULTS, &results);
    golden(FINDING, &findings);
}
