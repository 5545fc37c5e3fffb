//! Files that are written whole or not at all: as a draft beside their place, `.NAME.PID.part`, then by
//! rename. Links are followed, also to what does not exist yet; an existing file keeps its mode and
//! owner; what is no regular file (a device, a pipe, a terminal) is written through.
//!
//! A bug in here would be a half-written file under its own name, a link or a device that a file
//! replaces, a mode that gets wider, or the draft of a living process that is removed.
//!
//! The crates for this (tempfile, atomic-write-file) rename as the standard library does, but replace
//! links, and their drafts do not say whose they are, so that those of killed processes would stay.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::process;

/// Links on the way to a file; Linux follows as many.
const MAX_LINKS: usize = 40;
/// What the name of a draft ends with.
const PART: &str = ".part";

/// The contents of a file, not in their place yet. Dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    /// Where it belongs.
    to: PathBuf,
    /// Where it is; none where it was written through, or was put.
    part: Option<PathBuf>,
}

impl Draft {
    /// A draft with the contents that `fill` writes, and what that returns. What is no regular file is
    /// written through at once, because nothing can be put in its place.
    pub fn new<T>(
        path: &Path,
        fill: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> io::Result<(Draft, T)> {
        let old = check(path)?;
        let (to, stream) = follow(path)?;
        if let Some(mut stream) = stream {
            return Ok((Draft { to, part: None }, fill(&mut stream)?));
        }
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            let mut through = OpenOptions::new().write(true).open(&to)?;
            return Ok((Draft { to, part: None }, fill(&mut through)?));
        }
        let part = part_of(&to)?;
        let mut file = create(&part)?;
        let draft = Draft { to, part: Some(part) };
        if let Some(old) = old {
            keep(&old, &file)?;
        }
        let filled = fill(&mut file)?;
        Ok((draft, filled))
    }

    /// Puts it in its place.
    pub fn put(mut self) -> io::Result<()> {
        let Some(part) = &self.part else { return Ok(()) };
        fs::rename(part, &self.to)?;
        self.part = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // Where it cannot be removed the next write does it.
            _ = fs::remove_file(part);
        }
    }
}

/// What stands at the end of the path; none where nothing does. An error where it cannot be written.
pub(super) fn check(path: &Path) -> io::Result<Option<Metadata>> {
    let old = match fs::metadata(path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if old.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if old.is_file() {
        // The folder alone decides about a rename, and would let a read-only file go.
        OpenOptions::new().write(true).open(path)?;
    }
    Ok(Some(old))
}

/// Where the links of the path end; with it the stream, if that is standard output or error: opened
/// anew by its name (`/dev/stdout`), a file behind it would be written from its beginning.
fn follow(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let streams = fs::canonicalize("/proc/self/fd").ok();
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = folder_of(&path);
        if streams.is_some() && fs::canonicalize(folder).ok() == streams {
            let stream = match path.file_name().and_then(|name| name.to_str()) {
                Some("1") => Some(io::stdout().as_fd().try_clone_to_owned()?),
                Some("2") => Some(io::stderr().as_fd().try_clone_to_owned()?),
                _ => None,
            };
            return Ok((path, stream.map(File::from)));
        }
        match fs::read_link(&path) {
            Ok(link) => path = folder.join(link),
            Err(_) => return Ok((path, None)),
        }
    }
    Err(io::Error::other("too many links"))
}

/// The folder that a path is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The draft of that file in this process.
fn part_of(to: &Path) -> io::Result<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().ok_or(io::ErrorKind::IsADirectory)?);
    name.push(format!(".{}{PART}", process::id()));
    Ok(to.with_file_name(name))
}

/// Makes the draft's file. One of that name is of a dead process that had our number.
fn create(part: &Path) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).open(part);
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(part)?;
            create()
        }
        created => created,
    }
}

/// Gives the new file owner and mode of the old one, before it has contents.
fn keep(old: &Metadata, file: &File) -> io::Result<()> {
    let new = file.metadata()?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        // Only root may give a file away; otherwise it is ours from now on.
        _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}

/// Removes the drafts of dead processes from the folder of that file, as far as that can be done.
pub fn sweep(path: &Path) {
    let Ok((to, None)) = follow(path) else { return };
    let entries = fs::read_dir(folder_of(&to)).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_str().and_then(writer).is_some_and(is_dead) {
            _ = fs::remove_file(entry.path());
        }
    }
}

/// The process that wrote a draft of that name.
fn writer(name: &str) -> Option<u32> {
    let number = name.strip_prefix('.')?.strip_suffix(PART)?.rsplit('.').next()?;
    number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse().ok())?
}

/// Whether there is no such process. Where no list of them is, none counts as dead.
fn is_dead(process: u32) -> bool {
    let list = Path::new("/proc");
    list.join("self").exists() && !list.join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_say_whose_they_are() {
        assert_eq!(writer(".a.case.12.part"), Some(12));
        assert_eq!(writer(".12.part"), Some(12));
        for other in ["a.case.12.part", ".a.case.part", ".a.12", ".a.-1.part", ".a..part", ".part"]
        {
            assert_eq!(writer(other), None, "{other}");
        }
        let own = part_of(Path::new("folder/a.case")).expect("it has a name");
        let name = own.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        assert_eq!(writer(name), Some(process::id()));
        assert!(!is_dead(process::id()) && is_dead(u32::MAX));
    }
}
