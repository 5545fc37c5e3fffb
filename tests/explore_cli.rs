//! `explore` from the outside: verdicts, bounds, and that neither the number of workers nor a stop in
//! between changes a byte.

#![cfg(feature = "cli")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use common::cli::{self, file, path};

/// A region with a nested split, a memslot that goes, a fault: what each variant makes of it is known.
const KNOWN: &str = "vm vm0  slot 0  gfn 0x00..0x08  hva 0x100
    task mremapper  mremap 0x100..0x104  split 0x100..0x102  end
    task vmm  memslot delete 0
    task vcpu  fault gfn 0x01";

/// More schedules than a test can wait for.
const LONG: &str = "vm vm0  slot 0  gfn 0x00..0x08  hva 0x100
    task a  mremap 0x100..0x104  split 0x100..0x102  end  madvise 0x100..0x104  end
    task b  memslot delete 0  memslot create 0  gfn 0x00..0x08  hva 0x100
    task c  fault gfn 0x01  fault gfn 0x02 write
    task d  munmap 0x102..0x106  end
    task e  fault gfn 0x03 write";

fn of_explore<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["explore"], arguments].concat()
}

fn command(arguments: &[&str]) -> Command {
    cli::command(&of_explore(arguments))
}

fn run(arguments: &[&str]) -> Output {
    cli::run(&of_explore(arguments))
}

#[track_caller]
fn expect(code: i32, arguments: &[&str]) -> String {
    cli::expect(code, &of_explore(arguments))
}

#[track_caller]
fn results(code: i32, arguments: &[&str]) -> Vec<Value> {
    let document = cli::json(code, &of_explore(&[arguments, &["--json"]].concat()));
    document["results"].as_array().expect("a list").clone()
}

#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    cli::refused(&of_explore(arguments), words);
}

fn scratch(name: &str) -> PathBuf {
    cli::scratch(&format!("explore/{name}"))
}

fn kinds(result: &Value) -> BTreeSet<&str> {
    let findings = result["findings"].as_array().expect("a list");
    findings.iter().map(|finding| finding["kind"].as_str().expect("a kind")).collect()
}

#[test]
fn every_variant_has_its_known_verdict() {
    let folder = scratch("known");
    let known = file(&folder, "known.case", KNOWN);
    let results = results(1, &[&known, "--variant", "all"]);
    let expected = [
        ("always-lock", "clean", vec![]),
        (
            "naive-elision",
            "violation",
            vec!["elision-disagreement", "memslots-not-frozen", "unbalanced-count"],
        ),
        ("rwsem", "violation", vec!["deadlock", "lock-order", "recursive-lock"]),
        ("counted", "clean", vec![]),
    ];
    assert_eq!(results.len(), expected.len());
    for (result, (variant, verdict, found)) in results.iter().zip(expected) {
        assert_eq!((&result["variant"], &result["verdict"]), (&variant.into(), &verdict.into()));
        assert_eq!(kinds(result), found.into_iter().collect(), "{variant}");
        assert_eq!((&result["exhausted"], &result["bound"]), (&true.into(), &Value::Null));
        assert_eq!(result["target"], "explore");
        assert!(result["schedules"].as_u64() > Some(100) && result["states"].as_u64() > Some(100));
        assert!(result["memory"].as_u64() > Some(0));
    }
}

#[test]
fn findings_come_with_their_shortest_case() {
    let folder = scratch("shortest");
    let known = file(&folder, "known.case", KNOWN);
    let results = results(1, &[&known, "--variant", "rwsem"]);
    for finding in results[0]["findings"].as_array().expect("a list") {
        let kind = &finding["kind"];
        let case = finding["case"].as_str().expect("one run shows it");
        assert!(finding["shortest"]["steps"].is_u64(), "{kind}");
        let again = cli::json(1, &["run", &file(&folder, "shortest.case", case), "--json"]);
        let shown = again["results"][0]["findings"].as_array().expect("a list").clone();
        assert!(shown.iter().any(|shown| shown["signature"] == finding["signature"]), "{kind}");
        let predicted = kind == "lock-order" || kind == "recursive-lock";
        assert_eq!(finding["witness"]["text"].is_string(), predicted, "{kind}");
    }
    let policies = results[0]["policies"].as_array().expect("something hangs");
    let hangs: Vec<_> = policies.iter().map(|row| (&row["policy"], &row["hangs"])).collect();
    let (fair, biased, phase) = ("writer-fair".into(), "reader-biased".into(), "phase-fair".into());
    let (yes, no) = (true.into(), false.into());
    assert_eq!(hangs, [(&fair, &yes), (&biased, &no), (&phase, &yes)]);
}

#[test]
fn the_text_gives_the_verdict_in_a_line() {
    let folder = scratch("text");
    let known = file(&folder, "known.case", KNOWN);
    let text = expect(0, &[&known, "--variant", "counted"]);
    assert!(text.starts_with("variant counted, rwsems writer-fair: clean, exhausted, "), "{text}");
    assert!(text.ends_with(" MiB)\n") && text.lines().count() == 1, "{text}");
    let text = expect(0, &[&known, "--policy", "reader-biased", "--max-schedules", "10"]);
    let line = "variant counted, rwsems reader-biased: clean so far, stopped by --max-schedules 10, 10 schedules, ";
    assert!(text.starts_with(line), "{text}");
    let text = expect(0, &[&known, "--max-preemptions", "1"]);
    assert!(text.contains(": clean so far, every schedule of up to 1 preemption, "), "{text}");
    let text = expect(0, &[&known, "--max-states", "50"]);
    assert!(text.contains(": clean so far, stopped by --max-states 50, "), "{text}");
    let text = expect(1, &[&known, "--variant", "rwsem"]);
    assert!(
        text.starts_with("variant rwsem, rwsems writer-fair: violation, exhausted, "),
        "{text}"
    );
    for word in
        ["\ndeadlock: ", "    task mremapper\n", "rwsem policies under which these programs hang:"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn bounds_are_not_exhaustion() {
    let folder = scratch("bounds");
    let known = file(&folder, "known.case", KNOWN);
    for (bound, said) in [
        (["--max-schedules", "10"], "10 schedules"),
        (["--max-states", "50"], "50 states"),
        (["--max-preemptions", "0"], "0 preemptions"),
    ] {
        let result = &results(0, &[&[known.as_str()], &bound[..]].concat())[0];
        assert_eq!((&result["exhausted"], &result["bound"]), (&false.into(), &said.into()));
    }
    let all = results(0, &[&known])[0]["schedules"].as_u64().expect("a number");
    let result = &results(0, &[&known, "--max-schedules", &all.to_string()])[0];
    assert_eq!(result["exhausted"], true, "a bound that is just reached stopped nothing");
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let folder = scratch("workers");
    let known = file(&folder, "known.case", KNOWN);
    for bound in [&[][..], &["--max-schedules", "300"]] {
        let with = |workers: &str| {
            let arguments = [&known, "--variant", "all", "--json", "--workers", workers];
            expect(1, &[&arguments[..], bound].concat())
        };
        assert_eq!(with("1"), with("2"));
        assert_eq!(with("1"), with("7"));
    }
}

/// Goes on with the search until nothing stops it; how often it was stopped, and what it says then.
fn in_parts(arguments: &[&str], step: &str) -> (u32, String) {
    for stops in 0..1_000 {
        let output = run(&[arguments, &["--max-schedules", step]].concat());
        let text = String::from_utf8(output.stdout).expect("stdout is UTF-8");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        if !text.contains(&format!("\"bound\": \"{step} schedules\"")) {
            return (stops, text);
        }
    }
    panic!("the search does not come forward");
}

#[test]
fn a_search_in_parts_says_what_one_in_one_go_says() {
    let folder = scratch("parts");
    let known = file(&folder, "known.case", KNOWN);
    for (i, more) in [&[][..], &["--max-preemptions", "2"], &["--points", "all"]].iter().enumerate()
    {
        let arguments = [&[known.as_str(), "--variant", "all", "--json"][..], more].concat();
        let state = path(&folder, &format!("{i}.state"));
        let whole = expect(1, &arguments);
        let (stops, parts) = in_parts(&[&arguments[..], &["--resume", &state]].concat(), "700");
        assert!(stops > 1, "{more:?} was stopped {stops} times");
        assert_eq!(whole, parts, "{more:?}");
        let again = expect(1, &[&arguments[..], &["--resume", &state]].concat());
        assert_eq!(whole, again, "what is exhausted stays so");
    }
}

#[test]
fn states_of_other_searches_are_refused() {
    let folder = scratch("other");
    let known = file(&folder, "known.case", KNOWN);
    let state = path(&folder, "state");
    expect(0, &[&known, "--resume", &state, "--max-schedules", "5"]);
    let other = file(&folder, "other.case", KNOWN.replace("0x01", "0x02"));
    refused(&[&other, "--resume", &state], &[&state, "another search"]);
    for options in [["--variant", "rwsem"], ["--policy", "phase-fair"], ["--max-preemptions", "1"]]
    {
        let arguments = [&[known.as_str(), "--resume", &state], &options[..]].concat();
        refused(&arguments, &[&state, "another search"]);
    }
    let mut bytes = fs::read(&state).expect("it was written");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    refused(&[&known, "--resume", &file(&folder, "flipped", &bytes)], &["damaged"]);
    refused(&[&known, "--resume", &file(&folder, "short", &bytes[..middle])], &["damaged"]);
    refused(&[&known, "--resume", &file(&folder, "empty", "")], &["no state of a search"]);
    refused(&[&known, "--resume", &known], &["no state of a search"]);
    assert_eq!(fs::read_to_string(&known).expect("it is there"), KNOWN, "and left as it was");
    refused(&[&known, "--resume", "/nowhere/state"], &["/nowhere/state"]);
    refused(&[&known, "--resume", &path(&folder, "")], &["explore", "a folder; name a file"]);
}

/// Begins a long search and ends it with that signal once it is under way.
fn interrupted(signal: Signal, arguments: &[&str]) -> Output {
    let child = command(arguments).spawn().expect("the program runs");
    std::thread::sleep(Duration::from_millis(1_500));
    let id = i32::try_from(child.id()).expect("an id");
    kill(Pid::from_raw(id), signal).expect("it still runs");
    child.wait_with_output().expect("it ends")
}

#[test]
fn ctrl_c_prints_what_holds_so_far_and_the_search_goes_on_later() {
    let folder = scratch("ctrl-c");
    let (long, state) = (file(&folder, "long.case", LONG), path(&folder, "state"));
    let arguments = [long.as_str(), "--variant", "counted", "--json", "--resume", &state];
    let schedules = |output: &Output| {
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        let result = document["results"][0].clone();
        assert_eq!(
            (&result["bound"], &result["exhausted"]),
            (&"interrupted".into(), &false.into())
        );
        result["schedules"].as_u64().expect("a number")
    };
    let first = schedules(&interrupted(Signal::SIGINT, &arguments));
    let second = schedules(&interrupted(Signal::SIGINT, &arguments));
    assert!(first > 0 && second > first, "{first}, {second}");
    let text = cli::stdout(&interrupted(Signal::SIGINT, &[&long, "--variant", "counted"]));
    let line = text.lines().next().unwrap_or_default();
    assert!(line.starts_with("variant counted, rwsems writer-fair: clean so far"), "{text}");
    assert!(line.contains(", interrupted, "), "{text}");
}

#[test]
fn seconds_stop_a_search() {
    let folder = scratch("seconds");
    let long = file(&folder, "long.case", LONG);
    let text = expect(0, &[&long, "--seconds", "1", "--variant", "counted"]);
    let line = text.lines().next().unwrap_or_default();
    assert!(
        line.contains(": clean so far") && line.contains(", stopped by --seconds 1, "),
        "{text}"
    );
}

#[test]
fn cases_are_written_where_they_are_wanted() {
    let folder = scratch("out");
    let known = file(&folder, "known.case", KNOWN);
    let out = path(&folder, "found/here");
    let text = expect(1, &[&known, "--variant", "rwsem", "--out", &out]);
    assert!(!text.contains("schedule mremapper"), "{text}");
    let files: Vec<_> = fs::read_dir(&out).expect("it is made").collect();
    assert!(!files.is_empty());
    for entry in files {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.starts_with("rwsem-") && name.ends_with(".case"), "{name}");
        assert!(text.contains(&name), "{name}: {text}");
    }
    refused(&[&known, "--out", &known], &[&known, "--out wants a folder"]);
}

#[test]
fn what_cannot_be_written_is_printed() {
    let folder = scratch("unwritable");
    let (nested, out) = ("corpus/protocol/nested-behind-writer.case", path(&folder, "out"));
    let long = file(&folder, "long.case", LONG);
    let all = ["--variant", "rwsem", "--workers", "1", "--seconds", "60", "--out", &out];
    let child = command(&[&[long.as_str()], &all[..]].concat()).spawn().expect("the program runs");
    std::thread::sleep(Duration::from_millis(1_500));
    fs::remove_dir(&out).expect("it is empty");
    fs::write(&out, "in the way").expect("it can be written");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("it still runs");
    let output = child.wait_with_output().expect("it ends");
    let (text, stderr) = (cli::stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{text}{stderr}");
    assert!(stderr.starts_with(&format!("kvm-lock-fuzz: {out}")), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for word in ["variant rwsem, rwsems writer-fair: violation", "    variant rwsem\n"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    fs::remove_file(&out).expect("it can go");
    let text = expect(1, &[nested, "--variant", "rwsem", "--out", &out]);
    assert!(!text.contains("    variant rwsem\n"), "{text}");
}

#[test]
fn planted_bugs_are_found() {
    let folder = scratch("bugs");
    let known = file(&folder, "known.case", KNOWN);
    let result = &results(1, &[&known, "--bug", "B11"])[0];
    assert_eq!((&result["variant"], &result["bug"]), (&"counted".into(), &"B11".into()));
    assert!(!kinds(result).is_empty());
}

#[test]
fn the_policy_that_was_searched_is_not_searched_again() {
    let races = "corpus/protocol/fault-races-region.case";
    let result = &results(1, &[races, "--variant", "rwsem"])[0];
    let row = &result["policies"][0];
    assert_eq!(row["policy"], result["policy"]);
    assert_eq!((&row["hangs"], &row["exhausted"]), (&false.into(), &true.into()));
    assert_eq!(row["schedules"], result["schedules"]);
}

#[test]
fn bad_usage_is_one_line() {
    let folder = scratch("bad");
    let known = file(&folder, "known.case", KNOWN);
    refused(&["/nowhere.case"], &["/nowhere.case"]);
    refused(&[&file(&folder, "bad.case", "task x fly")], &["line 1"]);
    refused(&[&file(&folder, "empty.case", "vm vm0")], &["no task"]);
    refused(&[&known, "--variant", "rwsemm"], &["no variant `rwsemm`", "rwsem"]);
    refused(&[&known, "--bug", "B99"], &["no planted bug `B99`"]);
    refused(&[&known, "--bug", "B11", "--variant", "rwsem"], &["B11", "counted", "--variant"]);
    refused(&[&known, "--policy", "unfair"], &["no policy `unfair`"]);
    refused(&[&known, "--points", "some"], &["--points"]);
    for (option, value) in [
        ("--seconds", "0"),
        ("--seconds", "99999999999"),
        ("--max-preemptions", "300"),
        ("--max-preemptions", "-1"),
        ("--max-schedules", "0"),
        ("--max-schedules", "99999999999999999999"),
        ("--max-states", "0"),
        ("--max-states", "99999999999"),
        ("--max-memory", "0M"),
        ("--max-memory", "1023K"),
        ("--max-memory", "lots"),
        ("--max-memory", "5"),
        ("--max-answer-states", "0"),
        ("--workers", "0"),
        ("--workers", "99999"),
    ] {
        refused(&[&known, &format!("{option}={value}")], &[option]);
    }
}

/// The searches for answers are part of what a variant costs: they stand in the head, and end together.
#[test]
fn the_head_says_what_the_answers_took_and_what_ended_them() {
    let races = "corpus/protocol/fault-races-region.case";
    let result = &results(1, &[races, "--variant", "rwsem"])[0];
    let answers = &result["answers"];
    let witness = &result["findings"][0]["witness"]["schedules"];
    assert!(answers["schedules"].as_u64() > witness.as_u64() && witness.is_u64(), "{result}");
    assert!(answers["states"].as_u64() > result["states"].as_u64(), "{answers}");
    assert!(answers["memory"].is_u64() && answers["bound"].is_null(), "{answers}");
    let few = [races, "--variant", "rwsem", "--max-answer-states", "1000"];
    let text = expect(1, &few);
    let head = text.lines().next().unwrap_or_default();
    assert!(head.contains(" MiB); for the answers "), "{head}");
    assert!(head.ends_with(", stopped by --max-answer-states 1000"), "{head}");
    assert!(text.contains("none within ") && text.contains(" (the bound on states)"), "{text}");
    let result = &results(1, &few)[0];
    assert_eq!((&result["exhausted"], &result["bound"]), (&true.into(), &Value::Null));
    assert_eq!(result["answers"]["bound"], "1000 states");
    assert!(result["answers"]["states"].as_u64() <= Some(1_000), "{result}");
    let counted = &results(0, &[races, "--variant", "counted"])[0];
    assert!(counted["answers"].is_null(), "nothing had to be answered: {counted}");
}

#[test]
fn memory_bounds_a_search_that_goes_on_later_with_more() {
    let folder = scratch("memory");
    let (long, state) = (file(&folder, "long.case", LONG), path(&folder, "state"));
    let with = |memory, more: &[&str]| {
        let arguments = [long.as_str(), "--variant", "counted", "--max-memory", memory];
        results(0, &[&arguments, more].concat())[0].clone()
    };
    let first = with("1M", &["--resume", &state]);
    assert_eq!((&first["bound"], &first["exhausted"]), (&"1M of memory".into(), &false.into()));
    assert!(first["memory"].as_u64() <= Some(1 << 20), "{first}");
    let second = with("2M", &["--resume", &state]);
    assert!(second["states"].as_u64() > first["states"].as_u64(), "{first}{second}");
    assert_eq!(second, with("2M", &[]), "in parts as in one go");
    let text = expect(0, &[&long, "--variant", "counted", "--max-memory", "1M"]);
    assert!(text.contains(": clean so far, stopped by --max-memory 1M, "), "{text}");
}

/// The system may have less than the search was allowed: no abort, and what was seen is there.
#[cfg(target_os = "linux")]
#[test]
fn where_the_system_has_no_memory_the_search_stops_and_says_so() {
    let folder = scratch("system");
    let (long, state) = (file(&folder, "long.case", LONG), path(&folder, "state"));
    let within = |kilobytes: u32, more: &[&str]| {
        let program = env!("CARGO_BIN_EXE_kvm-lock-fuzz");
        let line = format!("ulimit -v {kilobytes}; exec \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line, "sh", program, "explore", &long, "--variant", "counted"]);
        let workers = ["--workers", "1", "--resume", &state];
        shell.args(workers).args(more).current_dir(env!("CARGO_MANIFEST_DIR")).output()
    };
    let short = |kilobytes: &u32| {
        let output = within(*kilobytes, &["--max-schedules", "50"]).expect("sh runs");
        output.status.code() == Some(0)
    };
    let least = (0..200).map(|i| 20_000 + 4_000 * i).find(short).expect("a small search has room");
    let output = within(least + 12_000, &[]).expect("sh runs");
    let (text, stderr) = (cli::stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{text}");
    assert!(text.contains(", stopped because the system gave no more memory than "), "{text}");
    let result = &results(
        0,
        &[
            &long,
            "--variant",
            "counted",
            "--workers",
            "1",
            "--resume",
            &state,
            "--max-schedules",
            "100",
        ],
    )[0];
    assert!(result["schedules"].as_u64() > Some(150), "it goes on from there: {result}");
}
