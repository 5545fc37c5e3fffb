//! What executions covered, for people.

use std::fmt::Write;

use crate::seen::{Part, Saturation, Summary};

/// Counts, and what no execution reached; with `all`, the edges and pairs too.
pub fn text(summary: &Summary, all: bool) -> String {
    let Summary { variant, executions, operations, places, steps, edges, pairs, .. } = summary;
    let mut text = format!("{variant}: {}\n", counted(*executions as usize, "execution"));
    for (name, part) in [("operations", operations), ("places", places), ("steps", steps)] {
        let _ = writeln!(text, "    {name:<17}{} of {}", part.seen.len(), part.all());
    }
    for (name, number) in [("lock-order edges", edges.len()), ("alias pairs", pairs.len())] {
        let _ = writeln!(text, "    {name:<17}{number}");
    }
    text.extend(summary.saturation.as_ref().map(saturation));
    for (name, part) in [("operations", operations), ("places", places), ("steps", steps)] {
        unseen(&mut text, name, part);
    }
    if all {
        list(&mut text, "lock-order edges", edges);
        list(&mut text, "alias pairs (the earlier step, then the one that met it)", pairs);
    }
    text
}

fn saturation(found: &Saturation) -> String {
    let per_cent = |share: f64| share * 100.0;
    format!(
        "    new alias pairs in the last tenth of {}: {}\n    \
         chance that the next shows a new one: {:.2} % (Good-Turing; at most {:.2} % with 95 % confidence)\n",
        counted(found.executions as usize, "execution"),
        found.new_in_last_tenth,
        per_cent(found.chance_of_new),
        per_cent(found.at_most),
    )
}

fn unseen(text: &mut String, name: &str, part: &Part) {
    if !part.unseen.is_empty() {
        list(text, &format!("{name} that no execution reached"), &part.unseen);
    }
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    let _ = writeln!(text, "  {title}:");
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
