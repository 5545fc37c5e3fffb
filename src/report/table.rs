//! The table of a campaign: variant x property, or planted bug x property, as wide as the terminal;
//! below it why arms are incomplete, and every finding once, with its files and whether it hangs.
//!
//! A bug in here would be a finding that is counted and not named, or a path that is broken.

use std::fmt::Write;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::count::{grouped, number};
use crate::campaign::results::Files;
use crate::campaign::{ArmReport, CrashFound, First, Found, Report};
use crate::case::text::Names;
use crate::oracle::Severity;
use crate::quote;

/// Columns of a page that no terminal shows.
pub const WIDTH: u16 = 80;
/// Columns of a cell beside its text.
const PADDING: u16 = 2;

/// The cells of a row.
type Row = [String; 5];

/// The table, at most `width` columns wide where that can be, with a closing line for what was
/// interrupted, and the findings. `files` names the files of a finding.
pub fn campaign(
    report: &Report,
    width: u16,
    files: impl Fn(&ArmReport, &Found) -> Files,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    let header = [first_column(report), "property", "smallest", "first seen", "runs"];
    table.set_header(header);
    let rows: Vec<Row> = report.arms.iter().flat_map(rows).collect();
    for (number, column) in table.column_iter_mut().enumerate() {
        let cells = rows.iter().map(|row| &*row[number]).chain([header[number]]);
        let longest = longest_word(cells);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(longest + PADDING)));
    }
    table.add_rows(rows);
    let column = table.column_mut(4).expect("the header has five columns");
    column.set_cell_alignment(CellAlignment::Right);
    let below = [closing(report), causes(report), findings(report, &files), unsaved(report)];
    format!("{table}\n{}", below.concat())
}

/// Width of the longest word, which is not to be broken.
fn longest_word<'a>(cells: impl Iterator<Item = &'a str>) -> u16 {
    let words = cells.flat_map(str::split_whitespace).map(|word| word.chars().count());
    words.max().unwrap_or(0) as u16
}

fn first_column(report: &Report) -> &'static str {
    let all = |is: fn(&ArmReport) -> bool| report.arms.iter().all(is);
    match () {
        _ if all(|arm| arm.bug.is_some()) => "planted bug",
        _ if all(|arm| arm.variant.is_some()) => "variant",
        _ => "variant or target",
    }
}

/// The rows of an arm: one for each kind of finding that stands for a cause, and one for each crash.
fn rows(arm: &ArmReport) -> Vec<Row> {
    let mut kinds: Vec<Vec<Group<'_>>> = Vec::new();
    for group in groups(arm) {
        match kinds.iter_mut().find(|of_kind| word(of_kind[0].lead) == word(group.lead)) {
            Some(of_kind) => of_kind.push(group),
            None => kinds.push(vec![group]),
        }
    }
    let mut rows: Vec<_> = kinds.iter().map(|of_kind| kind_row(arm, of_kind)).collect();
    rows.extend(arm.crashes.iter().map(|crash| crash_row(arm, crash)));
    rows.extend(unfinished(arm).map(|word| row(arm, word.to_string(), Default::default())));
    if rows.is_empty() {
        rows.push(row(arm, "clean".to_string(), Default::default()));
    }
    rows
}

/// Findings of one cause.
struct Group<'a> {
    /// The one that stands for the cause.
    lead: &'a Found,
    /// The others.
    symptoms: Vec<&'a Found>,
}

impl<'a> Group<'a> {
    fn all(&self) -> impl Iterator<Item = &'a Found> {
        std::iter::once(self.lead).chain(self.symptoms.iter().copied())
    }
}

/// The findings of an arm by their causes.
fn groups(arm: &ArmReport) -> Vec<Group<'_>> {
    let leads = arm.leads();
    let stands = |i: &usize| leads[*i] == *i;
    let group = |lead: usize| Group {
        lead: &arm.findings[lead],
        symptoms: (0..leads.len())
            .filter(|&i| i != lead && leads[i] == lead)
            .map(|i| &arm.findings[i])
            .collect(),
    };
    (0..leads.len()).filter(stands).map(group).collect()
}

/// What a row says of the smallest case, and of when the first finding came.
type Shown = (String, String);

fn row(arm: &ArmReport, property: String, (case, first): Shown) -> Row {
    [arm.name().to_string(), property, case, first, grouped(arm.executions)]
}

/// The row of the causes that findings of one kind stand for.
fn kind_row(arm: &ArmReport, of_kind: &[Group<'_>]) -> Row {
    let mut property = word(of_kind[0].lead);
    if of_kind.len() > 1 {
        let _ = write!(property, " ({})", of_kind.len());
    }
    let mut others: Vec<String> = Vec::new();
    for other in of_kind.iter().flat_map(|group| &group.symptoms).map(|found| word(found)) {
        if other != word(of_kind[0].lead) && !others.contains(&other) {
            others.push(other);
        }
    }
    if !others.is_empty() {
        let _ = write!(property, "\nalso shows as\n{}", others.join("\n"));
    }
    let all = || of_kind.iter().flat_map(Group::all);
    let size = all().map(Found::size).min().expect("a group has findings");
    let (operations, bursts) = (size.operations.into(), size.bursts.into());
    let case = format!("{}, {}", number(operations, "op"), number(bursts, "burst"));
    let first = all().map(|found| seconds(found.first)).reduce(earlier).flatten();
    row(arm, property, (case, first_seen(first)))
}

fn crash_row(arm: &ArmReport, found: &CrashFound) -> Row {
    row(arm, found.crash.kind.to_string(), (String::new(), first_seen(seconds(found.first))))
}

fn word(found: &Found) -> String {
    let name = found.finding.kind.name();
    match found.finding.severity {
        Severity::Violation => name.to_string(),
        Severity::Documented => format!("{name} (documented)"),
    }
}

fn seconds(first: Option<First>) -> Option<f64> {
    first.map(|first| first.seconds)
}

fn first_seen(first: Option<f64>) -> String {
    first.map_or("before".to_string(), |seconds| format!("{seconds:.2} s"))
}

/// The earlier of two times, where none is before any.
fn earlier(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a?.min(b?))
}

fn closing(report: &Report) -> String {
    let executions: u64 = report.arms.iter().map(|arm| arm.executions).sum();
    let seconds = report.time.as_secs_f64();
    let how = match (report.interrupted, &report.failure) {
        (_, Some(error)) => format!(", stopped: {error}"),
        (true, None) => ", interrupted".to_string(),
        (false, None) => String::new(),
    };
    let notice = report.notice.as_ref().map_or(String::new(), |notice| format!("{notice}\n"));
    format!("{} in {seconds:.1} s{how}\n{notice}", number(executions, "execution"))
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

/// Every finding with its files, the symptoms of a cause below the one that stands for it.
fn findings(report: &Report, files: &impl Fn(&ArmReport, &Found) -> Files) -> String {
    let mut text = String::new();
    for arm in &report.arms {
        for group in groups(arm) {
            let _ = write!(text, "\n{}, ", arm.name());
            finding(&mut text, "", group.lead, &files(arm, group.lead));
            for symptom in group.symptoms {
                text.push_str("  also shows as ");
                finding(&mut text, "  ", symptom, &files(arm, symptom));
            }
        }
        for CrashFound { crash, .. } in &arm.crashes {
            let (kind, message) = (crash.kind, quote::line(&crash.message));
            let place = quote::line(&crash.place);
            let _ = writeln!(text, "\n{}, {kind} at {place}: {message}", arm.name());
            let _ = writeln!(text, "    input: {}", quote::path(&crash.artifact));
        }
    }
    text
}

/// A finding in words, and its files.
fn finding(text: &mut String, indent: &str, found: &Found, files: &Files) {
    let case = if found.unsaved { "at the end".to_string() } else { quote::path(&files.case) };
    let _ = writeln!(text, "{}: {}", word(found), found.described.message);
    let _ = writeln!(text, "{indent}    case: {case}");
    if let Some(witness) = &found.witness {
        let _ = writeln!(
            text,
            "{indent}    {}",
            witness.line(&Names::default(), |case| files.name(found, case))
        );
    }
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
