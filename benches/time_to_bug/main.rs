//! How soon each way of making cases finds each planted bug: the benchmark that tells engines apart.
//!
//! One row for each bug, engine and seed: whether the bug was found, after how many executions and how
//! much CPU time of this thread. Rows are appended to a file as they come, and a row that stands there
//! is not measured again, so that the command can be stopped and goes on. The table is made of the rows.
//! A bug in here would be a violation counted that is there without the planted bug, or an engine whose
//! cases depend on what another engine saw.

mod engine;
mod rows;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use kvm_lock_fuzz::kvm::Bug;

use engine::Engine;
use rows::{Row, Rows};

/// Executions and CPU time to every planted bug, for every engine.
#[derive(Parser)]
struct Args {
    /// Only these bugs.
    #[arg(long = "bug", value_parser = bug)]
    bugs: Vec<Bug>,
    /// Only these engines.
    #[arg(long = "engine", value_enum)]
    engines: Vec<Engine>,
    /// Seeds for each bug and engine.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// CPU seconds after which a bug counts as not found.
    #[arg(long, default_value_t = 10.0)]
    cap: f64,
    /// Wall seconds after which the command stops, to go on another time.
    #[arg(long, default_value_t = 900)]
    seconds: u64,
    /// The file of the rows, one JSON document on each line.
    #[arg(long, default_value = "target/time-to-bug.jsonl")]
    rows: PathBuf,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

fn bug(id: &str) -> Result<Bug, String> {
    Bug::from_id(id).ok_or_else(|| "an id that the command `variants` lists".to_string())
}

fn main() -> ExitCode {
    let mut args = Args::parse();
    if args.bugs.is_empty() {
        args.bugs = Bug::ALL.to_vec();
    }
    if args.engines.is_empty() {
        args.engines = Engine::ALL.to_vec();
    }
    match measure(&args) {
        Ok(rows) => {
            print!("{}", table::of(&rows, &args.bugs, &args.engines));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "time-to-bug: {}: {error}; name another file with --rows",
                args.rows.display()
            );
            ExitCode::from(2)
        }
    }
}

/// Measures what the file lacks: all bugs and engines with the first seed, then with the next.
fn measure(args: &Args) -> std::io::Result<Rows> {
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut rows = Rows::open(&args.rows)?;
    for seed in 1..=args.seeds {
        for &bug in &args.bugs {
            for &engine in &args.engines {
                if rows.has(bug, engine, seed, args.cap) {
                    continue;
                }
                if Instant::now() >= end {
                    eprintln!(
                        "time-to-bug: stopped after {} s; call it again to go on",
                        args.seconds
                    );
                    return Ok(rows);
                }
                rows.add(Row::measure(bug, engine, seed, args.cap))?;
            }
        }
    }
    Ok(rows)
}
