//! The names that a text gives its tasks: every command says them, and nothing else depends on them.

#![cfg(feature = "cli")]

mod common;

use std::fs;

use common::cli::{command, expect, file, json, refused, run, scratch, stdout};
use common::path;
use kvm_lock_fuzz::case::text::{MAX_NAME, Names};
use kvm_lock_fuzz::case::{Case, files};

/// Derived names and others of their length, so that pages are laid out alike.
const RENAMED: [(&str, &str); 7] = [
    ("mremapper", "qemu-move"),
    ("munmapper", "qemu-free"),
    ("vmm", "X_y"),
    ("vcpu", "cpu-"),
    ("madviser", "balloon-"),
    ("oom_reaper", "victim-mm0"),
    ("kswapd", "reclam"),
];

/// A text with other names.
fn renamed(text: &str) -> String {
    RENAMED.iter().fold(text.to_string(), |text, (from, to)| text.replace(from, to))
}

fn seed(name: &str) -> String {
    let text = fs::read_to_string(path(&format!("corpus/protocol/{name}.case"))).unwrap();
    // Comments speak of the tasks too.
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// What the command prints, whatever its exit code.
fn said(arguments: &[&str]) -> String {
    stdout(&run(arguments))
}

/// Every command says of a renamed seed what it says of the seed, except the names.
#[test]
fn commands_say_the_names_of_the_text_and_differ_in_nothing_else() {
    let folder = scratch("names");
    for name in ["nested-behind-writer", "fault-races-region", "rmap-against-mremap"] {
        let own = seed(name);
        assert_ne!(renamed(&own), own, "{name}");
        let derived = file(&folder, &format!("{name}.case"), own.as_bytes());
        let given = file(&folder, &format!("{name}-given.case"), renamed(&own).as_bytes());
        let commands: [&[&str]; 8] = [
            &["case", "fmt"],
            &["case", "check", "--json"],
            &["run", "--trace", "--splat"],
            &["run", "--trace", "--json"],
            &["run", "--variant", "all", "--json"],
            &["explore"],
            &["explore", "--json"],
            &["minimize", "--json"],
        ];
        for words in commands {
            let ran = |file: &str| said(&[words, &[file]].concat()).replace(file, "FILE");
            let (is, wanted) = (ran(&given), renamed(&ran(&derived)));
            assert_eq!(is, wanted, "{name}: {words:?}");
        }
    }
}

#[test]
fn formatting_keeps_names_and_the_binary_form_has_none() {
    let folder = scratch("forms");
    let own = seed("nested-behind-writer");
    let given = file(&folder, "given.case", renamed(&own).as_bytes());
    let text = expect(0, &["case", "fmt", &given]);
    assert!(text.contains("task qemu-move\n") && text.contains(" qemu-move until"), "{text}");
    let again = file(&folder, "again.case", text.as_bytes());
    assert_eq!(expect(0, &["case", "fmt", &again]), text);
    let bytes = folder.join("bytes");
    let bytes = bytes.to_str().unwrap();
    expect(0, &["case", "encode", &given, bytes]);
    assert_eq!(expect(0, &["case", "decode", bytes]), own.parse::<Case>().unwrap().to_string());
    assert_eq!(said(&["run", bytes]), said(&["run", "corpus/protocol/nested-behind-writer.case"]));
}

#[test]
fn seeds_keep_their_names() {
    for path in files::cases_in(&path("corpus/protocol")).unwrap() {
        let tasks = |text: &str| -> Vec<String> {
            let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
            lines.filter(|line| line.starts_with("task ")).map(str::to_string).collect()
        };
        let text = expect(0, &["case", "fmt", path.to_str().unwrap()]);
        assert_eq!(tasks(&text), tasks(&fs::read_to_string(&path).unwrap()), "{path:?}");
        let (case, names) = Case::parse_named(text.as_bytes()).unwrap();
        assert_eq!(names.text(&case).to_string(), text, "{path:?}");
    }
}

#[test]
fn the_minimiser_keeps_the_names_of_the_tasks_that_are_left() {
    let folder = scratch("minimize");
    let text = "variant rwsem vm v slot 0 gfn 0..8 hva 0x100 \
                task bystander fault gfn 1 \
                task first mremap 0x200..0x240 split 0x200..0x240 end \
                task other madvise 0x300..0x301 end \
                task updater memslot delete 0 \
                schedule first until split, updater until blocked, first until blocked";
    let case = file(&folder, "four.case", text.as_bytes());
    let small = expect(0, &["minimize", &case]);
    let (parsed, _) = Case::parse_named(small.as_bytes()).unwrap();
    assert_eq!(parsed.programs.tasks(), 2, "{small}");
    assert!(small.contains("task first\n") && small.contains("task updater\n"), "{small}");
    let document = json(0, &["minimize", &case, "--json"]);
    let result = &document["results"][0];
    assert_eq!(result["case"], small.as_str());
    let message = result["message"].as_str().unwrap();
    assert!(
        message.contains("updater waits for") && message.contains("first waits for"),
        "{message}"
    );
}

/// Threads take turns as they like, so that only what is found is compared.
#[test]
fn stress_says_the_names_of_the_text() {
    let folder = scratch("stress");
    let given = file(&folder, "given.case", renamed(&seed("nested-behind-writer")).as_bytes());
    let results = folder.join("results");
    let output = command(&["stress", &given, "--seconds", "10", "--json", "--results"])
        .arg(&results)
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = document["results"][0]["findings"].as_array().unwrap();
    let hang = findings.iter().find(|finding| finding["kind"] == "deadlock").expect("it hangs");
    assert!(hang["message"].as_str().unwrap().contains("qemu-move waits for"), "{hang:#}");
    assert!(hang["case"].as_str().unwrap().contains("task qemu-move\n"), "{hang:#}");
    let written = fs::read_to_string(hang["file"].as_str().unwrap()).unwrap();
    assert!(written.ends_with(hang["case"].as_str().unwrap()), "{written}");
}

#[test]
fn the_kernel_cuts_a_name_where_it_does() {
    let folder = scratch("comm");
    let text = seed("seed-splat").replace("qemu", "qemu-balloon-thread");
    let case = file(&folder, "long.case", text.as_bytes());
    let splat = said(&["run", &case, "--splat"]);
    assert!(splat.contains("\nqemu-balloon-th/10"), "{splat}");
}

#[test]
fn names_are_bounded() {
    let folder = scratch("long");
    let text = |name: &str| format!("vm v task {name} fault gfn 1");
    let longest = "n".repeat(MAX_NAME);
    expect(0, &["case", "check", &file(&folder, "longest.case", text(&longest).as_bytes())]);
    let longer = file(&folder, "longer.case", text(&(longest + "n")).as_bytes());
    refused(
        &["case", "check", &longer],
        &["line 1, column 11", "is longer than 32 characters; cut it"],
    );
}

#[test]
fn cases_made_of_a_named_one_have_its_names() {
    let text = b"vm v task a munmap 1 end task b munmap 2 end task c munmap 1 end task munmapper fault gfn 1";
    let (case, names) = Case::parse_named(text).unwrap();
    assert_eq!(names.of(&case), ["a", "b", "c", "munmapper"]);
    let of = |text: &str| names.of(&text.parse().unwrap());
    let without = "vm v task x munmap 2 end task y fault gfn 1 task z munmap 1 end";
    assert_eq!(of(without), ["b", "munmapper", "a"]);
    let more = "vm v task w munmap 1 end task x munmap 3 end task y fault gfn 1 task z fault gfn 2";
    assert_eq!(of(more), ["a", "munmapper1", "munmapper", "vcpu1"]);
    let taken = "vm v task x munmap 3 end task y fault gfn 1";
    assert_eq!(of(taken), ["munmapper2", "munmapper"]);
    let derived = b"vm v task munmapper munmap 1 end task vcpu fault gfn 1";
    assert_eq!(Case::parse_named(derived).unwrap().1, Names::default());
}
