//! The words of a line, each with what to say when it is another.

use super::super::super::engine::class::MAX_LOCKDEP_SUBCLASSES;
use super::super::super::types::{LockType, Read, WaitType};
use super::super::ReadMode;
use super::{MAX_NAME, Parsed};
pub(super) use crate::quote::word as shown;

/// The rest of a line.
pub(super) type Words<'a> = std::str::SplitAsciiWhitespace<'a>;

pub(super) fn named(word: &str) -> Parsed<String> {
    match word.len() {
        0..=MAX_NAME => Ok(word.to_owned()),
        n => Err(format!("a name of {n} bytes; at most {MAX_NAME}, shorten it")),
    }
}

pub(super) fn number<T: std::str::FromStr>(what: &str, text: &str, range: &str) -> Parsed<T> {
    text.parse().map_err(|_| format!("{what}={} is no number in {range}", shown(text)))
}

pub(super) fn wait_type(text: &str) -> Parsed<WaitType> {
    Ok(match text {
        "inv" => WaitType::Invalid,
        "free" => WaitType::Free,
        "spin" => WaitType::Spin,
        "config" => WaitType::Config,
        "sleep" => WaitType::Sleep,
        _ => {
            return Err(format!(
                "unknown wait type {}; use inv, free, spin, config or sleep",
                shown(text)
            ));
        }
    })
}

pub(super) fn lock_type(text: &str) -> Parsed<LockType> {
    Ok(match text {
        "normal" => LockType::Normal,
        "percpu" => LockType::Percpu,
        "override" => LockType::Override,
        _ => return Err(format!("unknown type {}; use normal, percpu or override", shown(text))),
    })
}

pub(super) fn init_subclass(text: &str) -> Parsed<u8> {
    let range = "0..7";
    let subclass: u8 = number("sub", text, range)?;
    if subclass < MAX_LOCKDEP_SUBCLASSES {
        return Ok(subclass);
    }
    Err(format!("sub={subclass} is no number in {range}"))
}

pub(super) fn argument<'a>(words: &mut Words<'a>, what: &str) -> Parsed<&'a str> {
    words.next().ok_or_else(|| format!("{what} is missing, add it"))
}

pub(super) fn no_more(words: &mut Words) -> Parsed<()> {
    match words.next() {
        None => Ok(()),
        Some(word) => Err(format!("unexpected {}, remove it", shown(word))),
    }
}

pub(super) fn read_mode(text: &str) -> Parsed<ReadMode> {
    Ok(match text {
        "w" => ReadMode::Plain(Read::Exclusive),
        "r" => ReadMode::Plain(Read::Shared),
        "R" => ReadMode::Plain(Read::Recursive),
        "rq" => ReadMode::Queued,
        _ => return Err(format!("unknown read mode {}; use w, r, R or rq", shown(text))),
    })
}

pub(super) fn threaded(words: &mut Words) -> Parsed<bool> {
    match words.next() {
        None => Ok(false),
        Some("threaded") => Ok(true),
        Some(word) => Err(format!("unexpected {}; only `threaded` may follow", shown(word))),
    }
}
