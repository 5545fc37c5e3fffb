//! The table: for each bug and engine how many of the seeds found it, the median of the executions, and
//! the CPU time of all seeds over the findings.

use comfy_table::{Table, presets};
use kvm_lock_fuzz::kvm::Bug;

use crate::engine::Engine;
use crate::rows::{Row, Rows};

/// The table as text.
pub fn of(rows: &Rows, bugs: &[Bug], engines: &[Engine]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["bug"].into_iter().chain(engines.iter().map(|engine| engine.name())));
    for bug in bugs {
        let cells = engines.iter().map(|engine| cell(&of_one(rows, *bug, *engine)));
        table.add_row([bug.id().to_string()].into_iter().chain(cells));
    }
    let legend = "Cells: seeds that found the bug, of all; median executions of those; CPU ms of \
                  all seeds over the findings.";
    format!("{table}\n\n{legend}\n")
}

/// Its rows; of two with the same seed the one with the larger cap.
fn of_one(rows: &Rows, bug: Bug, engine: Engine) -> Vec<&Row> {
    let mut all: Vec<&Row> =
        rows.all.iter().filter(|row| row.bug == bug.id() && row.engine == engine.name()).collect();
    all.sort_by(|a, b| (a.seed, b.found, b.cap).partial_cmp(&(b.seed, a.found, a.cap)).unwrap());
    all.dedup_by_key(|row| row.seed);
    all
}

fn cell(rows: &[&Row]) -> String {
    if rows.is_empty() {
        return "-".into();
    }
    let mut executions: Vec<u64> =
        rows.iter().filter(|row| row.found).map(|row| row.executions).collect();
    executions.sort_unstable();
    let cpu: f64 = rows.iter().map(|row| row.cpu_ms).sum();
    match executions.len() {
        0 => format!("0/{}, > {cpu:.0} ms", rows.len()),
        n => format!("{n}/{}, {}, {:.1} ms", rows.len(), executions[n / 2], cpu / n as f64),
    }
}
