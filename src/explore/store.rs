//! The file of a search that goes on later: a line that says whose it is, then the state of the
//! search in each variant. It is always whole: every change is a [`Draft`].

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, BufWriter, IntoInnerError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::case::files::{Draft, sweep};

/// Version of the file.
const FORMAT: u32 = 2;
/// What the first line begins with.
const MAGIC: &str = "kvm-lock-fuzz explore state";

/// The file. Several threads may write their parts.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    header: String,
    /// Where each part stands; empty for a search that has not begun.
    parts: Mutex<Vec<(u64, u64)>>,
}

impl Store {
    /// Opens the file of the searches that `key` stands for, one part each, or makes it. Nothing is written
    /// yet.
    pub fn open(path: &Path, key: &str, parts: usize) -> Result<Store, String> {
        let header =
            format!("{MAGIC} {FORMAT} {:016x}\n", identity(key).map_err(|e| e.to_string())?);
        let empty = Mutex::new(vec![(0, 0); parts]);
        let store = Store { path: path.to_owned(), header, parts: empty };
        let said = |what: String| format!("{}: {what}", path.display());
        match fs::metadata(path) {
            Ok(old) if old.is_dir() => Err(said("a folder; name a file".to_string()))?,
            Ok(old) if !old.is_file() => {
                Err(said("no regular file, and a state has to be read again".to_string()))?
            }
            Ok(_) => {
                let file = File::open(path).map_err(|e| said(e.to_string()))?;
                let known = store.read(BufReader::new(file), parts).map_err(said)?;
                store.parts.lock().unwrap_or_else(PoisonError::into_inner).copy_from_slice(&known);
                store.check(parts).map_err(said)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(said(e.to_string())),
        }
        sweep(path);
        Ok(store)
    }

    /// Writes the file as it is, where that can be done.
    pub fn claim(&self) -> Result<(), String> {
        let said = |e| format!("{}: cannot be written: {e}", self.path.display());
        self.rewrite(None).map_err(said)
    }

    /// Whether every part is what was written.
    fn check(&self, parts: usize) -> Result<(), String> {
        let damaged = |_| "it is damaged; remove it to start anew".to_string();
        (0..parts).try_for_each(|part| self.part(part).map(drop).map_err(damaged))
    }

    /// The places of the parts, if the file is one of ours and whole.
    fn read(&self, mut file: BufReader<File>, parts: usize) -> Result<Vec<(u64, u64)>, String> {
        let damaged = |e: io::Error| format!("it is damaged ({e}); remove it to start anew");
        let mut line = Vec::new();
        Read::take(&mut file, 128).read_until(b'\n', &mut line).map_err(damaged)?;
        if !line.starts_with(MAGIC.as_bytes()) {
            return Err("no state of a search; name a file that `explore --resume` wrote".into());
        }
        if line != self.header.as_bytes() {
            return Err(
                "the state of another search: case, options and program have to be those that it \
                        was begun with; remove it to start anew"
                    .into(),
            );
        }
        let mut places = Vec::new();
        let mut at = self.body(parts);
        for _ in 0..parts {
            let mut length = [0; 8];
            file.read_exact(&mut length).map_err(damaged)?;
            places.push((at, u64::from_le_bytes(length)));
            at = at.saturating_add(u64::from_le_bytes(length));
        }
        let length = file.seek(SeekFrom::End(0)).map_err(damaged)?;
        if length != at {
            return Err(format!("it is damaged ({length} bytes of {at}); remove it to start anew"));
        }
        Ok(places)
    }

    /// Where the first part begins.
    fn body(&self, parts: usize) -> u64 {
        (self.header.len() + 8 * parts) as u64
    }

    /// The state of search `part`; none where it has not begun.
    pub fn part(&self, part: usize) -> io::Result<Option<impl Read>> {
        let (at, length) = self.parts.lock().unwrap_or_else(PoisonError::into_inner)[part];
        if length == 0 {
            return Ok(None);
        }
        let mut bytes = self.bytes(at, length)?;
        let mut sum = Summed { inner: io::sink(), sum: 0 };
        let content = length.checked_sub(8).ok_or(io::ErrorKind::InvalidData)?;
        io::copy(&mut Read::take(&mut bytes, content), &mut sum)?;
        let mut written = [0; 8];
        bytes.read_exact(&mut written)?;
        match u64::from_le_bytes(written) == sum.sum {
            true => Ok(Some(self.bytes(at, content)?)),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn bytes(&self, at: u64, length: u64) -> io::Result<io::Take<BufReader<File>>> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        file.seek(SeekFrom::Start(at))?;
        Ok(file.take(length))
    }

    /// Puts the state of search `part`.
    pub fn put(
        &self,
        part: usize,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut write = Some(write);
        self.rewrite(Some((part, &mut |to| write.take().map_or(Ok(()), |write| write(to)))))
    }

    /// Writes the whole file anew.
    fn rewrite(&self, new: Option<(usize, Part<'_>)>) -> io::Result<()> {
        let mut places = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (draft, written) = Draft::new(&self.path, |to| self.write(to, &places, new))?;
        draft.put()?;
        *places = written;
        Ok(())
    }

    fn write(
        &self,
        to: &mut File,
        old: &[(u64, u64)],
        mut new: Option<(usize, Part<'_>)>,
    ) -> io::Result<Vec<(u64, u64)>> {
        let mut file = BufWriter::with_capacity(1 << 16, to);
        file.write_all(self.header.as_bytes())?;
        file.write_all(&vec![0; 8 * old.len()])?;
        let mut places = Vec::new();
        for (part, &(at, length)) in old.iter().enumerate() {
            let begin = file.stream_position()?;
            match &mut new {
                Some((changed, write)) if *changed == part => {
                    let mut summed = Summed { inner: &mut file, sum: 0 };
                    write(&mut summed)?;
                    let sum = summed.sum;
                    file.write_all(&sum.to_le_bytes())?;
                }
                _ if length > 0 => _ = io::copy(&mut self.bytes(at, length)?, &mut file)?,
                _ => {}
            }
            places.push((begin, file.stream_position()? - begin));
        }
        file.seek(SeekFrom::Start(self.header.len() as u64))?;
        for (_, length) in &places {
            file.write_all(&length.to_le_bytes())?;
        }
        file.into_inner().map_err(IntoInnerError::into_error)?.sync_all()?;
        Ok(places)
    }
}

/// Writes a part.
type Part<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// A writer that sums up what goes through it.
struct Summed<W> {
    inner: W,
    sum: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let add = |sum: u64, &byte: &u8| {
            sum.rotate_left(5).wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)
        };
        self.sum = bytes[..written].iter().fold(self.sum, add);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What a state is worth anything for: the searches that `key` stands for, and this very program,
/// for a change of one step of the protocol makes another search.
fn identity(key: &str) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.write(&fs::read(std::env::current_exe()?)?);
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("explore-store-{name}-{}", std::process::id()));
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        folder.join("state")
    }

    fn contents(store: &Store, part: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        store.part(part).expect("it is whole")?.read_to_end(&mut bytes).expect("it can be read");
        Some(bytes)
    }

    #[test]
    fn parts_stay_and_are_replaced_by_turns() {
        let path = scratch("parts");
        let store = Store::open(&path, "key", 3).expect("it can be made");
        store.put(1, |to| to.write_all(b"one")).expect("it can be written");
        store.put(0, |to| to.write_all(b"another")).expect("it can be written");
        store.put(1, |to| to.write_all(b"once more")).expect("it can be written");
        let again = Store::open(&path, "key", 3).expect("it is ours");
        assert_eq!(contents(&again, 0).as_deref(), Some(&b"another"[..]));
        assert_eq!(contents(&again, 1).as_deref(), Some(&b"once more"[..]));
        assert_eq!(contents(&again, 2), None);
        let folder = path.parent().expect("a folder");
        assert_eq!(
            fs::read_dir(folder).expect("it can be read").count(),
            1,
            "nothing is left beside it"
        );
        _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn other_searches_and_damaged_files_are_refused() {
        let path = scratch("damaged");
        let store = Store::open(&path, "key", 1).expect("it can be made");
        store.put(0, |to| to.write_all(b"something")).expect("it can be written");
        assert!(Store::open(&path, "another key", 1).is_err_and(|e| e.contains("another search")));
        let mut bytes = fs::read(&path).expect("it can be read");
        let last = bytes.len() - 10;
        bytes[last] ^= 1;
        fs::write(&path, &bytes).expect("it can be written");
        assert!(Store::open(&path, "key", 1).is_err_and(|e| e.contains("damaged")));
        assert_eq!(fs::read(&path).expect("it can be read"), bytes, "and left as it was");
        bytes.pop();
        fs::write(&path, &bytes).expect("it can be written");
        assert!(Store::open(&path, "key", 1).is_err_and(|e| e.contains("damaged")));
        fs::write(&path, "task").expect("it can be written");
        assert!(Store::open(&path, "key", 1).is_err_and(|e| e.contains("no state")));
        _ = fs::remove_dir_all(path.parent().expect("a folder"));
    }
}
