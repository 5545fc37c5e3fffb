//! From a [`Script`] to the bytes that [`decode`](super::decode()) reads: seeds for a fuzzer.
//!
//! Each record is looked for among all that the decoder knows, by asking the decoder itself, so that
//! the two cannot disagree. The law: whatever the decoder returns can be encoded, and decodes to the
//! same again. Of other scripts the names get lost (the decoder numbers them), and one class or lock
//! that nothing uses may come in addition, because a decoded script has two at least.

use super::decode::{self, Follow, MAX_CLASSES, MAX_LOCKS, MAX_TASKS, RECORD};
use super::{ClassDecl, Event, MAX_DECODED_EVENTS, Op, Script, ScriptError, Where};

/// The bytes that decode to the script and the raw-lock-nesting option.
///
/// # Errors
/// The first declaration or event that no bytes stand for: the decoder knows fewer classes, locks,
/// tasks, names and combinations of arguments than the parser.
pub fn encode(script: &Script, raw_lock_nesting: bool) -> Result<Vec<u8>, ScriptError> {
    fits("classes", script.classes.len(), MAX_CLASSES.into())?;
    fits("locks", script.locks.len(), MAX_LOCKS.into())?;
    fits("tasks", script.tasks.len(), MAX_TASKS.into())?;
    fits("events", script.events.len(), MAX_DECODED_EVENTS)?;
    let mut bytes = declarations(script, raw_lock_nesting)?;
    // The decoder looks at numbers only, so that its own declarations serve.
    let (declared, _) = decode::decode(&bytes);
    let mut follow = vec![Follow::default(); declared.tasks.len()];
    for (n, event) in script.events.iter().enumerate() {
        let record =
            record(event, &declared, &mut follow).ok_or_else(|| unknown(Where::Event(n)))?;
        bytes.extend(record);
    }
    Ok(bytes)
}

fn fits(what: &str, n: usize, max: usize) -> Result<(), ScriptError> {
    if n <= max {
        return Ok(());
    }
    let message = format!("{n} {what}; bytes of a fuzz target stand for at most {max}");
    Err(ScriptError { at: Where::Script, message })
}

fn unknown(at: Where) -> ScriptError {
    let message = "no bytes of a fuzz target stand for it, leave it out or make it plainer";
    ScriptError { at, message: message.to_owned() }
}

/// The first byte, and the declarations.
fn declarations(script: &Script, raw: bool) -> Result<Vec<u8>, ScriptError> {
    let (classes, locks) = (script.classes.len().max(2), script.locks.len().max(2));
    let head = (0..=u8::MAX).find(|&head| {
        let (declared, nesting) = decode::decode(&[head]);
        (declared.classes.len(), declared.locks.len(), nesting) == (classes, locks, raw)
    });
    let mut bytes = vec![head.ok_or_else(|| unknown(Where::Script))?];
    for n in 0..classes {
        bytes.extend(class(n, script).ok_or_else(|| unknown(Where::Script))?);
    }
    for n in 0..locks {
        let wanted = script.locks.get(n).map(|lock| (lock.class, lock.subclass));
        let lock = (0..=u8::MAX).find(|&byte| {
            let lock = decode::lock(n as u8, byte, classes);
            wanted.is_none_or(|wanted| wanted == (lock.class, lock.subclass))
        });
        bytes.push(lock.ok_or_else(|| unknown(Where::Script))?);
    }
    Ok(bytes)
}

/// Two bytes for a class; any for one that the script does not have.
fn class(n: usize, script: &Script) -> Option<[u8; 2]> {
    let Some(wanted) = script.classes.get(n) else { return Some([0, u8::MAX]) };
    // The decoder knows two names for a class: that of the first, and its own.
    let like_first = n > 0 && wanted.name == script.classes[0].name;
    let others = &script.classes[..n];
    if !like_first && others.iter().any(|other| other.name == wanted.name) {
        return None;
    }
    let first = decode::class(0, 0, 0).name;
    let is_wanted = |&[types, name]: &[u8; 2]| {
        let ClassDecl { inner, outer, lock_type, name, .. } = decode::class(n as u8, types, name);
        (inner, outer, lock_type) == (wanted.inner, wanted.outer, wanted.lock_type)
            && (n == 0 || (name == first) == like_first)
    };
    pairs().find(is_wanted)
}

/// Three bytes for an event, if the task can be brought to do that.
fn record(event: &Event, script: &Script, follow: &mut [Follow]) -> Option<[u8; RECORD]> {
    let task = u8::try_from(event.task).ok()?;
    let first = task << 6 | kind(event.op);
    let follow = follow.get_mut(event.task)?;
    pairs().map(|[last, second]| [first, second, last]).find(|record| {
        let mut after = follow.clone();
        let done = decode::op(record, script, &mut after) == Some(event.op);
        if done {
            *follow = after;
        }
        done
    })
}

/// The six bits that stand for an operation, one of several.
fn kind(op: Op) -> u8 {
    match op {
        Op::Acquire(_) => 0,
        Op::Release(_) => 28,
        Op::Sync(_) => 47,
        Op::Downgrade(_) => 48,
        Op::SetSubclass(..) => 49,
        Op::Free(_) => 50,
        Op::UserExit => 51,
        Op::TaskExit => 52,
        Op::HardirqsOff => 53,
        Op::HardirqsOn => 54,
        Op::SoftirqsOn => 55,
        Op::HardirqExit => 56,
        Op::SoftirqExit => 57,
        Op::SoftirqsOff => 58,
        Op::SoftirqEnter => 59,
        Op::HardirqEnter(_) => 61,
    }
}

/// All pairs of bytes.
fn pairs() -> impl Iterator<Item = [u8; 2]> {
    (0..=u8::MAX).flat_map(|first| (0..=u8::MAX).map(move |second| [first, second]))
}

#[cfg(test)]
mod tests {
    use super::super::{decode, parse};
    use super::*;
    use crate::prng::Prng;

    #[test]
    fn what_decodes_encodes_prints_and_parses_to_the_same() {
        let mut prng = Prng(7);
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..prng.below(200)).map(|_| prng.next() as u8).collect();
            let (script, raw) = decode(&bytes);
            let encoded = encode(&script, raw).unwrap_or_else(|e| panic!("{e}: {script:?}"));
            assert_eq!(decode(&encoded), (script.clone(), raw));
            assert_eq!(parse(&script.decl_lines(), &script.event_lines()), Ok(script));
        }
    }
}
