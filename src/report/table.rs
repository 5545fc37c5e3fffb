//! The table of a campaign: variant x property, or planted bug x property; below it, why arms are
//! incomplete, and whether the predicted cycles hang.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::campaign::results::Files;
use crate::campaign::{ArmReport, CrashFound, Found, Report};
use crate::oracle::Severity;
use crate::quote;

/// The table, with a closing line for what was interrupted, and the answers for predicted cycles.
/// `files` names the files of a finding.
pub fn campaign(report: &Report, files: impl Fn(&ArmReport, &Found) -> Files) -> String {
    let bugs = report.arms.iter().any(|arm| arm.bug.is_some());
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let first = if bugs { "planted bug" } else { "variant" };
    table.set_header([
        "target",
        first,
        "property",
        "executions",
        "findings",
        "smallest reproducer",
        "first seen",
    ]);
    for arm in &report.arms {
        for row in rows(arm, &files) {
            table.add_row(row);
        }
    }
    for column in [3, 4] {
        let column = table.column_mut(column).expect("the header has seven columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    let below = [closing(report), causes(report), cycles(report, &files), unsaved(report)].concat();
    format!("{table}\n{below}")
}

/// Every predicted cycle, its case, and whether it hangs.
fn cycles(report: &Report, files: &impl Fn(&ArmReport, &Found) -> Files) -> String {
    let mut text = String::new();
    for arm in &report.arms {
        for found in &arm.findings {
            let Some(witness) = &found.witness else { continue };
            let files = files(arm, found);
            let (kind, message) = (found.finding.kind.name(), &found.described.message);
            let _ = writeln!(text, "\n{}, {kind}: {message}", arm.name());
            let _ = writeln!(text, "    case: {}", place(found, &files));
            let _ = writeln!(text, "    {}", witness.line(|case| files.name(found, case)));
        }
    }
    text
}

/// Cases that are in no file, each as a command that shows what it is.
fn unsaved(report: &Report) -> String {
    let mut text = String::new();
    for arm in &report.arms {
        for found in arm.findings.iter().filter(|found| found.unsaved) {
            let (kind, case) = (found.finding.kind.name(), &found.case);
            let _ = write!(
                text,
                "\n{}, {kind}: its case could not be written; this shows it:\n\
                 cargo run --release -- run - <<'END-OF-CASE'\n{case}END-OF-CASE\n",
                arm.name()
            );
        }
    }
    text
}

/// Where the case of a finding is.
fn place(found: &Found, files: &Files) -> String {
    if found.unsaved { "at the end".to_string() } else { quote::path(&files.case) }
}

fn closing(report: &Report) -> String {
    let executions: u64 = report.arms.iter().map(|arm| arm.executions).sum();
    let seconds = report.time.as_secs_f64();
    let how = match (report.interrupted, &report.failure) {
        (_, Some(error)) => format!(", stopped: {error}"),
        (true, None) => ", interrupted".to_string(),
        (false, None) => String::new(),
    };
    format!("{} executions in {seconds:.1} s{how}\n", grouped(executions))
}

fn rows(arm: &ArmReport, files: &impl Fn(&ArmReport, &Found) -> Files) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut rest = arm.findings.as_slice();
    while let Some(first) = rest.first() {
        let same = |found: &&Found| found.finding.kind == first.finding.kind;
        let (of_kind, others) = rest.split_at(rest.iter().take_while(same).count());
        rows.push(row(arm, &property(of_kind), of_kind.len(), &smallest(arm, of_kind, files)));
        rest = others;
    }
    rows.extend(arm.crashes.iter().map(|crash| crash_row(arm, crash)));
    rows.extend(unfinished(arm).map(|word| row(arm, word, 0, &Default::default())));
    if rows.is_empty() {
        rows.push(row(arm, "clean", 0, &Default::default()));
    }
    rows
}

/// The word for an arm whose target did not do its work.
fn unfinished(arm: &ArmReport) -> Option<&'static str> {
    arm.incomplete.as_ref().map(|_| if arm.executions == 0 { "did not run" } else { "incomplete" })
}

/// Why arms are incomplete: a line for each cause, with the arms that it is the cause of.
fn causes(report: &Report) -> String {
    let mut all: Vec<((&str, &str), Vec<String>)> = Vec::new();
    for arm in &report.arms {
        let Some(cause) = unfinished(arm).zip(arm.incomplete.as_deref()) else { continue };
        match all.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, names)) => names.push(name(arm)),
            None => all.push((cause, vec![name(arm)])),
        }
    }
    let line = |((word, cause), names): ((&str, &str), Vec<String>)| {
        format!("{} {word}: {cause}\n", names.join(", "))
    };
    all.into_iter().map(line).collect()
}

/// The target of an arm, and what it runs.
fn name(arm: &ArmReport) -> String {
    match arm.name() {
        name if name == arm.target => name.to_string(),
        name => format!("{} {name}", arm.target),
    }
}

/// Reproducer and time of first finding.
type Shown = (String, String);

fn row(arm: &ArmReport, property: &str, findings: usize, (case, first): &Shown) -> Vec<Cell> {
    let name = arm.bug.map(|bug| bug.id()).or(arm.variant.map(|variant| variant.name()));
    [
        arm.target.to_string(),
        name.unwrap_or("-").to_string(),
        property.to_string(),
        grouped(arm.executions),
        findings.to_string(),
        case.to_string(),
        first.to_string(),
    ]
    .map(Cell::new)
    .into()
}

fn property(of_kind: &[Found]) -> String {
    let finding = &of_kind[0].finding;
    match finding.severity {
        Severity::Violation => finding.kind.name().to_string(),
        Severity::Documented => format!("{} (documented)", finding.kind.name()),
    }
}

fn smallest(
    arm: &ArmReport,
    of_kind: &[Found],
    files: &impl Fn(&ArmReport, &Found) -> Files,
) -> Shown {
    let smallest = of_kind.iter().min_by_key(|found| found.size()).expect("a kind has findings");
    let size = smallest.size();
    let place = place(smallest, &files(arm, smallest));
    let case = format!("{} ops, {} bursts: {place}", size.operations, size.bursts);
    let first = of_kind.iter().map(|found| found.first).reduce(earlier).flatten();
    (case, first_seen(first))
}

fn first_seen(first: Option<f64>) -> String {
    first.map_or("before".to_string(), |seconds| format!("{seconds:.2} s"))
}

/// The earlier of two times, where none is before any.
fn earlier(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a?.min(b?))
}

fn crash_row(arm: &ArmReport, found: &CrashFound) -> Vec<Cell> {
    let crash = &found.crash;
    let shown = (quote::path(&crash.artifact), first_seen(found.first));
    row(arm, &format!("{} at {}", crash.kind, crash.place), 1, &shown)
}

/// A number with its digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits() {
        assert_eq!(
            [1, 12, 123, 1234, 1234567].map(grouped),
            ["1", "12", "123", "1,234", "1,234,567"]
        );
    }
}
