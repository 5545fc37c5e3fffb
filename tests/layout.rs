//! Lists that are kept in more than one place agree with each other and with the tree. A test says all
//! that differs, with the file to mend.

#![cfg(feature = "cli")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kvm_lock_fuzz::case::text;
use kvm_lock_fuzz::explore::Limits;
use kvm_lock_fuzz::kvm::{Bug, Variant};
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

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_string).collect()
}

/// All that differs, a line each.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    /// Notes what is missing in that file, and what should not be there.
    fn compare(&mut self, file: &str, there: &BTreeSet<String>, wanted: &BTreeSet<String>) {
        let lacks = wanted.difference(there).map(|name| format!("{file}: `{name}` is missing"));
        let has = there.difference(wanted).map(|name| format!("{file}: `{name}` is not known"));
        self.0.extend(lacks.chain(has));
    }

    /// Notes that the file has to hold these words, if it does not.
    fn wants(&mut self, file: &str, words: &str) {
        self.check(read(file).contains(words), || format!("{file}: `{words}` is missing"));
    }

    fn check(&mut self, holds: bool, difference: impl FnOnce() -> String) {
        if !holds {
            self.0.push(difference());
        }
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
    }
}

#[test]
fn all_that_differs_is_said() {
    let mut differences = Differences::default();
    differences.compare("one", &set(["a", "b", "c"]), &set(["b", "d", "e"]));
    differences.wants("Cargo.toml", "no such words");
    let said = differences.0.join("\n");
    for line in ["one: `d` is missing", "one: `e` is missing", "one: `a` is not known"] {
        assert!(said.contains(line), "{said}");
    }
    assert!(said.contains("Cargo.toml: `no such words` is missing"), "{said}");
}

#[test]
fn targets_are_the_same_everywhere() {
    let mut differences = Differences::default();
    let manifest = read("fuzz/Cargo.toml");
    let bins = manifest.split("[[bin]]").skip(1).map(|bin| bin.split('"').nth(1).expect("a name"));
    differences.compare("fuzz/Cargo.toml", &set(bins), &targets());
    for ending in [".rs", ".options"] {
        let folder = format!("fuzz/fuzz_targets/*{ending}");
        differences.compare(&folder, &names("fuzz/fuzz_targets", ending), &targets());
    }
    differences.compare("README.md, Fuzz targets", &readme_rows("Fuzz targets"), &targets());
    for target in targets() {
        let path = format!("path = \"fuzz_targets/{target}.rs\"");
        differences.wants("fuzz/Cargo.toml", &path);
    }
    let known = &targets() | &set(["regressions"]);
    let folders = names("corpus", "");
    differences.compare("corpus", &(&folders - &known), &set([]));
    differences.compare("corpus", &(&folders & &set(["protocol"])), &set(["protocol"]));
    differences.none();
}

#[test]
fn targets_are_glue() {
    let mut differences = Differences::default();
    for target in targets() {
        let file = format!("fuzz/fuzz_targets/{target}.rs");
        let lines = read(&file).lines().filter(|line| !line.is_empty()).count();
        let what = || format!("{file}: {lines} lines; its logic belongs in src/target");
        differences.check(lines <= 10, what);
    }
    differences.none();
}

#[test]
fn dictionaries_belong_to_targets_and_are_used() {
    let mut differences = Differences::default();
    for dict in names("fuzz/fuzz_targets", ".dict") {
        let options = format!("fuzz/fuzz_targets/{dict}.options");
        differences.wants(&options, &format!("dict = {dict}.dict"));
    }
    differences.none();
}

/// Words of the grammar and words of the dictionary are the same; an entry with a blank is a sample of
/// a statement, one without a letter is punctuation.
#[test]
fn the_dictionary_has_the_words_of_the_text_form() {
    let file = "fuzz/fuzz_targets/case_text.dict";
    let dictionary = read(file);
    let entries = dictionary.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let words = entries.filter(|entry| !entry.contains(' ') && *entry != "0x");
    let words = words.filter(|entry| entry.contains(|c: char| c.is_ascii_lowercase()));
    let mut differences = Differences::default();
    differences.compare(file, &set(words), &set(text::words()));
    differences.none();
}

/// The shapes of statements, from which the words come, have each word that the parser accepts, and
/// README's grammar has them too.
#[test]
fn the_grammar_has_the_words_that_the_parser_accepts() {
    let mut differences = Differences::default();
    let words = set(text::words());
    for part in names("src/case/text/parse", "") {
        let file = format!("src/case/text/parse/{part}");
        let code = read(&file);
        let accepted = ["accept(\"", "keyword(\"", "at_word(\""];
        let accepted = accepted.iter().flat_map(|call| code.split(call).skip(1));
        for word in accepted.filter_map(|rest| rest.split('"').next()) {
            differences.check(words.contains(word), || format!("{file}: no shape has `{word}`"));
        }
    }
    let readme = read("README.md");
    let grammar = readme.split_once("\nstatement = ").and_then(|(_, rest)| rest.split_once("```"));
    let grammar = grammar.expect("README.md has the grammar").0;
    let there = set(grammar.split(|c: char| !c.is_ascii_lowercase() && c != '-'));
    let names = Variant::ALL.iter().map(|variant| variant.name());
    let wanted = &words - &set(names);
    differences.compare("README.md, The case", &(&there & &wanted), &wanted);
    differences.none();
}

#[test]
fn a_variant_is_a_file_and_an_entry() {
    let mut differences = Differences::default();
    let files = &names("src/kvm/variant", ".rs") - &set(["mod"]);
    let entries = Variant::ALL.iter().map(|v| v.name().replace('-', "_")).collect();
    differences.compare("src/kvm/variant", &files, &entries);
    for file in &files {
        for other in ["src/kvm/subscriber.rs", "src/kvm/memslot.rs", "src/oracle/assertion.rs"] {
            let code = read(other);
            let free = !code.contains(&format!("{file}::")) && !code.contains("Variant::");
            differences.check(free, || format!("{other}: names the variant {file}"));
        }
    }
    differences.none();
}

#[test]
fn files_that_oss_fuzz_takes_begin_with_the_licence_that_its_presubmit_wants() {
    let mut differences = Differences::default();
    let files = ["Dockerfile", "project.yaml", "build.sh"].map(|f| format!(".clusterfuzzlite/{f}"));
    let ours = ["fuzz/Dockerfile", "fuzz/project.yaml", "fuzz/oss-fuzz-build.sh"];
    for file in files.into_iter().chain(ours.map(String::from)) {
        differences.wants(&file, "http://www.apache.org/licenses/LICENSE-2.0");
    }
    differences.none();
}

#[test]
fn what_a_stranger_looks_for_is_there() {
    let mut differences = Differences::default();
    differences.wants("LICENSE-MIT", "Permission is hereby granted, free of charge");
    differences.wants("LICENSE-APACHE", "END OF TERMS AND CONDITIONS");
    differences.wants("Cargo.toml", "license = \"MIT OR Apache-2.0\"");
    for key in ["description", "readme", "keywords", "categories", "rust-version"] {
        differences.wants("Cargo.toml", &format!("\n{key} = "));
    }
    for file in ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/fuzzing.md"] {
        differences.check(root().join(file).is_file(), || format!("{file} is missing"));
        differences.wants("README.md", &format!("`{file}`"));
    }
    differences.none();
}

#[test]
fn fuzz_services_build_with_the_same_script() {
    let mut differences = Differences::default();
    let script = "fuzz/oss-fuzz-build.sh";
    let parts = ["fuzz/fuzz_targets/*.rs", "case encode corpus/protocol"];
    for part in parts.into_iter().chain(["lockdep encode corpus/lockdep"]) {
        differences.wants(script, part);
    }
    differences.wants("fuzz/Dockerfile", script);
    differences.wants(".clusterfuzzlite/build.sh", script);
    for file in ["fuzz/Dockerfile", ".clusterfuzzlite/Dockerfile"] {
        let bare = !read(file).contains("+nightly");
        differences.check(bare, || format!("{file}: coverage builds need the bare words"));
    }
    differences.none();
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

#[test]
fn the_readme_lists_what_there_is() {
    let mut differences = Differences::default();
    for (heading, wanted) in [
        ("Variants", set(Variant::ALL.map(Variant::name))),
        ("Planted bugs", set(Bug::ALL.iter().map(|bug| bug.id()))),
        ("Properties", set(Kind::ALL.iter().map(|kind| kind.name()))),
        ("Knobs", set(knobs::ALL)),
    ] {
        differences.compare(&format!("README.md, {heading}"), &readme_rows(heading), &wanted);
    }
    differences.none();
}

#[test]
fn the_readme_and_the_ci_run_the_same_tests() {
    let mut differences = Differences::default();
    for file in ["README.md", ".ci/run"] {
        differences.wants(file, "\ncargo test\n");
    }
    differences.none();
    let pinned = "cargo install cargo-fuzz --locked --version ";
    let version = |file: &str| {
        let text = read(file);
        let rest = text.split_once(pinned).map(|parts| parts.1.to_string());
        let rest = rest.unwrap_or_else(|| panic!("{file} installs no cargo-fuzz"));
        rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next().map(str::to_string)
    };
    let versions = ["README.md", "docs/fuzzing.md", ".ci/run", "benches/compare"].map(version);
    assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
}

#[test]
fn the_bounds_of_witnesses_are_said_where_they_hold() {
    let mut differences = Differences::default();
    let Limits { schedules, states, .. } = Limits::brief();
    let thousands = |n: u64| format!("{},{:03}", n / 1_000, n % 1_000);
    for file in ["README.md", "src/cli/run.rs", "src/cli/campaign.rs"] {
        let text = read(file).replace("///", "").split_whitespace().collect::<Vec<_>>().join(" ");
        for (n, of) in [(schedules, "schedules"), (states as u64, "states")] {
            let bound = format!("{} {of}", thousands(n));
            differences.check(text.contains(&bound), || format!("{file}: `{bound}` is missing"));
        }
    }
    differences.none();
}

#[test]
fn documents_name_files_that_exist() {
    let mut differences = Differences::default();
    for document in ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/fuzzing.md"] {
        let text = read(document);
        let words = text.split(|c: char| c.is_whitespace() || "`()|".contains(c));
        let sources = ["src/", "corpus/", "tests/", "benches/", "fuzz/fuzz_targets/", "docs/"];
        let is_path = |word: &&str| sources.iter().any(|source| word.starts_with(source));
        for path in words.filter(is_path).filter(|path| !path.contains(['*', '<', '{'])) {
            let path: PathBuf = path.trim_end_matches(['.', ',', ':', ';']).into();
            let there = root().join(&path).exists();
            differences.check(there, || format!("{document}: no file {}", path.display()));
        }
    }
    differences.none();
}

/// A fuzzer started by hand is built and run as the campaign's: cargo-fuzz's default is release with
/// debug assertions, so that the alias needs no word for these.
#[test]
fn the_alias_fuzzes_as_the_campaign_does() {
    let mut differences = Differences::default();
    let alias = "\nfz = \"fuzz run -s none --no-trace-compares\"\n";
    differences.wants(".cargo/config.toml", alias);
    differences.wants("src/campaign/build.rs", "-Cdebug-assertions");
    assert!(!read("src/campaign/build.rs").contains("coverage-trace-compares"));
    let options = read("fuzz/fuzz_targets/protocol.options");
    let wanted = ["max_len", "use_counters", "entropic", "mutate_depth"].map(|name| {
        let value = options.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        format!(" -{name}={}", value.unwrap_or_else(|| panic!("protocol.options has no {name}")))
    });
    let command = format!("\ncargo fz protocol --{}\n", wanted.concat());
    for file in ["README.md", "docs/fuzzing.md"] {
        differences.wants(file, &command);
    }
    differences.none();
}
