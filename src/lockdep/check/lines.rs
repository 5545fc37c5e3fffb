//! The lines of a file of records, one at a time and bounded. They end with LF, CR LF or CR.
//!
//! A bug here is a file that is read without end, or a line that is lost.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 << 20;
/// Most bytes that are read of a file.
pub const MAX_FILE: usize = 1 << 30;

/// Most bytes that [`Lines`] reads.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of a line.
    pub line: usize,
    /// Of a file.
    pub file: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { line: MAX_LINE, file: MAX_FILE }
    }
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A line that is not blank, without its line break, and its number from 1.
    Line(usize, &'a [u8]),
    /// A line that is too long, skipped to its end.
    TooLong(usize),
    /// The file goes on beyond what is read of it.
    TooLarge,
    /// The end.
    End,
}

/// Opens a file of records; `-` is standard input.
///
/// # Errors
/// Those of opening it.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    if path.is_dir() {
        // Opening succeeds, and the error of reading does not say it in these words.
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a directory"));
    }
    Ok(Box::new(BufReader::new(File::open(path)?)))
}

/// The lines of a file.
pub struct Lines<R> {
    reader: R,
    bounds: Bounds,
    /// Bytes that may still be read.
    left: usize,
    number: usize,
    line: Vec<u8>,
    /// The last line ended with CR, so that an LF here belongs to its end.
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    /// From the beginning of `reader`.
    pub fn new(reader: R, bounds: Bounds) -> Lines<R> {
        Lines { reader, bounds, left: bounds.file, number: 0, line: Vec::new(), after_cr: false }
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    /// Those of reading.
    pub fn next_line(&mut self) -> io::Result<Next<'_>> {
        loop {
            self.number += 1;
            let whole = self.read(self.bounds.line)?;
            if !whole && self.line.len() == self.bounds.line && !self.at_end()? {
                let number = self.number;
                while self.left > 0 && !self.read(1 << 16)? && !self.line.is_empty() {}
                return Ok(Next::TooLong(number));
            }
            if !whole && self.left == 0 && !self.at_end()? {
                return Ok(Next::TooLarge);
            }
            if !whole && self.line.is_empty() {
                return Ok(Next::End);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Next::Line(self.number, self.line.trim_ascii()))
    }

    /// Reads to the end of the line, but at most so many bytes; whether the end was reached.
    fn read(&mut self, most: usize) -> io::Result<bool> {
        self.line.clear();
        let mut room = most.min(self.left);
        while room > 0 {
            let bytes = self.reader.fill_buf()?;
            let Some(&first) = bytes.first() else { return Ok(false) };
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                self.reader.consume(1);
                self.left -= 1;
                room = room.min(self.left);
                continue;
            }
            let bytes = &bytes[..bytes.len().min(room)];
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.after_cr = bytes[used - 1] == b'\r';
            self.line.extend_from_slice(&bytes[..used]);
            self.reader.consume(used);
            (self.left, room) = (self.left - used, room - used);
            if end.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn at_end(&mut self) -> io::Result<bool> {
        Ok(self.reader.fill_buf()?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a text, as numbers of lines with the lines, `long` and `large`.
    fn read(text: &str, line: usize, file: usize) -> String {
        let mut lines = Lines::new(text.as_bytes(), Bounds { line, file });
        let mut out = Vec::new();
        loop {
            out.push(match lines.next_line().expect("memory can be read") {
                Next::Line(n, line) => format!("{n} {}", String::from_utf8_lossy(line)),
                Next::TooLong(n) => format!("{n} long"),
                Next::TooLarge => "large".to_owned(),
                Next::End => return out.join(", "),
            });
            if out.last().is_some_and(|last| last == "large") {
                return out.join(", ");
            }
        }
    }

    #[test]
    fn every_line_has_its_number_and_blank_ones_are_none() {
        assert_eq!(read("", 9, 99), "");
        assert_eq!(read("a\n\n b \r\nc", 9, 99), "1 a, 3 b, 4 c");
        assert_eq!(read("a\n \n", 9, 99), "1 a");
        assert_eq!(read("a\r\r b \rc", 9, 99), "1 a, 3 b, 4 c");
        assert_eq!(read("a\r\n\r\nb\n\rc\r", 9, 99), "1 a, 3 b, 5 c");
    }

    #[test]
    fn a_line_may_be_as_long_as_the_bound_says() {
        assert_eq!(read("abcd", 4, 99), "1 abcd");
        assert_eq!(read("abc\nx", 4, 99), "1 abc, 2 x");
        assert_eq!(read("abcd\nx", 4, 99), "1 long, 2 x");
        assert_eq!(read("abcde\nx", 4, 99), "1 long, 2 x");
        assert_eq!(read(&format!("{}\nx", "a".repeat(1 << 18)), 4, 1 << 20), "1 long, 2 x");
        assert_eq!(read("abcdef", 4, 99), "1 long");
    }

    #[test]
    fn a_file_may_be_as_large_as_the_bound_says() {
        assert_eq!(read("a\nb\n", 9, 4), "1 a, 2 b");
        assert_eq!(read("a\nb", 9, 3), "1 a, 2 b");
        assert_eq!(read("a\nb\nc", 9, 4), "1 a, 2 b, large");
        assert_eq!(read("a\nbcdef", 9, 4), "1 a, large");
        assert_eq!(read("abcdefgh", 3, 6), "1 long, large");
    }
}
