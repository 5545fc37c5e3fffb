//! One campaign at a time on a folder: an advisory lock on a file, which the system takes away from
//! a process that ends however it ends. The file names the holder for those who are refused.
//!
//! A bug in here would be two campaigns that remove each other's files, or a dead one that keeps
//! the living out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;
use super::leftovers::is_alive;

/// How long the targets of a killed campaign may take to end.
const HEIRS: Duration = Duration::from_secs(30);
/// How often they are looked after.
const TICK: Duration = Duration::from_millis(20);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Locks by the file at `path`, on behalf of what `of` names, and `mend` says what another
    /// campaign can do instead.
    ///
    /// Targets share the lock with their campaign ([`Lock::share`]). Where only they are left, this
    /// waits for their end.
    pub fn take(path: &Path, of: &Path, mend: &'static str) -> Result<Lock, Error> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::file("lock", path))?;
        let end = Instant::now() + HEIRS;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock::sign(file)),
                Err(TryLockError::Error(error)) => return Err(Error::file("lock", path)(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = holder(&mut file);
            if holder.is_none_or(is_alive) || Instant::now() >= end {
                return Err(Error::Busy { folder: of.to_path_buf(), holder, mend });
            }
            thread::sleep(TICK);
        }
    }

    /// Writes who holds it. A full disk has no room for that, and the lock holds all the same.
    fn sign(mut file: File) -> Lock {
        let id = format!("{}\n", process::id());
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(id.as_bytes()));
        Lock(file)
    }

    /// The lock as the standard input of a child, which so holds it to its own end. Targets read
    /// nothing there.
    pub fn share(&self) -> io::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.take(20).read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

/// The lock file of a folder, in it.
pub(super) fn inside(folder: &Path) -> PathBuf {
    folder.join(".campaign.lock")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("lock-{name}-{}", process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    fn take(path: &Path) -> Result<Lock, Error> {
        Lock::take(path, Path::new("results"), "wait")
    }

    #[test]
    fn a_second_one_is_refused_by_name() {
        let path = scratch("second");
        let held = take(&path).expect("it is free");
        let refused = take(&path).expect_err("it is held").to_string();
        assert!(refused.contains(&format!("process {}", process::id())), "{refused}");
        assert_eq!(refused.lines().count(), 1);
        drop(held);
        // Between fork and exec a child that another test starts shares the file for a moment.
        let end = Instant::now() + Duration::from_secs(10);
        while take(&path).is_err() {
            assert!(Instant::now() < end, "it is free again");
            thread::sleep(TICK);
        }
        fs::remove_file(&path).expect("it can be removed");
    }

    #[test]
    fn targets_of_a_dead_campaign_are_waited_for() {
        let path = scratch("heirs");
        let held = take(&path).expect("it is free");
        let stdin = held.share().expect("it can be shared");
        let mut target = Command::new("sleep").arg("1").stdin(stdin).spawn().expect("it runs");
        let mut gone = Command::new("true").spawn().expect("it runs");
        gone.wait().expect("it ends");
        // As a campaign leaves it that was killed.
        fs::write(&path, gone.id().to_string()).expect("it can be written");
        drop(held);
        let begin = Instant::now();
        take(&path).expect("it is taken over");
        assert!(begin.elapsed() > Duration::from_millis(300), "{:?}", begin.elapsed());
        assert!(target.try_wait().expect("it can be asked").is_some(), "the target has ended");
        fs::remove_file(&path).expect("it can be removed");
    }
}
