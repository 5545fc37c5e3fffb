//! The worker: runs the cases that it is ordered to, and says which of them show something. What
//! panics or loops ends this process and no other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, Write};
use std::mem;
use std::path::Path;
use std::process;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::message::{Cases, Order, Word};
use crate::case::{Case, random};
use crate::kvm::{Bug, Variant};
use crate::run::{Options, Runner};
use crate::target::collect::size_of;

/// Does what the lines of standard input say, until that ends. The error is one line.
pub fn child() -> Result<(), String> {
    let mut work = Work::default();
    orders().into_iter().try_for_each(|line| work.order(&line))
}

/// The lines of standard input. The pipe ends when the campaign does, however it does, and a case may
/// loop by then; so the end of the pipe ends the process.
fn orders() -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        // The receiver goes when the process does.
        lines.for_each(|line| drop(sender.send(line)));
        process::exit(0);
    });
    receiver
}

/// The smallest case of each signature that was told of.
type Told = BTreeMap<u64, u64>;

#[derive(Default)]
struct Work {
    runner: Runner,
    case: Case,
    bytes: Vec<u8>,
    /// By variant and bug.
    told: BTreeMap<(String, Option<String>), Told>,
}

impl Work {
    fn order(&mut self, line: &str) -> Result<(), String> {
        let order: Order = serde_json::from_str(line).map_err(|e| format!("no order: {e}"))?;
        let variant = Variant::from_name(&order.variant).ok_or("no such variant")?;
        let bug = order.bug.as_deref().map(|id| Bug::from_id(id).ok_or("no such bug"));
        let ran = (variant, bug.transpose()?);
        let name = (order.variant, order.bug);
        let mut told = mem::take(self.told.entry(name.clone()).or_default());
        match order.cases {
            Cases::Drawn { seed, first, count, each } => {
                for index in first..first.saturating_add(count) {
                    if each {
                        say(Word::At(index))?;
                    }
                    random::draw(seed, index, &mut self.bytes);
                    self.run(ran, index, &mut told)?;
                }
            }
            Cases::Input(file) => {
                say(Word::At(0))?;
                self.bytes = read(&file)?;
                self.run(ran, 0, &mut told)?;
            }
        }
        self.told.insert(name, told);
        say(Word::Done)
    }

    fn run(
        &mut self,
        (variant, bug): (Variant, Option<Bug>),
        index: u64,
        told: &mut Told,
    ) -> Result<(), String> {
        self.case.decode_into(&self.bytes);
        (self.case.variant, self.case.bug) = (variant, bug);
        let outcome = self.runner.run(&self.case, &Options::of(&self.case));
        let mut findings = outcome.findings.iter().map(|finding| finding.signature.0).peekable();
        let size = findings.peek().map_or(0, |_| size_of(&self.case));
        for signature in findings {
            let smallest = told.entry(signature).or_insert(u64::MAX);
            if size < *smallest {
                *smallest = size;
                say(Word::Finding { index, signature })?;
            }
        }
        Ok(())
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn say(word: Word) -> Result<(), String> {
    let line = serde_json::to_string(&word).map_err(|e| e.to_string())? + "\n";
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).map_err(|e| e.to_string())
}
