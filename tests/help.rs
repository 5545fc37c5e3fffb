//! Every example that a `--help` prints is pasted into a shell, in a folder that has what a clone has.

#![cfg(feature = "cli")]

mod common;

use common::shell::{clone, commands, help, mistake};

fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().map(str::trim).filter(|line| line.starts_with("kvm-lock-fuzz "));
    lines.map(str::to_string).collect()
}

#[test]
fn every_example_of_every_help_does_what_it_says() {
    let folder = clone("help/clone");
    let commands = commands(&[]);
    assert!(commands.len() > 5, "{commands:?}");
    let mut failed = Vec::new();
    for command in &commands {
        let help = help(command);
        let examples = examples(&help);
        if examples.is_empty() || !help.contains("--json") {
            failed.push(format!("{command:?} has no example or no --json"));
        }
        failed.extend(examples.iter().filter_map(|example| mistake(&folder, example)));
    }
    assert_eq!(failed, Vec::<String>::new());
}
