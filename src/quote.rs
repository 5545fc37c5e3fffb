//! Input in messages and reports: what would move the cursor, ring, hide text or begin a line is
//! written out as an escape.
//!
//! A bug here is input that changes how the rest of the output reads: an id with a line break that
//! looks like another record's line, a name that recolours a terminal.

use std::borrow::Cow;
use std::path::Path;

/// Most characters that a message quotes of a word.
pub const MAX_QUOTED: usize = 40;

/// Control characters, the separators of lines and paragraphs, and the marks that turn the
/// direction of writing (Unicode UAX 9).
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A text that stays on its line: `\n`, `\u{1b}` and the like stand for what acts.
///
/// ```
/// # use kvm_lock_fuzz::quote;
/// assert_eq!(quote::line("a\nb\u{1b}[31m"), r"a\nb\u{1b}[31m");
/// ```
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// A text of several lines: line breaks and tabs stay.
pub fn page(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && c != '\n' && c != '\t')
}

/// A file name on one line.
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// A word of the input in backquotes, at most [`MAX_QUOTED`] characters of it.
pub fn word(word: &str) -> String {
    match word.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("`{}...`", line(&word[..end])),
        None => format!("`{}`", line(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_is_left_and_nothing_else_changes() {
        for c in (0..=0x2100).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            assert_eq!(line(&text) != text, acts(c), "{c:?}");
            assert!(!line(&text).contains(acts), "{c:?}");
        }
        let plain = "übung, `x` \\ \"y\" 漢字 🦀";
        assert!(matches!(line(plain), Cow::Borrowed(text) if text == plain));
        assert_eq!(line("\0\u{7}\u{7f}\u{85}\u{202e}"), r"\u{0}\u{7}\u{7f}\u{85}\u{202e}");
    }

    #[test]
    fn a_page_keeps_its_lines() {
        assert_eq!(page("a\n\tb\r\u{1b}c\n"), "a\n\tb\\r\\u{1b}c\n");
    }

    #[test]
    fn words_are_cut_by_characters() {
        assert_eq!(word(&"ü".repeat(MAX_QUOTED)), format!("`{}`", "ü".repeat(MAX_QUOTED)));
        assert_eq!(word(&"ü".repeat(MAX_QUOTED + 1)), format!("`{}...`", "ü".repeat(MAX_QUOTED)));
        assert_eq!(word("a\nb"), r"`a\nb`");
    }
}
