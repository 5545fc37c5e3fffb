//! Cases on disk.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::case::files::{Draft, encode_folder, load, load_binary, write};
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

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn links_are_followed_and_modes_stay() {
    let (here, there) = (folder("links"), folder("targets"));
    fs::write(there.join("old"), "old").unwrap();
    fs::set_permissions(there.join("old"), Permissions::from_mode(0o600)).unwrap();
    symlink(there.join("old"), here.join("absolute")).unwrap();
    symlink("absolute", here.join("chain")).unwrap();
    symlink("../targets/new", here.join("dangling")).unwrap();
    for (link, place, mode_of) in
        [("absolute", "old", 0o600), ("chain", "old", 0o600), ("dangling", "new", 0o644)]
    {
        write(&here.join(link), link.as_bytes()).unwrap();
        assert!(here.join(link).is_symlink(), "{link} stays a link");
        assert_eq!(fs::read(there.join(place)).unwrap(), link.as_bytes());
        assert_eq!(mode(&there.join(place)) & mode_of, mode(&there.join(place)), "{link}");
    }
    assert_eq!(names(&here), ["absolute", "chain", "dangling"]);
    assert_eq!(names(&there), ["new", "old"]);
    symlink("loop", here.join("loop")).unwrap();
    assert!(write(&here.join("loop"), b"").is_err());
    symlink(&there, here.join("folder")).unwrap();
    assert!(write(&here.join("folder"), b"").unwrap_err().message.contains("a directory; name"));
}

#[test]
fn what_is_no_regular_file_is_written_through() {
    write(Path::new("/dev/null"), b"gone").unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    assert!(write(Path::new("/dev/full"), b"too much").is_err());

    let fifo = folder("through").join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::read(fifo).unwrap()
    });
    write(&fifo, b"through").unwrap();
    assert_eq!(reader.join().unwrap(), b"through");
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
}

#[test]
fn drafts_of_dead_processes_go_and_those_of_living_ones_stay() {
    let folder = folder("drafts");
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let draft = |id: u32| format!(".a.case.{id}.part");
    let parent = std::os::unix::process::parent_id();
    for name in [&draft(dead.id()), &draft(parent), ".part", "a.1.part", ".a.x.part"] {
        fs::write(folder.join(name), "").unwrap();
    }
    write(&folder.join("b.case"), b"").unwrap();
    let mut stay = [&draft(parent), ".part", "a.1.part", ".a.x.part", "b.case"];
    stay.sort_unstable();
    assert_eq!(names(&folder), stay);
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let folder = folder("nothing");
    fs::create_dir(folder.join("taken")).unwrap();
    assert!(write(&folder.join("taken"), b"").is_err());
    assert!(write(&folder.join("no/such"), b"").is_err());
    assert!(Draft::new(&folder.join("half"), |_| Err::<(), _>(io::Error::other("full"))).is_err());
    let (draft, ()) = Draft::new(&folder.join("left"), |_| Ok(())).unwrap();
    assert_eq!(names(&folder).len(), 2);
    drop(draft);
    assert_eq!(names(&folder), ["taken"]);
}

#[test]
fn a_folder_in_the_place_of_an_entry_leaves_the_others_as_they_are() {
    let (from, to) = (folder("entries"), folder("entries-out"));
    for name in ["a.case", "b.case", "c.case"] {
        fs::write(from.join(name), Case::decode(b"").to_string()).unwrap();
    }
    fs::create_dir(to.join("b")).unwrap();
    let error = encode_folder(&from, &to).unwrap_err().to_string();
    assert!(error.ends_with("entries-out/b: a directory; name a file"), "{error}");
    assert_eq!(names(&to), ["b"]);
}

#[test]
fn standard_output_by_another_name_is_not_replaced() {
    let folder = folder("stdout");
    let (artifact, printed) = (folder.join("crash-0"), folder.join("printed"));
    let case = Case::decode(b"\x01some bytes of a fuzzer, many of them");
    fs::write(&artifact, case.encode()).unwrap();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        fs::write(&printed, "before\n").unwrap();
        let to = fs::OpenOptions::new().append(true).open(&printed).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_kvm-lock-fuzz"));
        program.args(["case", "decode", "-o", name]).arg(&artifact).stdout(to);
        assert!(program.status().unwrap().success());
        assert_eq!(fs::read_to_string(&printed).unwrap(), format!("before\n{case}"), "{name}");
    }
}
