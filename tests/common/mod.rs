//! What several test files need: the seeds, and comparison with files.
#![allow(dead_code)]

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(unix)]
pub mod process;
#[cfg(feature = "cli")]
pub mod shell;

use std::path::{Path, PathBuf};

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::binary::{RECORD, VERSION};
use kvm_lock_fuzz::case::mutate::mutate;
use kvm_lock_fuzz::prng::Prng;

/// A folder or file of the repository.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// The cases of a folder below the repository, with their paths, sorted.
pub fn cases_in(folder: &str) -> Vec<(PathBuf, Case)> {
    let entries = path(folder).read_dir().unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} is empty");
    paths.into_iter().map(|path| (path.clone(), load(&path))).collect()
}

/// Every hand-written seed of the protocol.
pub fn seeds() -> Vec<Case> {
    cases_in("corpus/protocol").into_iter().map(|(_, case)| case).collect()
}

/// One of them, by name.
pub fn seed(name: &str) -> Case {
    load(&path(&format!("corpus/protocol/{name}.case")))
}

/// A case from a file.
pub fn load(path: &Path) -> Case {
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Case::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A case from its text.
pub fn case(text: &str) -> Case {
    Case::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Compares with `tests/golden/NAME`; with `UPDATE_GOLDEN` set, writes it.
pub fn golden(name: &str, text: &str) {
    let file = path("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
    if let Some((line, (is, was))) = differs(text, &expected) {
        panic!("{name}, line {line}:\n  is  {is}\n  was {was}\n\n{text}");
    }
}

fn differs<'a>(is: &'a str, was: &'a str) -> Option<(usize, (&'a str, &'a str))> {
    let lines = is.lines().count().max(was.lines().count());
    let pad = |text: &'a str| text.lines().chain(std::iter::repeat(""));
    let pairs = pad(is).zip(pad(was)).take(lines);
    (1..).zip(pairs).find(|(_, (is, was))| is != was)
}

/// Random legal cases, without end.
pub fn random_cases(seed: u64) -> impl Iterator<Item = Case> {
    let mut prng = Prng(seed);
    std::iter::repeat_with(move || {
        let records = 2 + prng.below(30) as usize;
        let mut bytes: Vec<u8> = (0..1 + RECORD * records).map(|_| prng.next() as u8).collect();
        bytes[0] = VERSION;
        Case::decode(&bytes)
    })
}

/// `each` mutants of every seed, up to eight mutations away.
pub fn mutants(seed: u64, each: usize) -> impl Iterator<Item = Case> {
    let mut prng = Prng(seed);
    seeds().into_iter().flat_map(move |case| {
        let encoded = case.encode();
        std::iter::repeat_with(|| mutant(&encoded, &mut prng)).take(each).collect::<Vec<_>>()
    })
}

fn mutant(encoded: &[u8], prng: &mut Prng) -> Case {
    let mut data = encoded.to_vec();
    let mut size = data.len();
    data.resize(size + 16 * RECORD, 0);
    for _ in 0..=prng.below(8) {
        let byte = prng.below(size as u32) as usize;
        let value = prng.next() as u8;
        let limit = data.len();
        size = mutate(&mut data, size, limit, prng.next() as u32, |data, size, _| {
            data[byte.min(size - 1)] = value;
            size
        });
    }
    Case::decode(&data[..size])
}
