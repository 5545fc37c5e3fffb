//! The table of a campaign and the findings below it, and the pages of `run` and `explore`, with the
//! symptoms of one cause together.

#![cfg(feature = "cli")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::cli::{expect, json};
use common::{case, golden};
use kvm_lock_fuzz::campaign::slice::Crash;
use kvm_lock_fuzz::campaign::{ArmReport, CrashFound, Engine, First, Found, Report, results};
use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::explore::{Limits, witness_of};
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::run::causes::needs_bug;
use kvm_lock_fuzz::run::{Finding, Options, Runner};

const B11: &str = include_str!("cases/bugs/B11.case");
/// The smallest case of both findings.
const NESTED: &str =
    "variant rwsem vm vm0 task mremapper mremap 0x100..0x101 split 0x100..0x101 end";

fn first(seconds: f64) -> First {
    First { seconds, engine: Engine::Guided }
}

/// What an arm reports that found all that these cases show, half a second apart.
fn arm(variant: Variant, bug: Option<Bug>, cases: &[Case]) -> ArmReport {
    let mut findings: Vec<Found> = Vec::new();
    for case in cases {
        let shown = Runner::new().run(case, &Options::of(case)).findings.clone();
        for finding in &shown {
            if findings.iter().all(|known| known.finding.signature != finding.signature) {
                findings.push(found(case, finding, findings.len()));
            }
        }
    }
    findings.sort_by_key(|f| (f.finding.severity, f.finding.kind, f.finding.signature));
    ArmReport {
        target: "protocol",
        variant: Some(variant),
        bug,
        executions: 1_234_567,
        drawn: 0,
        edges: 4_000,
        findings,
        crashes: Vec::new(),
        incomplete: None,
    }
}

fn found(case: &Case, finding: &Finding, number: usize) -> Found {
    let mut runner = Runner::new();
    let because_of_bug = needs_bug(&mut runner, case, finding.signature);
    let outcome = runner.run(case, &Options::of(case)).clone();
    Found {
        finding: *finding,
        described: runner.describe_in(case, finding),
        case: case.clone(),
        first: (number > 0).then(|| first(number as f64 / 2.0)),
        because_of_bug,
        shows: outcome.findings.iter().map(|finding| finding.signature).collect(),
        artifact: PathBuf::new(),
        unsaved: false,
        witness: witness_of(&runner, case, finding, &Limits::brief()),
    }
}

fn other(target: &'static str, crash: Option<Crash>, incomplete: Option<&str>) -> ArmReport {
    let crashes = crash.map(|crash| CrashFound { crash, first: Some(first(12.345)) });
    ArmReport {
        target,
        variant: None,
        executions: if incomplete.is_some() { 0 } else { 98_765_432 },
        crashes: crashes.into_iter().collect(),
        incomplete: incomplete.map(str::to_string),
        ..arm(Variant::Counted, None, &[])
    }
}

fn report(arms: Vec<ArmReport>) -> Report {
    let time = Duration::from_millis(60_040);
    let (runs, notice, failure, unsaved) = Default::default();
    Report { arms, time, runs, interrupted: false, notice, failure, unsaved }
}

fn variants() -> Report {
    let crash = Crash {
        kind: "crash",
        place: "src/case/text/parse/mod.rs:123:45".to_string(),
        message: "index out of bounds".to_string(),
        artifact: "fuzz/artifacts/campaign/case_text/crash-0123456789abcdef".into(),
    };
    let starved = common::seed("nested-reader-biased");
    report(vec![
        arm(Variant::AlwaysLock, None, &[]),
        arm(Variant::NaiveElision, None, &[common::seed("delete-in-region")]),
        arm(Variant::Rwsem, None, &[case(NESTED), Case { variant: Variant::Rwsem, ..starved }]),
        arm(Variant::Counted, None, &[common::seed("starved-update")]),
        other("lockdep", None, Some("no turn came before the time was over")),
        other("case_text", Some(crash), None),
    ])
}

fn bugs() -> Report {
    report(vec![
        arm(Variant::Counted, Some(Bug::B11), &[case(B11)]),
        arm(Variant::Rwsem, Some(Bug::EndReleasesUnheld), &[]),
    ])
}

fn text(report: &Report) -> String {
    results::text(Path::new("results"), report)
}

#[test]
fn the_table_of_a_campaign() {
    golden("table-variants.txt", &text(&variants()));
    golden("table-bugs.txt", &text(&bugs()));
}

#[test]
fn the_table_fits_its_page_and_breaks_no_name() {
    let folder = Path::new("results");
    for report in [variants(), bugs()] {
        for (width, most) in [(40, 80), (80, 80), (100, 100), (200, 200)] {
            let text = results::text_within(folder, &report, width);
            let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
            assert!(rows.len() > 2);
            for row in rows {
                assert!(row.chars().count() <= most, "{width} columns: {row}");
            }
            for found in report.arms.iter().flat_map(|arm| &arm.findings) {
                assert!(text.contains(found.finding.kind.name()), "{text}");
            }
        }
    }
}

#[test]
fn each_finding_is_said_once_with_its_file() {
    let report = variants();
    let text = text(&report);
    for arm in &report.arms {
        for found in &arm.findings {
            let file = format!("/{}/{}-", arm.name(), found.finding.kind.name());
            let lines = text.lines().filter(|line| line.contains("    case: "));
            let of_kind = arm.findings.iter().filter(|f| f.finding.kind == found.finding.kind);
            assert_eq!(
                lines.filter(|line| line.contains(&file)).count(),
                of_kind.count(),
                "{text}"
            );
        }
    }
}

#[test]
fn json_lists_every_finding_with_its_group() {
    let report = bugs();
    let document = results::document(Path::new("results"), &report);
    let findings = &document.results[0].findings;
    let first = report.arms[0].findings.iter().find(|found| found.first.is_none());
    let first = &first.expect("one was there before").described.signature;
    assert!(findings.len() > 3);
    assert!(findings.iter().all(|entry| entry.group.as_ref() == Some(first)), "{findings:?}");
}

#[test]
fn pages_have_the_symptoms_of_a_bug_together() {
    let path = "tests/cases/bugs/B11.case";
    golden("run-b11.txt", &expect(1, &["run", path]));
    golden("explore-b11.txt", &expect(1, &["explore", path]));
    for command in ["run", "explore"] {
        let document = json(1, &[command, path, "--json"]);
        let findings = document["results"][0]["findings"].as_array().expect("a list").clone();
        let groups: Vec<_> = findings.iter().map(|finding| finding["group"].clone()).collect();
        assert!(groups.len() > 3 && groups.iter().all(|group| *group == groups[0]), "{groups:?}");
        assert!(findings.iter().any(|finding| finding["signature"] == groups[0]));
    }
}
