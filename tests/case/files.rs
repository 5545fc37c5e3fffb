//! Cases on disk.

use std::fs;
use std::path::{Path, PathBuf};

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::files::{encode_folder, load, load_binary};
use kvm_lock_fuzz::case::text::MAX_TEXT;

/// An empty folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn both_forms_load_and_are_told_apart() {
    let folder = folder("forms");
    let case = Case::decode(b"\x01some bytes of a fuzzer, many of them");
    let (text, binary) = (folder.join("text"), folder.join("crash-0"));
    fs::write(&text, case.to_string()).unwrap();
    fs::write(&binary, case.encode()).unwrap();
    assert_eq!(load(&text).unwrap(), case);
    assert_eq!(load(&binary).unwrap(), case);
}

#[test]
fn unreadable_files_are_told_in_one_line() {
    let folder = folder("unreadable");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    for (path, said) in [
        (write("empty", b""), "line 1, column 1: the case has no task;"),
        (write("prose", b"dear maintainers"), "line 1, column 1: `dear` begins no statement;"),
        (write("elf", b"\x7fELF\x02\x01\0"), "`case decode` reads any bytes"),
        (write("long", &vec![b'#'; MAX_TEXT + 1]), "longer than"),
        (folder.join("missing"), "No such file"),
        (folder.clone(), "directory"),
    ] {
        let error = load(&path).unwrap_err().to_string();
        assert!(error.starts_with(&*path.to_string_lossy()), "{error}");
        assert!(error.contains(said) && !error.contains('\n'), "{error}");
    }
    assert!(load_binary(&write("elf", b"\x7fELF")).is_ok());
}

#[test]
fn a_folder_is_encoded_whole_or_not_at_all() {
    let (from, to) = (folder("from"), folder("to").join("deeper"));
    let case = Case::decode(b"");
    fs::write(from.join("a.case"), case.to_string()).unwrap();
    fs::write(from.join("b.case"), case.to_string()).unwrap();
    fs::write(from.join("notes.txt"), "no case").unwrap();
    assert_eq!(encode_folder(&from, &to).unwrap(), 2);
    assert_eq!(fs::read(to.join("a")).unwrap(), case.encode());
    assert_eq!(to.read_dir().unwrap().count(), 2);

    fs::write(from.join("c.case"), "task").unwrap();
    let untouched = folder("untouched").join("out");
    let error = encode_folder(&from, &untouched).unwrap_err().to_string();
    assert!(error.contains("c.case: line 1, column 5: expected a word"), "{error}");
    assert!(!untouched.exists());
    assert!(encode_folder(&to, &untouched).unwrap_err().message.contains("no *.case file"));
}
