//! What is printed about a finding shows it again: crashes of the `protocol` target with every
//! planted bug and every known-bad variant, through the commands of the target's own report, and
//! through those that take the crash file with what the knobs said.

#![cfg(feature = "cli")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::cli::{self, expect, json, refused};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::oracle::{Kind, worst};
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::target::Features;
use kvm_lock_fuzz::target::knobs::{self, Knobs};
use kvm_lock_fuzz::target::protocol::{Input, Protocol};
use kvm_lock_fuzz::target::violation::Violation;

/// An input that ends the target under these knobs.
struct Crash {
    knobs: Knobs,
    bytes: Vec<u8>,
    violation: Violation,
}

impl Crash {
    /// The crash that the target makes of the case, if its programs show anything there. The bytes
    /// name another variant than the one that runs, and no bug.
    fn of(case: &Case, knobs: &Knobs) -> Option<Crash> {
        let ran = knobs.settings().first().expect("the knobs say what runs").0;
        let variant = Variant::ALL.into_iter().find(|variant| *variant != ran);
        let other =
            Case { variant: variant.expect("there are several"), bug: None, ..case.clone() };
        let bytes = other.encode();
        let mut target = Protocol::new(knobs).expect("nothing is collected");
        let violation = target.check(&bytes, &Features::new())?;
        Some(Crash { knobs: knobs.clone(), bytes, violation })
    }

    fn signature(&self) -> String {
        let line = self.violation.report.lines().find_map(|line| line.strip_prefix("signature: "));
        line.expect("a report names the signature").to_string()
    }

    /// The arguments that the report names for the crash file.
    fn arguments(&self) -> Vec<String> {
        let (_, rest) = self.violation.report.split_once("commands that are given ").expect("them");
        rest.trim_end_matches(".\n").split(' ').map(str::to_string).collect()
    }

    /// The commands of the report, as they would be pasted.
    fn pasted(&self) -> &str {
        let (_, rest) = self.violation.report.split_once("of the clone:\n\n").expect("commands");
        rest.split("\n\n").next().expect("they end")
    }
}

/// A crash with every planted bug and with every known-bad variant: of the bug's own case or of the
/// first seed that shows anything.
fn crashes() -> Vec<Crash> {
    let bugs = Bug::ALL.iter().map(|&bug| Knobs { bug: Some(bug), ..Knobs::default() });
    let bad = Variant::ALL.into_iter().filter(|variant| variant.info().known_bad);
    let bad = bad.map(|variant| Knobs { variant: Some(variant), ..Knobs::default() });
    let cases = || {
        let bugs = common::cases_in("tests/cases/bugs").into_iter().map(|(_, case)| case);
        bugs.chain(common::seeds())
    };
    let crash = |knobs: Knobs| {
        let own = |case: &Case| knobs.bug.is_none() || knobs.bug == case.bug;
        let mut crashes = cases().filter(own).filter_map(|case| Crash::of(&case, &knobs));
        crashes.next().unwrap_or_else(|| panic!("no case ends the target under {knobs:?}"))
    };
    bugs.chain(bad).map(crash).collect()
}

fn scratch(name: &str) -> PathBuf {
    cli::scratch(&format!("reproduce/{name}"))
}

/// Pastes commands into a shell in the folder, where `cargo run --release --` is the built program.
fn paste(commands: &str, folder: &Path) -> String {
    let cargo = format!(
        "cargo() {{ [ \"$1 $2 $3\" = 'run --release --' ] || return 99; shift 3; {} \"$@\"; }}\n",
        env!("CARGO_BIN_EXE_kvm-lock-fuzz")
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(cargo + commands).current_dir(folder).stdin(Stdio::null());
    let output = shell.output().expect("there is a shell");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{commands}");
    cli::stdout(&output)
}

/// The signatures that a command of the program prints.
fn signatures(code: i32, arguments: &[&str]) -> Vec<String> {
    let document = json(code, &[arguments, &["--json"]].concat());
    let results = document["results"].as_array().expect("a list").iter();
    let findings = results.flat_map(|result| result["findings"].as_array().expect("a list"));
    let signature =
        |finding: &serde_json::Value| finding["signature"].as_str().expect("one").into();
    findings.map(signature).collect()
}

#[test]
fn the_commands_of_a_report_show_its_signature() {
    let folder = scratch("pasted");
    for crash in crashes() {
        let (signature, commands) = (crash.signature(), crash.pasted());
        let (run, minimize) = commands.rsplit_once('\n').expect("two commands");
        assert!(minimize.starts_with("cargo run --release -- minimize "), "{commands}");
        let shown = paste(run, &folder);
        assert!(shown.contains(&format!("    signature: {signature}\n")), "{commands}\n{shown}");
        let small = cli::file(&folder, "small.case", paste(minimize, &folder));
        assert!(signatures(1, &["run", &small]).contains(&signature), "{commands}");
        // Its canonical form is the same case.
        let file = commands.split(['>', ' ']).nth(2).and_then(|rest| rest.split('\'').next());
        let file = cli::path(&folder, file.expect("the report names the file").trim());
        let fmt = cli::file(&folder, "fmt.case", expect(0, &["case", "fmt", &file]));
        assert!(signatures(1, &["run", &fmt]).contains(&signature), "{commands}");
    }
}

#[test]
fn the_crash_file_shows_its_signature_with_the_arguments_of_the_report() {
    let folder = scratch("artifact");
    for crash in crashes() {
        let file = cli::file(&folder, "crash-0123", &crash.bytes);
        let (signature, arguments) = (crash.signature(), crash.arguments());
        let with = |command: &'static str| {
            let rest = arguments.iter().map(String::as_str);
            [command, &file].into_iter().chain(rest).collect::<Vec<_>>()
        };
        assert!(signatures(1, &with("run")).contains(&signature), "{arguments:?}");
        // What the report is about is what is kept.
        let small = cli::file(&folder, "small.case", expect(0, &with("minimize")));
        assert!(signatures(1, &["run", &small]).contains(&signature), "{arguments:?}");
    }
}

#[test]
fn the_text_of_an_input_is_what_ran() {
    let mut runner = Runner::new();
    for crash in crashes() {
        let text = Input(&crash.bytes).text(&crash.knobs);
        let case: Case = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(vec![(case.variant, case.bug)], crash.knobs.settings());
        assert!(
            text.lines().next().is_some_and(|line| line.contains(&crash.arguments().join(" ")))
        );
        let findings = runner.run(&case, &Options::of(&case)).findings.clone();
        let shown = findings.iter().map(|finding| runner.describe(finding).signature);
        assert!(shown.collect::<Vec<_>>().contains(&crash.signature()), "{text}");
    }
}

/// Without knobs several variants run; with findings collected, the case's own.
#[test]
fn the_text_of_an_input_names_all_that_ran() {
    let case = common::seed("nested-behind-writer");
    let bytes = case.encode();
    let sound: Vec<&str> = knobs::sound().map(Variant::name).collect();
    let text = Input(&bytes).text(&Knobs::default());
    let (comment, rest) = text.split_once('\n').expect("a comment");
    assert!(comment.contains(&format!("--variant {} --bug none", sound.join(" --variant "))));
    assert!(rest.starts_with(&format!("variant {}\n", sound[0])), "{text}");
    let collecting = Knobs { collect: Some(PathBuf::from("findings")), ..Knobs::default() };
    assert_eq!(Input(&bytes).text(&collecting), case.to_string());
}

/// The README's own case: the hang is what is worth keeping, and the first to show is a prediction.
#[test]
fn a_hang_is_preferred_to_a_prediction() {
    let nested = "corpus/protocol/nested-behind-writer.case";
    let document = json(0, &["minimize", nested, "--json"]);
    assert_eq!(document["results"][0]["kind"], "deadlock");
    let case: Case = expect(0, &["minimize", nested]).parse().expect("a case");
    let findings = Runner::new().run(&case, &Options::of(&case)).findings.clone();
    assert_eq!(findings[0].kind, Kind::RecursiveLock);
    assert_eq!(worst(&findings).map(|finding| finding.kind), Some(Kind::Deadlock));
    assert_eq!(worst(&[]), None);
}

#[test]
fn a_signature_may_be_its_hash_and_an_unknown_one_lists_what_there_is() {
    let nested = "corpus/protocol/nested-behind-writer.case";
    let whole = json(0, &["minimize", nested, "--signature", "c56068d4", "--json"]);
    assert_eq!(whole["results"][0]["kind"], "deadlock");
    for word in ["deadlock-c56068d4", whole["results"][0]["signature"].as_str().expect("one")] {
        assert_eq!(json(0, &["minimize", nested, "--signature", word, "--json"]), whole, "{word}");
    }
    let lists = ["recursive-lock-85d753d6", "deadlock-c56068d4", "lock-order-ef068fc2"];
    for unknown in ["nobody", "c56068d", "lock-order-c56068d4", "c56068d4-", ""] {
        refused(&["minimize", nested, "--signature", unknown], &lists);
    }
    let clean = ["minimize", nested, "--variant", "counted"];
    refused(&clean, &["does not show any finding", "--variant"]);
    refused(&[&clean[..], &["--signature", "c56068d4"]].concat(), &["does not show any finding"]);
}

/// One block of arguments: what it accepts, what it refuses, is the same for all that run programs.
#[test]
fn variant_and_bug_agree_or_are_refused_everywhere() {
    let nested = "corpus/protocol/nested-behind-writer.case";
    let own = "tests/cases/bugs/B11.case";
    for command in ["run", "minimize", "explore", "stress"] {
        let refused =
            |rest: &[&str], words: &[&str]| refused(&[&[command][..], rest].concat(), words);
        for other in ["rwsem", "all"] {
            let words = ["--bug B11 belongs to counted", "--variant"];
            refused(&[nested, "--bug", "B11", "--variant", other], &words);
        }
        refused(&[own, "--variant", "rwsem"], &[own, "B11", "counted", "rwsem", "--bug none"]);
        refused(&[own, "--bug", "B99"], &["no planted bug `B99`"]);
        refused(&[own, "--policy", "unfair"], &["no policy `unfair`"]);
    }
    for rest in [["--bug", "B11"], ["--variant", "counted"]] {
        let shown = signatures(1, &[&["run", own][..], &rest].concat());
        assert_eq!(shown, signatures(1, &["run", own]), "{rest:?}");
        expect(0, &[&["minimize", own][..], &rest].concat());
    }
    let agreed = ["run", own, "--bug", "B11", "--variant", "counted"];
    assert_eq!(signatures(1, &agreed), signatures(1, &["run", own]));
    assert!(signatures(0, &["run", own, "--bug", "none"]).is_empty());
    expect(0, &["explore", own, "--bug", "none", "--variant", "always-lock"]);
    refused(&["minimize", nested, "--variant", "all"], &["one"]);
}

/// A case that names a bug, under every variant: the bug stays where it belongs.
#[test]
fn all_variants_run_a_planted_bug_in_its_own_only() {
    let document = json(1, &["run", "tests/cases/bugs/B11.case", "--variant", "all", "--json"]);
    for result in document["results"].as_array().expect("a list") {
        let text = result["findings"].to_string();
        assert_eq!(text.contains("bug B11"), result["variant"] == "counted", "{result}");
    }
}
