//! Cases on disk: either form from a file or standard input, folders of text cases to folders of
//! fuzzer inputs. Nothing is written unless everything that was asked for can be, and then whole
//! ([`Draft`]); every error is one line that names the file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Case;
use super::binary::{FIRST_VERSION, LAST_VERSION};
use super::draft::check;
use super::text::{MAX_TEXT, Names, ParseError};

pub use super::draft::{Draft, sweep};

/// What went wrong with which file.
#[derive(Debug)]
pub struct FileError {
    /// The file or folder; `-` is standard input.
    pub path: PathBuf,
    /// What went wrong and how to mend it, one line.
    pub message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for FileError {}

type Result<T> = std::result::Result<T, FileError>;

/// Whether the bytes are the binary form: no text begins with one of its versions.
///
/// ```
/// use kvm_lock_fuzz::case::{Case, files::is_binary};
/// let case = Case::decode(b"");
/// assert!(is_binary(&case.encode()) && !is_binary(case.to_string().as_bytes()));
/// ```
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| (FIRST_VERSION..=LAST_VERSION).contains(first))
}

impl Case {
    /// The case that the bytes are, in whichever form.
    pub fn from_bytes(bytes: &[u8]) -> std::result::Result<Case, ParseError> {
        Case::named_from_bytes(bytes).map(|(case, _)| case)
    }

    /// The same with the names of its tasks; bytes have none.
    pub fn named_from_bytes(bytes: &[u8]) -> std::result::Result<(Case, Names), ParseError> {
        match is_binary(bytes) {
            true => Ok((Case::decode(bytes), Names::default())),
            false => Case::parse_named(bytes),
        }
    }
}

/// Loads a case in either form; `-` is standard input.
pub fn load(path: &Path) -> Result<Case> {
    load_named(path).map(|(case, _)| case)
}

/// The same with the names of its tasks.
pub fn load_named(path: &Path) -> Result<(Case, Names)> {
    let bytes = read(path)?;
    Case::named_from_bytes(&bytes).map_err(|e| FileError::new(path, hint(&bytes, &e)))
}

/// Loads a file as fuzzer input, whatever its first byte says: every file is a case then.
pub fn load_binary(path: &Path) -> Result<Case> {
    Ok(Case::decode(&read(path)?))
}

/// Encodes every `*.case` of a folder into another one, under its name without the ending; returns
/// how many. The other folder is made where it is missing, and keeps what else it holds. Where one
/// file cannot be written, none is.
pub fn encode_folder(from: &Path, to: &Path) -> Result<usize> {
    let mut inputs = Vec::new();
    for path in cases_in(from)? {
        let place = to.join(path.file_stem().unwrap_or_default());
        check(&place).map_err(|e| FileError::io(&place, &e))?;
        inputs.push((place, load(&path)?.encode()));
    }
    let made = !to.exists();
    make_folder(to)?;
    write_all(&inputs).inspect_err(|_| {
        if made {
            _ = fs::remove_dir(to);
        }
    })?;
    Ok(inputs.len())
}

/// The `*.case` files of a folder, sorted; at least one.
pub fn cases_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| FileError::io(folder, &e))? {
        let path = entry.map_err(|e| FileError::io(folder, &e))?.path();
        if path.extension().is_some_and(|ending| ending == "case") && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(FileError::new(folder, "no *.case file in it; name a folder of cases"));
    }
    paths.sort();
    Ok(paths)
}

/// Writes a file as a whole or not at all. Drafts that killed processes left in its folder go.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    sweep(path);
    draft(path, bytes)?.put().map_err(|e| FileError::io(path, &e))
}

/// Writes files of one folder: all, or where one cannot be written none.
fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    if let Some((path, _)) = files.first() {
        sweep(path);
    }
    let drafts = files.iter().map(|(path, bytes)| Ok((path, draft(path, bytes)?)));
    let drafts: Vec<(&PathBuf, Draft)> = drafts.collect::<Result<_>>()?;
    let mut drafts = drafts.into_iter();
    drafts.try_for_each(|(path, draft)| draft.put().map_err(|e| FileError::io(path, &e)))
}

fn draft(path: &Path, bytes: &[u8]) -> Result<Draft> {
    let draft = Draft::new(path, |file| file.write_all(bytes));
    draft.map(|(draft, ())| draft).map_err(|e| FileError::io(path, &e))
}

impl FileError {
    fn new(path: &Path, message: impl Into<String>) -> FileError {
        FileError { path: path.to_owned(), message: message.into() }
    }

    fn io(path: &Path, error: &io::Error) -> FileError {
        match error.kind() {
            io::ErrorKind::IsADirectory => FileError::new(path, "a directory; name a file"),
            kind => FileError::new(path, format!("{error}{}", mend(kind))),
        }
    }
}

/// How to mend what the system refuses with an error of that kind, as the end of a line; empty where
/// the error itself says all there is.
pub fn mend(kind: io::ErrorKind) -> &'static str {
    use io::ErrorKind::*;
    match kind {
        StorageFull | QuotaExceeded => "; free some space there, what is saved already stays",
        FileTooLarge => "; allow larger files (ulimit -f), what is saved already stays",
        ReadOnlyFilesystem | PermissionDenied => "; change its permissions or name another place",
        NotFound => "; check the path",
        AlreadyExists | NotADirectory => "; a file is in the place of a folder: move it away",
        IsADirectory => "; a folder is in the place of a file: move it away",
        _ => "",
    }
}

/// Makes a folder, and those that it is in, where they are missing.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| FileError::io(folder, &e))
}

/// The bytes of a file or of standard input, if they are not more than a text may have.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_TEXT as u64 + 1;
    let done = match path.to_str() {
        Some("-") => io::stdin().lock().take(limit).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    done.map_err(|e| FileError::io(path, &e))?;
    if bytes.len() > MAX_TEXT {
        let message = format!("longer than {MAX_TEXT} bytes; no case is");
        return Err(FileError::new(path, message));
    }
    Ok(bytes)
}

/// The parser's word, and a way on for inputs of other fuzzers, whose first byte may be any.
fn hint(bytes: &[u8], error: &ParseError) -> String {
    if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0')) {
        return error.to_string();
    }
    format!("{error} (if it is a fuzzer's input: `case decode` reads any bytes)")
}
