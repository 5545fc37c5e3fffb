//! The seeds of the `lockdep` target: vectors of the real validator, as bytes of the target.

#![cfg(feature = "cli")]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::cli::{self, expect, file, refused};
use kvm_lock_fuzz::lockdep::check::{Record, read_record};
use kvm_lock_fuzz::lockdep::script::{self, Script};
use kvm_lock_fuzz::lockdep::{Config, Mode};
use kvm_lock_fuzz::target::lockdep::Input;

fn vectors() -> Vec<String> {
    let files = ["selftest", "random_public", "seed"].map(|name| {
        let path = common::path(&format!("tests/vectors/lockdep/{name}.jsonl"));
        fs::read_to_string(path).expect("the vectors are part of the repository")
    });
    files.iter().flat_map(|text| text.lines()).map(str::to_string).collect()
}

fn record(line: &str) -> Record {
    read_record(line.as_bytes(), true).unwrap_or_else(|e| panic!("{e}: {line}"))
}

/// The seeds, one line each.
fn seeds() -> Vec<String> {
    let folder = common::path("corpus/lockdep").read_dir().expect("there are seeds");
    folder.map(|entry| fs::read_to_string(entry.unwrap().path()).expect("a text")).collect()
}

#[test]
fn the_seeds_are_vectors_of_every_kind() {
    let vectors = vectors();
    let kinds = |lines: &[String]| -> BTreeSet<String> {
        lines.iter().map(|line| record(line).verdict["kind"].to_string()).collect()
    };
    let seeds = seeds();
    assert_eq!(kinds(&seeds), kinds(&vectors));
    assert!(seeds.iter().all(|seed| vectors.iter().any(|vector| vector == seed.trim_end())));
}

/// Kind and event of the kernel's report.
fn verdict(script: &Script, raw_lock_nesting: bool) -> Option<(&'static str, usize)> {
    let outcome = script::run(script, Config { mode: Mode::Kernel, raw_lock_nesting });
    outcome.first().map(|(report, at)| (report.kind.name(), at))
}

#[test]
fn every_seed_decodes_to_the_script_that_it_came_from() {
    for seed in seeds() {
        let Record { id, script, raw_lock_nesting, .. } = record(&seed);
        let bytes =
            script::encode(&script, raw_lock_nesting).unwrap_or_else(|e| panic!("{id}: {e}"));
        let (decoded, raw) = script::decode(&bytes);
        assert_eq!((&decoded.events, raw), (&script.events, raw_lock_nesting), "{id}");
        for (decoded, own) in decoded.classes.iter().zip(&script.classes) {
            let types = |c: &script::ClassDecl| (c.inner, c.outer, c.lock_type);
            assert_eq!(types(decoded), types(own), "{id}");
        }
        let locks = |script: &Script| -> Vec<(usize, u8)> {
            script.locks.iter().map(|lock| (lock.class, lock.subclass)).collect()
        };
        assert!(locks(&decoded).starts_with(&locks(&script)), "{id}");
        assert_eq!(verdict(&decoded, raw), verdict(&script, raw), "{id}");
    }
}

/// What `cargo fuzz fmt` prints can be pasted into `lockdep check`, and is the script of the bytes.
#[test]
fn the_text_of_an_artifact_is_a_record() {
    for seed in seeds() {
        let Record { script, raw_lock_nesting, .. } = record(&seed);
        let bytes = script::encode(&script, raw_lock_nesting).expect("it is a seed");
        let text = format!("{:#?}", Input(&bytes));
        let record = read_record(text.as_bytes(), false).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!((record.script, record.raw_lock_nesting), script::decode(&bytes));
        assert!(!text.contains("pid="), "tasks have these numbers anyway: {text}");
    }
}

#[test]
fn scripts_go_to_bytes_and_back_on_the_command_line() {
    let folder = cli::scratch("lockdep_seeds/encode");
    let to = folder.to_str().expect("UTF-8");
    expect(0, &["lockdep", "encode", "corpus/lockdep", to]);
    let names = fs::read_dir(&folder).expect("it is there");
    assert_eq!(names.count(), seeds().len());
    let text = expect(0, &["lockdep", "decode", &cli::path(&folder, "x-limit-depth_48")]);
    let checked = expect(0, &["lockdep", "check", &file(&folder, "artifact.jsonl", text)]);
    assert!(checked.contains("\"kind\":\"limit\""), "{checked}");
}

#[test]
fn a_script_without_bytes_is_refused_and_nothing_is_written() {
    let folder = cli::scratch("lockdep_seeds/refused");
    let event = r#"{"id":"a","raw_lock_nesting":false,"decl":["class c","lock l c"],"events":["T acq l w sub=7"]}"#;
    let good = event.replace(" sub=7", "").replace(r#""id":"a""#, r#""id":"b""#);
    let scripts = file(&folder, "scripts.jsonl", [good.as_str(), event].join("\n"));
    let to = cli::path(&folder, "to");
    refused(&["lockdep", "encode", &scripts, &to], &["record 2", "event 0", "no bytes"]);
    let twice = file(&folder, "twice.jsonl", [good.as_str(), good.as_str()].join("\n"));
    refused(&["lockdep", "encode", &twice, &to], &["record 2", "called b"]);
    assert!(!std::path::Path::new(&to).exists());
}
