//! `lockdep check`: verdicts as JSON Lines, differences, damaged records.
#![cfg(feature = "cli")]

use std::path::PathBuf;

use kvm_lock_fuzz::lockdep::check::{MAX_NAMED, run};
use nix::time::{ClockId, clock_gettime};
use proptest::prelude::*;
use serde_json::{Value, json};

struct Checked {
    code: u8,
    stdout: String,
    stderr: String,
}

fn check(files: &[PathBuf], verify: bool) -> Checked {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = run(files, verify, &mut stdout, &mut stderr);
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    Checked { code, stdout: text(stdout), stderr: text(stderr) }
}

fn check_text(name: &str, text: &[u8], verify: bool) -> Checked {
    let path = std::env::temp_dir().join(format!("lockdep-check-{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("a temporary file");
    let checked = check(std::slice::from_ref(&path), verify);
    std::fs::remove_file(&path).expect("the temporary file");
    checked
}

fn vectors() -> Vec<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/lockdep");
    ["selftest.jsonl", "random_public.jsonl", "seed.jsonl"].map(|file| dir.join(file)).to_vec()
}

#[test]
fn all_public_vectors_agree() {
    let checked = check(&vectors(), true);
    assert_eq!(checked.stderr, "1468 of 1468 records agree, 0 differ, 0 damaged\n");
    assert_eq!((checked.code, checked.stdout.lines().count()), (0, 1468));
}

#[test]
fn a_difference_is_named_and_counts() {
    let text = std::fs::read_to_string(&vectors()[2]).expect("the seed vectors");
    let mut record: Value = serde_json::from_str(text.lines().next().unwrap_or("")).expect("JSON");
    record["verdict"]["at"] = json!(7);
    let checked = check_text("differs", record.to_string().as_bytes(), true);
    assert_eq!(checked.code, 1);
    assert!(checked.stderr.contains(":1: seed/as_reported differs: at is 8, not 7\n"));
    assert!(checked.stderr.ends_with("0 of 1 records agree, 1 differ, 0 damaged\n"));
}

#[test]
fn the_blind_spot_is_said_in_another_field() {
    let lines = check(&vectors()[..1], false).stdout;
    let line = lines.lines().find(|line| line.contains("x/bfs/weak_first_hides_strong_path"));
    let record: Value = serde_json::from_str(line.unwrap_or("")).expect("JSON");
    assert_eq!(record["kind"], json!("none"));
    let found = &record["beyond_kernel"][0];
    assert_eq!(found["signature"], json!("circular N -EN-> Y -EN-> X -SN-> P -EN-> N"));
    assert!(found["note"].as_str().is_some_and(|note| note.contains("visited before")));
}

fn record(decl: &[&str], events: &[&str]) -> String {
    json!({"id": "x", "raw_lock_nesting": false, "decl": decl, "events": events}).to_string()
}

#[test]
fn a_damaged_record_is_one_line_and_the_rest_runs() {
    let decl = ["class A", "lock a A"];
    let long = format!("class {}", "n".repeat(1025));
    let cases = [
        ("{".to_owned(), "not a JSON record"),
        ("[]".to_owned(), "field `id`"),
        (r#"{"id":"x","raw_lock_nesting":false,"decl":[]}"#.to_owned(), "field `events`"),
        (record(&["class A", "lock a B"], &[]), "declaration 1: undeclared class `B`"),
        (record(&["clas A"], &[]), "unknown declaration `clas`"),
        (record(&[&long], &[]), "a name of 1025 bytes"),
        (record(&["class A inner=deep"], &[]), "unknown wait type `deep`"),
        (record(&["class A", "lock a A sub=8"], &[]), "sub=8 is no number in 0..7"),
        (record(&["task T pid=x"], &[]), "pid=`x` is no number"),
        (record(&decl, &["T acq b w"]), "event 0: undeclared lock `b`"),
        (record(&decl, &["T grab a"]), "unknown operation `grab`"),
        (record(&decl, &["T acq a"]), "the read mode (w, r, R or rq) is missing"),
        (record(&decl, &["T acq a q"]), "unknown read mode `q`"),
        (record(&decl, &["T acq a w sub=300"]), "sub=`300` is no number"),
        (record(&decl, &["T acq a w nest=b"]), "undeclared lock `b`"),
        (record(&decl, &["T rel a a"]), "unexpected `a`"),
        (record(&decl, &["T", ""]), "the operation is missing"),
        (record(&decl, &["T hardirq_exit"]), "mis-nested interrupt event"),
        (record(&decl, &["T softirqs_on"]), "mis-nested interrupt event"),
        (record(&decl, &["T hardirq_enter", "T hardirqs_on"]), "inside a hard interrupt"),
        (record(&decl, &vec!["T rel a"; 65_537]), "`events` is too long (65537, at most 65536)"),
    ];
    let good = record(&decl, &["T acq a w"]);
    let mut text = String::new();
    for (line, _) in &cases {
        text += &format!("{line}\n{good}\n\n");
    }
    let checked = check_text("damaged", text.as_bytes(), false);
    assert_eq!((checked.code, checked.stdout.lines().count()), (2, cases.len()));
    let errors: Vec<&str> = checked.stderr.lines().collect();
    assert_eq!(errors.len(), cases.len(), "{}", checked.stderr);
    for (n, ((_, wanted), error)) in cases.iter().zip(errors).enumerate() {
        let place = format!(":{}: ", 3 * n + 1);
        assert!(error.contains(&place) && error.contains(wanted), "{error}\nlacks {wanted}");
    }
}

#[test]
fn a_subclass_out_of_range_is_a_verdict() {
    let text = record(&["class A", "lock a A"], &["T acq a w sub=9"]);
    let checked = check_text("subclass", text.as_bytes(), false);
    let value: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!((value["kind"].as_str(), checked.code), (Some("bad_subclass"), 0));
    let report = "BUG: looking up invalid subclass: 9\nturning off the locking correctness \
                  validator.\n<dump_stack ev0>\n";
    assert_eq!(value["report"], json!(report));
}

#[test]
fn an_unreadable_file_is_said_and_the_others_run() {
    let mut files = vec![PathBuf::from("no/such/file.jsonl")];
    files.extend(vectors().into_iter().skip(2));
    let checked = check(&files, true);
    assert_eq!(checked.code, 2);
    assert!(checked.stderr.starts_with("no/such/file.jsonl: cannot read"));
    assert_eq!(checked.stdout.lines().count(), 20);
}

/// No input makes it panic, and every line is either a verdict or an error.
#[test]
fn random_damage_never_panics() {
    let mut seed = 3_u64;
    let mut random = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % n
    };
    let lines: Vec<Vec<u8>> = vectors()
        .iter()
        .flat_map(|path| {
            std::fs::read_to_string(path)
                .expect("vectors")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .map(|line| line.split(",\"verdict\"").next().unwrap_or("").as_bytes().to_vec())
        .map(|mut line| {
            line.push(b'}');
            line
        })
        .collect();
    let (mut damaged, mut count) = (Vec::new(), 0);
    for _ in 0..6000 {
        let mut line = lines[random(lines.len())].clone();
        for _ in 0..1 + random(3) {
            if line.len() < 2 {
                break;
            }
            let at = random(line.len());
            match random(5) {
                0 => line[at] = b"0123456789wrRq =\"{}[],ABCTab\\\xff\x00"[random(31)],
                1 => drop(line.remove(at)),
                2 => line.insert(at, line[random(line.len())]),
                3 => {
                    let end = (at + random(40)).min(line.len());
                    let piece = line[at..end].to_vec();
                    let to = random(line.len());
                    line.splice(to..to, piece);
                }
                _ => line.truncate(at.max(1)),
            }
        }
        line.retain(|byte| *byte != b'\n');
        count += usize::from(!line.trim_ascii().is_empty());
        line.push(b'\n');
        damaged.push(line);
    }
    // In files so short that every damaged record is named.
    let files = damaged.chunks(MAX_NAMED).map(|lines| check_text("random", &lines.concat(), false));
    let (mut verdicts, mut errors) = (0, 0);
    for checked in files {
        assert_eq!(checked.code, 2);
        verdicts += checked.stdout.lines().count();
        errors += checked.stderr.lines().count();
    }
    assert_eq!(verdicts + errors, count);
    assert!(verdicts > 200, "{verdicts}");
}

/// What a record names cannot end its line and begin another, nor reach a terminal as control.
#[test]
fn an_id_cannot_forge_the_line_of_another_record() {
    let id = "x\nother.jsonl:7: seed differs: at is 1\u{1b}[31m\u{7}\0\u{202e}";
    let good = json!({"id": id, "raw_lock_nesting": false, "decl": [], "events": [],
        "verdict": {"kind": "circular"}, "state": {}});
    let bad =
        json!({"id": id, "raw_lock_nesting": false, "decl": ["\u{1b}[2J\u{7}"], "events": []});
    let checked = check_text("forged", format!("{good}\n{bad}\n").as_bytes(), true);
    assert_eq!((checked.code, checked.stderr.lines().count()), (2, 3), "{}", checked.stderr);
    assert!(
        checked
            .stderr
            .contains(r"x\nother.jsonl:7: seed differs: at is 1\u{1b}[31m\u{7}\u{0}\u{202e}")
    );
    assert!(checked.stderr.contains(r"unknown declaration `\u{1b}[2J\u{7}`"), "{}", checked.stderr);
    assert!(!checked.stderr.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn a_file_of_something_else_does_not_bury_the_rest() {
    let good = record(&["class A", "lock a A"], &["T acq a w"]);
    let text = format!("{}{good}\n", "garbage\n".repeat(MAX_NAMED + 7));
    let checked = check_text("garbage", text.as_bytes(), false);
    assert_eq!((checked.code, checked.stdout.lines().count()), (2, 1));
    assert_eq!(checked.stderr.lines().count(), MAX_NAMED + 1);
    let last = checked.stderr.lines().last().unwrap_or_default();
    assert!(
        last.ends_with(": over 100 damaged records, mend those above first; 7 more are not listed")
    );
    let text = "garbage\n".repeat(MAX_NAMED);
    let checked = check_text("bad-enough", text.as_bytes(), false);
    assert_eq!(checked.stderr.lines().count(), MAX_NAMED);
}

/// Lines of a file that are not blank; LF and CR end them.
fn lines_of(text: &[u8]) -> usize {
    text.split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter(|line| !line.trim_ascii().is_empty())
        .count()
}

/// A verdict or an error of one line for each line of the input, and nothing on them that acts.
fn answers_each_line(name: &str, text: &[u8]) {
    let checked = check_text(name, text, false);
    let (verdicts, errors) = (checked.stdout.lines().count(), checked.stderr.lines().count());
    assert!(errors <= MAX_NAMED, "{errors}");
    assert_eq!(verdicts + errors, lines_of(text), "{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.code, if errors > 0 { 2 } else { 0 });
    for verdict in checked.stdout.lines() {
        assert!(serde_json::from_str::<Value>(verdict).is_ok_and(|v| v["kind"].is_string()));
    }
    for error in checked.stderr.lines() {
        assert!(error.contains(name) && !error.contains(|c: char| c.is_control()), "{error:?}");
    }
}

/// Words of the language, and some that are none.
fn line_of_script() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => prop::sample::select(vec![
            "class", "lock", "task", "A", "B", "a", "b", "T", "acq", "sync", "rel", "downgrade",
            "free", "setsub", "hardirqs_off", "hardirqs_on", "softirqs_off", "softirqs_on",
            "hardirq_enter", "threaded", "hardirq_exit", "softirq_enter", "softirq_exit",
            "user_exit", "task_exit", "w", "r", "R", "rq", "try", "sub=1", "sub=9", "sub=300",
            "nest=a", "check=0", "name=x", "inner=spin", "outer=sleep", "type=percpu", "pid=-1",
        ]).prop_map(str::to_owned),
        1 => ".{0,12}",
    ];
    prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
}

/// A list of lines of which the first ones are as they should be.
fn script(first: Vec<&'static str>) -> impl Strategy<Value = Vec<String>> {
    let first: Vec<String> = first.into_iter().map(str::to_owned).collect();
    let lines = prop::collection::vec(line_of_script(), 0..3);
    lines.prop_map(move |lines| [first.clone(), lines].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_bytes_are_answered_line_by_line(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        answers_each_line("any-bytes", &bytes);
    }

    #[test]
    fn any_script_is_answered_line_by_line(
        decl in script(vec!["class A", "class B", "lock a A", "lock b B"]),
        events in script(vec!["T acq a w", "T acq b w", "T rel b", "T rel a", "T acq b R"]),
        id in ".{0,20}",
    ) {
        let record = json!({"id": id, "raw_lock_nesting": false, "decl": decl, "events": events});
        answers_each_line("any-script", record.to_string().as_bytes());
    }

    #[test]
    fn any_json_is_answered_line_by_line(
        field in prop::sample::select(vec!["id", "raw_lock_nesting", "decl", "events"]),
        value in prop::sample::select(vec![
            "null", "1e999", "-0", "\"\\ud800\"", "[[]]", "{}", "[1]", "\"\\u0000\"", "[\"\\n\"]",
        ]),
        cut in 0..200usize,
    ) {
        let good = record(&["class A", "lock a A"], &["T acq a w"]);
        let at = good.find(&format!("\"{field}\":")).expect("the field") + field.len() + 3;
        let text = format!("{}{value},\"rest\":{}", &good[..at], &good[at..]);
        answers_each_line("any-json", &text.as_bytes()[..cut.min(text.len())]);
        answers_each_line("any-json", text.as_bytes());
    }
}

/// CPU time of this thread for checking a text, in nanoseconds: the least of three.
fn cost(name: &str, text: &str) -> i64 {
    let now = || {
        let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock");
        time.tv_sec() * 1_000_000_000 + time.tv_nsec()
    };
    let once = |_| {
        let begin = now();
        check_text(name, text.as_bytes(), false);
        now() - begin
    };
    (0..3).map(once).min().unwrap_or_default()
}

/// Eight times the input costs about eight times as much.
#[test]
fn garbage_costs_in_proportion_to_its_length() {
    type Form = fn(usize) -> String;
    let forms: [(&str, Form); 6] = [
        ("lines", |n| "garbage\n".repeat(n / 8)),
        ("one-line", |n| "x".repeat(n)),
        ("open-string", |n| format!("{{\"id\":\"{}", "\\u001b".repeat(n / 6))),
        ("nested", |n| "[".repeat(n)),
        ("blank", |n| " \n".repeat(n / 2)),
        ("events", |n| record(&["class A", "lock a A"], &vec!["T rel a"; n / 16])),
    ];
    for (name, form) in forms {
        let (small, large) = (cost(name, &form(1 << 16)), cost(name, &form(1 << 19)));
        assert!(large < 24 * small.max(100_000), "{name}: {small} and {large} ns");
    }
}

/// A chain of classes, with chords back that close a cycle each.
fn chain(classes: usize, chords: usize, span: usize) -> String {
    let decl = (0..classes).flat_map(|i| [format!("class c{i}"), format!("lock c{i} c{i}")]);
    let mut events = Vec::new();
    let mut pair = |held: usize, new: usize| {
        events.push(format!("T acq c{held} w"));
        events.push(format!("T acq c{new} w"));
        events.push(format!("T rel c{new}"));
        events.push(format!("T rel c{held}"));
    };
    (1..classes).for_each(|i| pair(i - 1, i));
    let mut seed = 1_usize;
    for _ in 0..chords {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let back = 1 + (seed >> 33) % span;
        let held = back + (seed >> 13) % (classes - back);
        pair(held, held - back);
    }
    json!({"id": "x", "raw_lock_nesting": false, "decl": decl.collect::<Vec<_>>(), "events": events})
        .to_string()
}

/// What many chords cost is their cycles, not the square of their number or of the chain.
#[test]
fn chords_cost_no_more_than_their_cycles() {
    let alone = cost("chain", &chain(4_000, 0, 1));
    for (chords, span) in [(2_000, 12), (800, 3_000)] {
        let with = cost("chords", &chain(4_000, chords, span));
        assert!(with < 30 * alone, "{chords} chords: {with} ns, without {alone}");
    }
}
