//! What README and the other documents show is what the program does. Command blocks (`sh`) are run
//! line by line in a folder that has what a clone has: `cargo run --release --` is the program itself,
//! and `--seconds` are cut to one. What builds or runs for minutes is in [`NOT_RUN`], with its reason.
//! A block without a language shows a file or an output, and stands in [`shown`]; blocks of
//! other languages show neither.

#![cfg(feature = "cli")]

mod common;

use std::fs;
use std::path::Path;

use common::cli::{self, expect};
use common::shell::{clone, mistake, paste};

/// Commands that are read only: how they begin, and why they are not run.
const NOT_RUN: [(&str, &str); 10] = [
    ("cargo test", "this test is a part of it"),
    ("KVM_LOCK_FUZZ_BUG=B11 cargo fz ", "fuzzes until a crash or for a minute"),
    ("cargo fz ", "fuzzes until it is stopped; layout.rs holds its options to the campaign's"),
    ("cargo fuzz ", "builds the targets with coverage; run by hand, as docs/fuzzing.md says"),
    ("cargo afl ", "builds AFL++ and fuzzes; run by hand, as docs/fuzzing.md says"),
    ("cargo install ", "loads and builds a tool; run by hand, as docs/fuzzing.md says"),
    ("tools=", "a part of the next: needs llvm-tools"),
    ("binary=", "a part of the next: needs a build with coverage"),
    ("$tools/llvm-cov ", "reads a build with coverage; run by hand, as docs/fuzzing.md says"),
    ("rustup ", "changes the toolchain; run by hand, as docs/fuzzing.md says"),
];

/// The program, as a clone runs it.
const CARGO_RUN: &str = "cargo run --release -- ";

fn read(document: &str) -> String {
    fs::read_to_string(common::path(document)).unwrap_or_else(|e| panic!("{document}: {e}"))
}

/// README and what it links to.
fn documents() -> Vec<String> {
    let docs = fs::read_dir(common::path("docs")).expect("there are documents");
    let docs = docs.map(|entry| entry.expect("it can be read").file_name());
    let docs = docs.map(|name| format!("docs/{}", name.to_string_lossy()));
    let root = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(String::from);
    root.into_iter().chain(docs).collect()
}

/// The fenced blocks of a document: language and text.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = text.split("```").collect();
    assert!(parts.len() % 2 == 1, "every fence is closed");
    let fenced = parts.into_iter().skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a fence ends its line")).collect()
}

/// The command lines of a document: those of its `sh` blocks, joined where a line goes on, and the
/// program's own between backquotes.
fn commands(text: &str) -> Vec<String> {
    let of_blocks = blocks(text).into_iter().filter(|(language, _)| *language == "sh");
    let of_blocks = of_blocks.map(|(_, block)| block.replace("\\\n", " "));
    let lines = of_blocks.flat_map(|block| {
        let lines = block.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect::<Vec<_>>()
    });
    let spans = text.split('`').skip(1).step_by(2).filter(|span| span.starts_with(CARGO_RUN));
    lines.chain(spans.map(str::to_string)).collect()
}

#[test]
fn every_command_of_every_document_does_what_it_says() {
    let folder = clone("readme/clone");
    let (mut wrong, mut run, mut read_only) = (Vec::new(), 0, Vec::new());
    for document in documents() {
        for command in commands(&read(&document)) {
            let own = command.replacen(CARGO_RUN, "kvm-lock-fuzz ", 1);
            match NOT_RUN.iter().find(|(begin, _)| command.starts_with(begin)) {
                Some((begin, _)) => read_only.push(*begin),
                None if own.starts_with("kvm-lock-fuzz ") => {
                    run += 1;
                    wrong.extend(mistake(&folder, &own).map(|why| format!("{document}: {why}")));
                }
                None => wrong.push(format!("{document}: {command}: nothing says how to test it")),
            }
        }
    }
    assert!(run > 4, "{run} commands were run");
    for (begin, why) in NOT_RUN {
        assert!(read_only.contains(&begin), "no document has `{begin}`, of which is said: {why}");
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// A command line outside of `sh` blocks would be no command to the test above.
#[test]
fn commands_stand_in_command_blocks() {
    for document in documents() {
        let text = read(&document);
        for (language, block) in blocks(&text) {
            let begins =
                |line: &&str| line.starts_with("cargo ") || line.starts_with("kvm-lock-fuzz ");
            let stray = block.lines().find(begins).filter(|_| !["sh", "toml"].contains(&language));
            assert_eq!(stray, None, "{document}");
            let known = ["", "sh", "text", "toml", "rust"].contains(&language);
            assert!(known, "{document}: {language}");
        }
    }
}

const NESTED: &str = "corpus/protocol/nested-behind-writer.case";
const RACES: &str = "corpus/protocol/fault-races-region.case";

/// What README's blocks without a language show, in their order: what is compared with the block.
fn shown(folder: &Path) -> Vec<(Part, String)> {
    let explore = |case, variant, code| expect(code, &["explore", case, "--variant", variant]);
    let threads = |variant: &str, seconds: &str| {
        let line = format!("kvm-lock-fuzz stress {NESTED} --variant {variant} --seconds {seconds}");
        cli::stdout(&paste(folder, &line))
    };
    vec![
        (Part::Whole, read(NESTED)),
        (Part::Whole, expect(1, &["run", NESTED, "--trace"])),
        (Part::Whole, explore(NESTED, "counted", 0)),
        (Part::Lines, explore(NESTED, "rwsem", 1)),
        (Part::Lines, explore(RACES, "rwsem", 1)),
        (Part::Threads, [threads("rwsem", "60"), threads("counted", "1")].join("\n")),
    ]
}

/// How much of the output a block shows.
enum Part {
    Whole,
    /// Some of its lines.
    Lines,
    /// All of them; numbers differ from run to run, and with them the order of findings.
    Threads,
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = read("README.md");
    let blocks = blocks(&readme).into_iter().filter(|(language, _)| language.is_empty());
    let blocks: Vec<&str> = blocks.map(|(_, block)| block).collect();
    let shown = shown(&clone("readme/shown"));
    assert_eq!(blocks.len(), shown.len(), "a block without a language shows a file or an output");
    for (block, (part, printed)) in blocks.into_iter().zip(shown) {
        match part {
            Part::Whole => assert_eq!(block.trim_end(), printed.trim_end()),
            Part::Lines => {
                let printed: Vec<&str> = printed.lines().map(str::trim).collect();
                let missing = block.lines().find(|line| !printed.contains(&line.trim()));
                assert_eq!(missing, None, "not printed: {printed:#?}");
            }
            Part::Threads => assert_eq!(without_numbers(block), without_numbers(&printed)),
        }
    }
}

/// The lines, sorted, with an N for each number.
fn without_numbers(text: &str) -> Vec<String> {
    let word = |word: &str| match word.trim_start_matches('(').parse::<f64>() {
        Ok(_) => "N".to_string(),
        Err(_) => word.to_string(),
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = text.lines().map(line).filter(|line| !line.is_empty()).collect();
    lines.sort();
    lines
}
