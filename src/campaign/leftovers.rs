//! What processes leave in a folder that were killed or ran out of disk: drafts that were never
//! renamed, inputs that came out empty. And whether a folder can be written to at all, because
//! libFuzzer does not notice.
//!
//! A bug in here would be the removal of a file that someone still writes or reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::Error;

/// Bytes of a file that is written to see whether one can be: a block, so that there is room for an
/// input.
const PROBE: usize = 4096;
/// The name that libFuzzer gives to the empty input: its hash.
const EMPTY: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

/// Whether a file of some bytes can be written to the folder now. Workers may look at one folder at
/// the same time.
pub(super) fn probe(folder: &Path) -> Result<(), Error> {
    static PROBES: AtomicU32 = AtomicU32::new(0);
    let number = PROBES.fetch_add(1, Ordering::Relaxed);
    let file = folder.join(format!(".probe.{number}.{}.part", process::id()));
    let written = fs::write(&file, [0; PROBE]);
    let removed = fs::remove_file(&file);
    written.and(removed).map_err(Error::file("write to", folder))
}

/// Removes the drafts of processes that are gone: files `.NAME.PID.part`.
pub(super) fn remove_drafts(folder: &Path) -> Result<(), Error> {
    remove_files(folder, |name, _| draft_of(name).is_some_and(|process| !is_alive(process)))
}

/// Removes inputs that came out empty. A probe is empty for a moment, and no input.
pub(super) fn remove_empty(corpus: &Path) -> Result<(), Error> {
    remove_files(corpus, |name, path| {
        name != EMPTY
            && !name.starts_with('.')
            && fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == 0)
    })
}

fn remove_files(folder: &Path, unwanted: impl Fn(&str, &Path) -> bool) -> Result<(), Error> {
    for path in entries(folder)? {
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| unwanted(name, &path)) {
            removed(&path)?;
        }
    }
    Ok(())
}

/// Removes a file that may be gone already.
pub(super) fn removed(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// What a folder holds, sorted.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let paths = fs::read_dir(folder).and_then(|all| all.map(|one| Ok(one?.path())).collect());
    let mut paths: Vec<PathBuf> = paths.map_err(Error::file("read", folder))?;
    paths.sort();
    Ok(paths)
}

/// The process whose draft has that name.
fn draft_of(name: &str) -> Option<u32> {
    let stem = name.strip_prefix('.')?.strip_suffix(".part")?;
    stem.rsplit('.').next()?.parse().ok()
}

/// Whether a process of that number runs. One that has ended and that its parent has not asked
/// about does not.
pub(super) fn is_alive(process: u32) -> bool {
    let asked = i32::try_from(process).map(|id| kill(Pid::from_raw(id), None));
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let is_zombie = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    matches!(asked, Ok(Ok(()) | Err(Errno::EPERM))) && !is_zombie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_that_look_at_one_folder_do_not_meet() {
        let folder = std::env::temp_dir().join(format!("probes-{}", process::id()));
        fs::create_dir_all(&folder).expect("the folder can be made");
        let check = |_| remove_empty(&folder).and_then(|()| probe(&folder));
        let look = || (0..500).try_for_each(check).expect("it can be written to");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(look);
            }
        });
        assert_eq!(entries(&folder).expect("it can be read"), Vec::<PathBuf>::new());
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }

    #[test]
    fn drafts_of_the_dead_and_empty_inputs_go() {
        let folder = std::env::temp_dir().join(format!("leftovers-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        let mut gone = process::Command::new("true").spawn().expect("it runs");
        gone.wait().expect("it ends");
        let (dead, ours) = (gone.id(), process::id());
        let drafts = [format!(".{dead}.part"), format!(".a.case.{dead}.part")];
        let others = [format!(".{ours}.part"), ".part".into(), ".lock".into(), EMPTY.into()];
        for name in drafts.iter().chain(&others) {
            fs::write(folder.join(name), "").expect("it can be written");
        }
        remove_drafts(&folder).expect("they can be removed");
        fs::write(folder.join("0123"), "").expect("it can be written");
        fs::write(folder.join("4567"), "x").expect("it can be written");
        let left = |folder| entries(folder).expect("it can be read").len();
        assert_eq!(left(&folder), others.len() + 2);
        remove_empty(&folder).expect("they can be removed");
        assert_eq!(left(&folder), others.len() + 1, "one with bytes, and what is no input");
        probe(&folder).expect("it can be written to");
        assert_eq!(left(&folder), others.len() + 1);
        fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
