//! The command line from the outside: every command's happy path, bad input, exit codes, and the
//! same bytes for the same input.

#![cfg(feature = "cli")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use kvm_lock_fuzz::explore::Limits;
use kvm_lock_fuzz::kvm::Variant;

use common::cli::{self, command, expect, file, json, refused, run, stdout};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scratch(name: &str) -> PathBuf {
    cli::scratch(&format!("cli/{name}"))
}

const NESTED: &str = "corpus/protocol/nested-behind-writer.case";
const REGION: &str = "corpus/protocol/region.case";

#[test]
fn variants_lists_the_registry() {
    let text = expect(0, &["variants"]);
    let document = json(0, &["variants", "--json"]);
    let results = document["results"].as_array().expect("a list");
    assert_eq!(results.len(), Variant::ALL.len());
    for result in results {
        assert!(text.contains(result["variant"].as_str().expect("a name")));
    }
}

#[test]
fn run_gives_a_verdict_for_each_variant() {
    let document = json(1, &["run", NESTED, "--variant", "all", "--json"]);
    let results = document["results"].as_array().expect("a list");
    assert_eq!(results.len(), Variant::ALL.len());
    for (result, variant) in results.iter().zip(Variant::ALL) {
        assert_eq!(result["variant"], variant.name());
        match variant {
            Variant::Rwsem => assert_eq!(result["verdict"], "violation"),
            sound if !sound.info().known_bad => assert_eq!(result["verdict"], "clean"),
            _ => {}
        }
    }
}

#[test]
fn findings_carry_what_the_contract_names() {
    let document = json(1, &["run", NESTED, "--variant", "rwsem", "--json"]);
    let result = &document["results"][0];
    for key in ["target", "variant", "policy", "verdict", "exhausted", "bound", "schedules"] {
        assert!(result.get(key).is_some(), "{key}");
    }
    let findings = result["findings"].as_array().expect("a list");
    assert!(findings.iter().any(|finding| finding["kind"] == "deadlock"), "{findings:?}");
    for finding in findings {
        for key in ["kind", "severity", "signature", "classes", "message", "case"] {
            assert!(finding.get(key).is_some(), "{key}");
        }
        let case = finding["case"].as_str().expect("a case");
        assert!(case.starts_with("variant rwsem\n"), "{case}");
    }
}

#[test]
fn a_finding_of_the_json_replays_from_its_case() {
    let folder = scratch("replay");
    let document = json(1, &["run", NESTED, "--variant", "rwsem", "--json"]);
    let case = document["results"][0]["findings"][0]["case"].as_str().expect("a case");
    let again = json(1, &["run", &file(&folder, "again.case", case), "--json"]);
    assert_eq!(document, again);
}

/// The answers for the predictions of the case under the rwsem scheme, in the order of its findings.
fn witnesses(command: &str, case: &str) -> Vec<Value> {
    let document = json(1, &[command, case, "--variant", "rwsem", "--json"]);
    let findings = document["results"][0]["findings"].as_array().expect("a list");
    let predicted = |f: &&Value| f["kind"] == "lock-order" || f["kind"] == "recursive-lock";
    for finding in findings {
        assert_eq!(finding["witness"].is_object(), predicted(&finding), "{finding}");
    }
    findings.iter().filter(predicted).map(|finding| finding["witness"].clone()).collect()
}

#[test]
fn run_says_that_a_predicted_cycle_cannot_hang() {
    let witness = &witnesses("run", REGION)[0];
    assert_eq!(witness["answer"], "none-exists");
    assert_eq!(witness["lock_maps"][0], "mmu_notifier_invalidate_range_start");
    assert_eq!(witness["programs"][0], "a memslot update of vm0");
    assert!(witness["schedules"].as_u64() > Some(10) && witness["case"].is_null());
    assert_eq!(witness, &witnesses("explore", REGION)[0], "one answer for all commands");
    let text = expect(1, &["run", REGION, "--variant", "rwsem"]);
    assert!(text.contains(&format!("    {}\n", witness["text"].as_str().expect("text"))), "{text}");
}

#[test]
fn run_says_that_it_hung_as_predicted() {
    let own = expect(0, &["case", "fmt", NESTED]);
    for witness in witnesses("run", NESTED) {
        assert!(witness["text"].as_str().expect("text").ends_with("witness: this run"));
        assert_eq!((&witness["answer"], &witness["case"]), (&"found".into(), &own.clone().into()));
    }
}

#[test]
fn run_shows_a_case_that_hangs_as_predicted_once() {
    let folder = scratch("witness");
    let fair = fs::read_to_string(root().join(NESTED)).expect("the seed is there");
    let fair = fair.split("schedule").next().expect("a text");
    let fair = file(&folder, "fair.case", fair);
    let text = expect(1, &["run", &fair]);
    let below = "    witness: the case below\n\n";
    assert_eq!(text.matches("task mremapper").count(), 1, "{text}");
    assert!(text.ends_with("witness: the hanging case of recursive-lock above\n"), "{text}");
    let case = text.split_once(below).and_then(|(_, rest)| rest.split_once("\n\n"));
    let hangs = file(&folder, "hangs.case", case.expect("it is below").0);
    assert!(expect(1, &["run", &hangs]).contains("\n    witness: this run\n"));
    assert!(witnesses("run", &fair).iter().all(|w| w["text"].to_string().contains("in `case`")));
}

#[test]
fn run_says_that_it_hung_passing_some_of_the_classes() {
    // D3: mremap takes i_mmap_rwsem on its way, and nobody waits for that.
    let case = "corpus/protocol/rmap-against-mremap.case";
    let witness = &witnesses("run", case)[0];
    assert!(witness["case"].is_null() && witness["answer"] == "none-exists", "{witness}");
    let text = witness["text"].as_str().expect("text");
    // Not first that there is none, and then one.
    let shorter = "without it: a shorter cycle hangs, whose tasks pass the other classes on their \
                   way: this run; of the whole cycle none exists (exhausted: ";
    assert!(text.contains(shorter), "{text}");
    let own = expect(0, &["case", "fmt", case]);
    assert_eq!(witness["contracted"], own);
}

#[test]
fn run_says_how_far_it_looked() {
    let large = "corpus/protocol/two-regions-one-fault.case";
    let witness = &witnesses("run", large)[0];
    assert_eq!(witness["answer"], "none-within");
    let text = witness["text"].as_str().expect("text");
    let bound = witness["bound"].as_str().expect("a bound");
    assert!(["the bound on schedules", "the bound on states"].contains(&bound), "{bound}");
    assert!(text.contains("none within ") && text.ends_with(&format!(" ({bound})")), "{text}");
    assert_eq!(witness, &witnesses("run", large)[0], "no bound is a time");
}

/// However many predictions and variants there are, and with the cases made short.
#[test]
fn the_answers_of_a_run_have_one_budget() {
    let many = "variant rwsem policy reader-biased
        vm a slot 0 gfn 0..8 hva 0x100 vm b slot 0 gfn 0..8 hva 0x104
        task m mremap 0x100..0x104 split 0x100..0x104 end
        task n munmap 0x102..0x106 end fault gfn 1
        task o cow 0x104 end fault gfn 3
        task p memslot create 1 gfn 0x10..0x14 hva 0x300
        task q migrate 0x105..0x107 end";
    let many = file(&scratch("budget"), "many.case", many);
    let arguments = ["run", &many, "--variant", "rwsem", "--variant", "rwsem"];
    let document = json(1, &[&arguments[..], &["--json"]].concat());
    let results = document["results"].as_array().expect("a list");
    let Limits { schedules, states, .. } = Limits::brief();
    for (field, most) in [("schedules", schedules), ("states", states as u64)] {
        let taken = results.iter().map(|result| result["answers"][field].as_u64().expect(field));
        let taken: Vec<u64> = taken.collect();
        // A quarter as much again for what comes after the searches of all schedules.
        assert!(taken.iter().sum::<u64>() <= most + most / 4, "{field}: {taken:?}");
        assert!(taken.iter().all(|taken| *taken > 0), "each has a share: {taken:?}");
    }
    let bound = results[0]["answers"]["bound"].as_str().expect("it was cut");
    let text = expect(1, &arguments);
    let said = "\nanswers cut by the bound on states: all those of this command have 60,000 schedules or \
                100,000 states together; `explore` looks farther\n";
    assert!(bound == "100000 states" && text.matches(said).count() == 2, "{bound}: {text}");
    assert!(!expect(1, &["run", REGION, "--variant", "rwsem"]).contains("answers cut"));
}

#[test]
fn cases_of_findings_name_the_policy_that_was_chosen() {
    let folder = scratch("policy");
    let biased = json(1, &["run", NESTED, "--policy", "reader-biased", "--json"]);
    let case = biased["results"][0]["findings"][0]["case"].as_str().expect("a case");
    assert_eq!(biased, json(1, &["run", &file(&folder, "biased.case", case), "--json"]));
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    for arguments in [
        vec!["run", NESTED, "--variant", "all", "--json"],
        vec!["run", NESTED, "--variant", "all", "--trace", "--splat"],
        vec!["run", REGION, "--variant", "all", "--points", "all"],
        vec!["minimize", NESTED, "--json"],
    ] {
        let (one, two) = (run(&arguments), run(&arguments));
        assert_eq!(stdout(&one), stdout(&two), "{arguments:?}");
        assert_eq!(one.status.code(), two.status.code());
    }
}

#[test]
fn documented_findings_leave_the_exit_code_alone() {
    let starved = "corpus/protocol/starved-update.case";
    let document = json(0, &["run", starved, "--variant", "counted", "--json"]);
    assert_eq!(document["results"][0]["verdict"], "clean");
    let findings = document["results"][0]["findings"].as_array().expect("a list");
    assert!(findings.iter().any(|f| f["severity"] == "documented"), "{findings:?}");
}

#[test]
fn a_splat_is_a_lockdep_report() {
    let text = expect(1, &["run", "corpus/protocol/seed-splat.case", "--splat"]);
    assert!(text.contains("WARNING: possible circular locking dependency detected"), "{text}");
}

#[test]
fn minimize_keeps_the_finding() {
    let folder = scratch("minimize");
    let output = folder.join("small.case");
    let output = output.to_str().expect("UTF-8");
    let found = json(1, &["run", NESTED, "--json"]);
    let findings = found["results"][0]["findings"].as_array().expect("a list").clone();
    for finding in findings {
        let signature = finding["signature"].as_str().expect("a signature");
        assert_eq!(expect(0, &["minimize", NESTED, "--signature", signature, "-o", output]), "");
        let again = json(1, &["run", output, "--json"]);
        let kept = again["results"][0]["findings"].as_array().expect("a list");
        assert!(kept.iter().any(|f| f["signature"] == signature), "{signature}");
    }
    refused(&["minimize", NESTED, "--signature", "deadlock nobody"], &["does not show"]);
    refused(&["minimize", REGION, "--signature", "x"], &[REGION]);
}

#[test]
fn the_two_forms_of_a_case() {
    let folder = scratch("forms");
    let bytes = folder.join("nested");
    let bytes = bytes.to_str().expect("UTF-8");
    expect(0, &["case", "encode", NESTED, bytes]);
    let text = expect(0, &["case", "decode", bytes]);
    assert_eq!(text, expect(0, &["case", "fmt", NESTED]));
    assert_eq!(text, expect(0, &["case", "fmt", bytes]));
    assert_eq!(text, expect(0, &["case", "fmt", &file(&folder, "again.case", &text)]));
    let fmt = json(0, &["case", "fmt", NESTED, "--json"]);
    assert_eq!(fmt["results"][0]["case"], text.as_str());
    assert_eq!(run(&["run", bytes]).stdout, run(&["run", NESTED]).stdout);
    expect(0, &["case", "check", NESTED, REGION]);
}

#[test]
fn a_folder_of_seeds_is_encoded() {
    let folder = scratch("seeds");
    let to = folder.to_str().expect("UTF-8");
    let document = json(0, &["case", "encode", "corpus/protocol", to, "--json"]);
    let encoded = document["results"][0]["encoded"].as_u64().expect("a number") as usize;
    assert_eq!(encoded, fs::read_dir(&folder).expect("it is there").count());
    refused(&["case", "encode", "src", to], &["src"]);
}

#[test]
fn an_artifact_may_begin_with_any_byte() {
    let folder = scratch("artifact");
    let artifact = file(&folder, "crash-0123", [0xff, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(run(&["run", &artifact]).status.code(), Some(0));
    refused(&["run", &file(&folder, "other", [0xff, 1, 2, 3])], &["case decode"]);
}

#[test]
fn lockdep_scripts_are_judged() {
    let folder = scratch("lockdep");
    let record =
        r#"{"id":"aa","decl":["class c","lock l c","task t"],"events":["t +l W","t +l W"]}"#;
    let output = run(&["lockdep", "check", &file(&folder, "aa.jsonl", record)]);
    assert!(output.status.code().is_some_and(|code| code != 101), "{output:?}");
    let damaged = run(&["lockdep", "check", &file(&folder, "damaged.jsonl", "{nonsense\n")]);
    assert_eq!(damaged.status.code(), Some(2));
}

#[test]
fn a_lockdep_script_is_shown_in_every_form() {
    fn show<'a>(rest: &[&'a str]) -> Vec<&'a str> {
        let file = "tests/vectors/lockdep/seed.jsonl";
        [&["lockdep", "show", file, "--id", "seed/as_reported"], rest].concat()
    }
    assert!(expect(1, &show(&[])).contains("  rlock(&kvm->mmu_notifier_slots_lock);"));
    assert!(expect(1, &show(&["--as", "5.12"])).contains("  lock(&kvm->mmu_notifier_slots_lock);"));
    assert!(expect(1, &show(&["--as", "dot"])).contains("color=red"));
    assert!(expect(1, &show(&["--as", "svg"])).starts_with("<svg "));
    let reports: Value = serde_json::from_str(&expect(1, &show(&["--json"]))).expect("JSON");
    assert_eq!(reports["reports"][0]["kind"], "circular");
    refused(
        &["lockdep", "show", "tests/vectors/lockdep/seed.jsonl", "--id", "x"],
        &["no record x"],
    );
}

#[test]
fn bad_usage_is_one_line() {
    refused(&[], &["--help"]);
    refused(&["nothing"], &["nothing"]);
    refused(&["run"], &["CASE"]);
    let known = Variant::ALL.map(Variant::name);
    refused(&["run", NESTED, "--variant", "fast"], &[&["fast"][..], &known].concat());
    refused(&["run", NESTED, "--bug", "B99"], &["B99", "B11"]);
    refused(&["run", NESTED, "--policy", "kind"], &["kind", "writer-fair"]);
    refused(&["run", NESTED, "--points", "some"], &["some"]);
    refused(&["campaign", "--seconds", "0"], &["seconds"]);
    refused(&["campaign", "--seconds", "soon"], &["soon"]);
    refused(&["campaign", "--target", "nothing"], &["nothing", "protocol"]);
    refused(&["campaign", "--runs", "0"], &["runs"]);
    refused(&["campaign", "--runs", "5", "--seconds", "5"], &["--runs", "--seconds"]);
    refused(&["campaign", "--bug", "B99"], &["B99"]);
    refused(&["campaign", "--results", "Cargo.toml"], &["Cargo.toml"]);
}

#[test]
fn a_campaign_of_targets_needs_a_clone() {
    let folder = scratch("elsewhere");
    let elsewhere = std::env::temp_dir();
    let results = folder.to_str().expect("UTF-8");
    let output = command(&["campaign", "--target", "lockdep", "--results", results])
        .current_dir(elsewhere)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("clone") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn bad_files_are_refused_and_nothing_is_written() {
    let folder = scratch("bad");
    let output = folder.join("out");
    let out = output.to_str().expect("UTF-8");
    let bad = [
        file(&folder, "a.case", "variant rwsem\ntask a\n  munmapp 0x100\n"),
        file(&folder, "b.case", b"vm vm0\0".as_slice()),
        file(&folder, "c.case", [0xff, 0xfe, 0x00]),
        file(&folder, "d.case", "x".repeat(2 << 20)),
        folder.join("missing.case").to_str().expect("UTF-8").to_string(),
        folder.to_str().expect("UTF-8").to_string(),
    ];
    for case in &bad {
        refused(&["run", case], &[case]);
        refused(&["minimize", case, "-o", out], &[case]);
        refused(&["case", "check", case], &[case]);
        if Path::new(case).is_file() {
            refused(&["case", "encode", case, out], &[case]);
        }
        assert!(!output.exists(), "{case}");
    }
    refused(&["run", &bad[0]], &["line 3, column 3"]);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let missing = "no/such/folder/out.case";
    refused(&["minimize", NESTED, "-o", missing], &[missing]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let output = command(&["variants"]).stdout(full).stderr(Stdio::piped()).output();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout"));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = command(&["variants", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("it is UTF-8");
    assert_eq!((child.wait().expect("it ends").code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_case_may_come_from_standard_input() {
    let mut child = command(&["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let text = fs::read(root().join(NESTED)).expect("the seed is there");
    child.stdin.take().expect("piped").write_all(&text).expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.stdout, run(&["run", NESTED]).stdout);
}

#[test]
fn scripts_whose_lines_end_with_cr_are_read_line_by_line() {
    let folder = scratch("cr");
    let record = |id: &str| {
        format!(
            r#"{{"id":"{id}","raw_lock_nesting":false,"decl":["class c","lock l c","task t"],"events":["t acq l w","t rel l"]}}"#
        )
    };
    let with = |end: &str| [record("a"), String::new(), record("b"), "{".to_string()].join(end);
    let checked = |name: &str, end: &str| {
        let file = file(&folder, name, with(end));
        let output = run(&["lockdep", "check", &file]);
        let errors =
            String::from_utf8(output.stderr.clone()).expect("UTF-8").replace(&file, "FILE");
        (stdout(&output), errors)
    };
    let wanted = checked("lf.jsonl", "\n");
    assert!(wanted.0.lines().count() == 2 && wanted.1.contains("FILE:4: "), "{wanted:?}");
    assert_eq!(checked("cr.jsonl", "\r"), wanted);
    assert_eq!(checked("crlf.jsonl", "\r\n"), wanted);
    let (from, to) = (folder.join("seeds"), folder.join("inputs"));
    fs::create_dir_all(&from).expect("it can be made");
    fs::write(from.join("all.jsonl"), [record("a"), record("b")].join("\r"))
        .expect("it is written");
    expect(0, &["lockdep", "encode", from.to_str().unwrap(), to.to_str().unwrap()]);
    assert_eq!(fs::read_dir(&to).expect("it is there").count(), 2);
}

/// Where a command wants a file, a folder is an error that says what to do.
#[test]
fn a_folder_in_the_place_of_a_file_is_one_line_that_says_how_to_mend_it() {
    for words in [
        &["run"][..],
        &["explore"],
        &["minimize"],
        &["stress"],
        &["case", "fmt"],
        &["case", "check"],
        &["case", "decode"],
        &["lockdep", "check"],
        &["lockdep", "show"],
        &["lockdep", "decode"],
    ] {
        refused(&[words, &["corpus"]].concat(), &["corpus: ", "a directory; name a"]);
    }
    refused(&["explore", REGION, "--resume", "corpus"], &["corpus: a folder; name a file"]);
}
