//! The child: rounds of one case until the time is over, something hangs, or the parent is gone.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use super::message::{Order, Reported, Word};
use crate::case::Case;
use crate::machine::Policy;
use crate::run::{Ending, Options, Rounds};

/// How often the parent hears of us and of the rounds.
const NEWS: Duration = Duration::from_millis(100);

/// Does what the parent's line on standard input says, and tells what happens on standard output.
/// The error is one line.
pub fn child() -> Result<(), String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|e| e.to_string())?;
    let order: Order = serde_json::from_str(&line).map_err(|e| format!("no order: {e}"))?;
    let (case, names) = Case::parse_named(order.case.as_bytes()).map_err(|e| e.to_string())?;
    let policy = Policy::from_name(&order.policy).ok_or("no such policy")?;
    let options = Options { policy, ..Options::of(&case) };
    let rounds = Rounds::new(&case, &options, order.seed).map_err(|e| e.to_string())?;
    thread::spawn(end_with_the_parent);
    thread::spawn(say_that_we_live);
    work(rounds, &names.of(&case), Duration::from_secs_f64(order.seconds.max(0.0)))
}

/// The pipe ends when the parent does, however it does. The rounds may hang by then.
fn end_with_the_parent() {
    let mut nothing = String::new();
    let _ = io::stdin().lock().read_line(&mut nothing);
    process::exit(0);
}

/// A round may take longer than the parent waits for an answer, as long as the process is not stopped.
fn say_that_we_live() {
    while tell(&Word::Alive).is_ok() {
        thread::sleep(NEWS);
    }
}

fn work(mut rounds: Rounds, names: &[String], time: Duration) -> Result<(), String> {
    let end = Instant::now() + time;
    let (mut seen, mut untold, mut told) = (BTreeSet::new(), 0, Instant::now());
    loop {
        let outcome = match rounds.run() {
            Ok(outcome) => outcome.clone(),
            Err(broken) => {
                tell(&Word::Broken(broken.to_string()))?;
                process::exit(1);
            }
        };
        untold += 1;
        for finding in &outcome.findings {
            if seen.insert(finding.signature) {
                let words = rounds.judged().describe_named(names, finding);
                tell(&Word::Finding(Reported::new(finding, words)))?;
            }
        }
        let (stuck, over) = (outcome.ending == Ending::Stuck, Instant::now() >= end);
        if stuck || over || told.elapsed() >= NEWS {
            tell(&Word::Rounds(std::mem::take(&mut untold)))?;
            told = Instant::now();
        }
        if stuck {
            tell(&Word::Stuck)?;
        }
        if stuck || over {
            // Stuck threads do not end by themselves.
            process::exit(0);
        }
    }
}

fn tell(word: &Word) -> Result<(), String> {
    let line = serde_json::to_string(word).map_err(|e| e.to_string())? + "\n";
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).map_err(|e| e.to_string())
}
