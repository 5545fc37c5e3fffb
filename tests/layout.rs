//! Lists that are kept in more than one place agree with each other and with the tree.

#![cfg(feature = "cli")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kvm_lock_fuzz::campaign::build::CARGO_FUZZ;
use kvm_lock_fuzz::case::Opener;
use kvm_lock_fuzz::explore::Limits;
use kvm_lock_fuzz::kvm::{Bug, Place, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::oracle::Kind;
use kvm_lock_fuzz::target::{REGISTRY, knobs};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Names of a folder's entries with that ending, without it.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("names are UTF-8");
    let names = entries.map(|entry| name(entry.expect("the folder can be read")));
    names.filter_map(|name| name.strip_suffix(ending).map(str::to_string)).collect()
}

fn targets() -> BTreeSet<String> {
    REGISTRY.iter().map(|info| info.name.to_string()).collect()
}

/// The words in backquotes that begin the rows of the README's table under that heading.
fn readme_rows(heading: &str) -> BTreeSet<String> {
    let readme = read("README.md");
    let section = readme.split(&format!("## {heading}\n")).nth(1);
    let section = section.unwrap_or_else(|| panic!("README.md has no section {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(word, _)| word.to_string()).collect()
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_string).collect()
}

#[test]
fn targets_are_the_same_everywhere() {
    let manifest = read("fuzz/Cargo.toml");
    let bins = manifest.split("[[bin]]").skip(1).map(|bin| bin.split('"').nth(1).expect("a name"));
    assert_eq!(set(bins), targets(), "[[bin]]s of fuzz/Cargo.toml");
    assert_eq!(names("fuzz/fuzz_targets", ".rs"), targets());
    assert_eq!(names("fuzz/fuzz_targets", ".options"), targets());
    assert_eq!(readme_rows("Fuzz targets"), targets());
    for target in targets() {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")));
    }
}

#[test]
fn targets_are_glue() {
    for target in targets() {
        let glue = read(&format!("fuzz/fuzz_targets/{target}.rs"));
        let lines = glue.lines().filter(|line| !line.is_empty()).count();
        assert!(lines <= 10, "{target}.rs has {lines} lines; its logic belongs in src/target");
    }
}

#[test]
fn dictionaries_belong_to_targets_and_are_used() {
    for dict in names("fuzz/fuzz_targets", ".dict") {
        let options = read(&format!("fuzz/fuzz_targets/{dict}.options"));
        assert!(options.contains(&format!("dict = {dict}.dict")), "{dict}.options names its dict");
    }
}

#[test]
fn the_dictionary_knows_every_word_of_the_text_form() {
    let dict = read("fuzz/fuzz_targets/case_text.dict");
    let words = Variant::ALL.iter().map(|v| v.name());
    let words = words.chain(Place::ALL.iter().map(|p| p.name()));
    let words = words.chain(Opener::ALL.iter().map(|o| o.name()));
    let words = words.chain(Policy::ALL.iter().map(|p| p.name()));
    for word in words {
        assert!(dict.contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn a_variant_is_a_file_and_an_entry() {
    let files = &names("src/kvm/variant", ".rs") - &set(["mod"]);
    let entries = Variant::ALL.iter().map(|v| v.name().replace('-', "_"));
    assert_eq!(files, entries.collect(), "src/kvm/variant against its registry");
    for file in &files {
        for other in ["src/kvm/subscriber.rs", "src/kvm/memslot.rs", "src/oracle/assertion.rs"] {
            let code = read(other);
            assert!(!code.contains(&format!("{file}::")) && !code.contains("Variant::"), "{other}");
        }
    }
}

#[test]
fn files_that_oss_fuzz_takes_begin_with_the_licence_that_its_presubmit_wants() {
    let files = ["Dockerfile", "project.yaml", "build.sh"].map(|f| format!(".clusterfuzzlite/{f}"));
    let ours = ["fuzz/Dockerfile", "fuzz/project.yaml", "fuzz/oss-fuzz-build.sh"];
    let files = files.into_iter().chain(ours.map(String::from));
    let bare = files.filter(|f| !read(f).contains("http://www.apache.org/licenses/LICENSE-2.0"));
    assert_eq!(bare.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn both_licences_are_there_in_full() {
    assert!(read("LICENSE-MIT").contains("Permission is hereby granted, free of charge"));
    assert!(read("LICENSE-APACHE").contains("END OF TERMS AND CONDITIONS"));
}

#[test]
fn corpus_folders_are_targets() {
    let known = &targets() | &set(["regressions"]);
    let folders = names("corpus", "");
    assert!(folders.is_subset(&known), "{folders:?}");
    assert!(folders.contains("protocol"));
}

#[test]
fn fuzz_services_build_with_the_same_script() {
    let script = read("fuzz/oss-fuzz-build.sh");
    assert!(script.contains("fuzz/fuzz_targets/*.rs"), "the script takes every target");
    for seeds in ["case encode corpus/protocol", "lockdep encode corpus/lockdep"] {
        assert!(script.contains(seeds), "the script encodes the seeds: {seeds}");
    }
    assert!(read("fuzz/Dockerfile").contains("fuzz/oss-fuzz-build.sh"));
    assert!(read(".clusterfuzzlite/build.sh").contains("fuzz/oss-fuzz-build.sh"));
    for dockerfile in ["fuzz/Dockerfile", ".clusterfuzzlite/Dockerfile"] {
        assert!(!read(dockerfile).contains("+nightly"), "coverage builds need the bare words");
    }
}

#[test]
fn the_readme_lists_what_there_is() {
    assert_eq!(readme_rows("Variants"), set(Variant::ALL.map(Variant::name)));
    assert_eq!(readme_rows("Planted bugs"), set(Bug::ALL.iter().map(|bug| bug.id())));
    assert_eq!(readme_rows("Properties"), set(Kind::ALL.iter().map(|kind| kind.name())));
    assert_eq!(readme_rows("Knobs"), set(knobs::ALL));
}

#[test]
fn the_readme_and_the_ci_run_the_same_tests() {
    assert!(read("README.md").contains("\ncargo test\n"));
    assert!(read(".ci/run").contains("\ncargo test\n"));
    assert!(read("README.md").contains(CARGO_FUZZ), "the pinned cargo-fuzz");
}

#[test]
fn the_bounds_of_witnesses_are_said_where_they_hold() {
    let Limits { schedules, states, .. } = Limits::brief();
    let thousands = |n: u64| format!("{},{:03}", n / 1_000, n % 1_000);
    for file in ["README.md", "src/cli/run.rs", "src/cli/campaign.rs"] {
        let text = read(file).replace("///", "").split_whitespace().collect::<Vec<_>>().join(" ");
        for (n, of) in [(schedules, "schedules"), (states as u64, "states")] {
            assert!(text.contains(&format!("{} {of}", thousands(n))), "{file} on {of}");
        }
    }
}

#[test]
fn commands_of_the_readme_name_files_that_exist() {
    let readme = read("README.md");
    let words = readme.split(|c: char| c.is_whitespace() || "`()|".contains(c));
    let sources = ["src/", "corpus/", "tests/", "benches/", "fuzz/fuzz_targets/"];
    let is_path = |word: &&str| sources.iter().any(|source| word.starts_with(source));
    for path in words.filter(is_path).filter(|path| !path.contains(['*', '<', '{'])) {
        let path: PathBuf = path.trim_end_matches(['.', ',', ':', ';']).into();
        assert!(root().join(&path).exists(), "README.md names {}", path.display());
    }
}

/// A fuzzer started by hand is built and run as the campaign's: cargo-fuzz's default is release with
/// debug assertions, so that the alias needs no word for these.
#[test]
fn the_alias_fuzzes_as_the_campaign_does() {
    let (config, build) = (read(".cargo/config.toml"), read("src/campaign/build.rs"));
    assert!(config.contains("\nfz = \"fuzz run -s none --no-trace-compares\"\n"), "{config}");
    let flags = "\"--release\", \"--debug-assertions\", \"--no-trace-compares\"";
    assert!(build.contains(flags), "the flags of the campaign's build");
    let options = read("fuzz/fuzz_targets/protocol.options");
    let wanted = ["max_len", "use_counters", "entropic", "mutate_depth"].map(|name| {
        let value = options.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        format!(" -{name}={}", value.unwrap_or_else(|| panic!("protocol.options has no {name}")))
    });
    let command = format!("\ncargo fz protocol --{}\n", wanted.concat());
    assert!(read("README.md").contains(&command), "{command}");
}
