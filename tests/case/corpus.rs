//! The seeds: hand-written, commented, alive.

use std::path::{Path, PathBuf};

use kvm_lock_fuzz::case::Case;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn every_seed_is_a_commented_case_and_survives_both_forms() {
    for (path, text) in seeds("protocol") {
        assert_eq!(path.extension(), Some("case".as_ref()), "{path:?}");
        assert!(text.starts_with(b"# "), "{path:?} says what it shows");
        let case = Case::parse(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        assert_eq!(Case::decode(&case.encode()), case, "{path:?}");
        assert_eq!(Case::parse(case.to_string().as_bytes()), Ok(case), "{path:?}");
    }
}

#[test]
fn text_seeds_are_cases_unless_they_are_called_damaged() {
    for (path, text) in seeds("case_text") {
        let damaged = path.to_string_lossy().contains("damaged");
        assert_eq!(Case::parse(&text).is_err(), damaged, "{path:?}: {:?}", Case::parse(&text));
    }
}
