//! From bytes to a [`Script`]: the whole event language for a fuzzer.
//!
//! Total: every byte string is a script that [`parse`](super::parse()) would accept. Records have
//! a fixed width, so that a mutation stays local: one byte for each number of declarations, two for
//! each class, one for each lock, then three for each event. What the language forbids (leaving an
//! interrupt that was not entered) is skipped; releases mostly mean something that is held.
//! [`encode`](super::encode()) is the way back.

use super::super::types::{LockType, Read, WaitType};
use super::{AcquireArgs, ClassDecl, Decl, Event, LockDecl, Op, ReadMode, Script, TaskDecl};

/// Most events of a decoded script.
pub const MAX_DECODED_EVENTS: usize = 256;

pub(super) const MAX_CLASSES: u8 = 6;
pub(super) const MAX_LOCKS: u8 = 9;
pub(super) const MAX_TASKS: u8 = 3;
/// Bytes of an event's record.
pub(super) const RECORD: usize = 3;

/// What a task is inside of, and holds, as far as the decoder follows it.
#[derive(Clone, Default)]
pub(super) struct Follow {
    /// Lock and context of each.
    held: Vec<(usize, u32)>,
    hardirqs: u32,
    softirqs: u32,
    softirqs_off: u32,
}

impl Follow {
    fn context(&self) -> u32 {
        u32::from(self.hardirqs > 0) * 2 + u32::from(self.softirqs > 0)
    }

    /// How many of the held locks the current context can release.
    fn releasable(&self) -> usize {
        let context = self.context();
        self.held.iter().rev().take_while(|held| held.1 == context).count()
    }
}

/// From here on the last byte of a record insists on a lock that is not held.
const INSIST: u8 = 252;

/// Decodes a script and the raw-lock-nesting option.
pub fn decode(data: &[u8]) -> (Script, bool) {
    let mut bytes = data.iter().copied();
    let mut next = || bytes.next().unwrap_or(0);
    let head = next();
    let mut script = Script::default();
    declare(&mut script, head, &mut next);
    let used = 1 + 2 * script.classes.len() + script.locks.len();
    let mut follow = vec![Follow::default(); script.tasks.len()];
    let records = data.get(used..).unwrap_or(&[]).chunks_exact(RECORD).take(MAX_DECODED_EVENTS);
    for record in records {
        let task = task(record);
        if let Some(op) = op(record, &script, &mut follow[task]) {
            script.events.push(Event { task, op });
        }
    }
    (script, head & 0x80 != 0)
}

/// Which task a record is of.
pub(super) fn task(record: &[u8]) -> usize {
    usize::from((record[0] >> 6) % MAX_TASKS)
}

fn declare(script: &mut Script, head: u8, next: &mut dyn FnMut() -> u8) {
    for n in 0..2 + head % (MAX_CLASSES - 1) {
        script.decl.push(Decl::Class(script.classes.len()));
        script.classes.push(class(n, next(), next()));
    }
    for n in 0..2 + (head >> 3) % (MAX_LOCKS - 1) {
        script.decl.push(Decl::Lock(script.locks.len()));
        script.locks.push(lock(n, next(), script.classes.len()));
    }
    for n in 0..MAX_TASKS {
        script.decl.push(Decl::Task(script.tasks.len()));
        let id = format!("T{n}");
        script.tasks.push(TaskDecl { comm: id.clone(), id, pid: 1000 + i64::from(n) });
    }
}

pub(super) fn lock(n: u8, byte: u8, classes: usize) -> LockDecl {
    // One lock a class at first, others by choice.
    let class = usize::from(if byte < 160 { n } else { byte & 0x0f }) % classes;
    let subclass = if byte >> 4 == 15 { 1 + byte % 3 } else { 0 };
    LockDecl { id: format!("l{n}"), class, subclass }
}

pub(super) fn class(n: u8, types: u8, name: u8) -> ClassDecl {
    let wait = |n: u8| match n {
        0 => WaitType::Free,
        1 => WaitType::Spin,
        2 => WaitType::Config,
        3 => WaitType::Sleep,
        _ => WaitType::Invalid,
    };
    let id = format!("C{n}");
    ClassDecl {
        // Few names, so that versions appear.
        name: if name & 7 == 0 { "C0".to_owned() } else { id.clone() },
        id,
        inner: if types & 8 == 0 { WaitType::Invalid } else { wait(types & 7) },
        outer: if types & 0x30 == 0 { wait(types >> 6) } else { WaitType::Invalid },
        lock_type: match name >> 4 {
            0 => LockType::Percpu,
            1 => LockType::Override,
            _ => LockType::Normal,
        },
    }
}

pub(super) fn op(record: &[u8], script: &Script, follow: &mut Follow) -> Option<Op> {
    let lock = usize::from(record[1]) % script.locks.len();
    Some(match record[0] & 0x3f {
        0..=27 => {
            let args = acquire(record, script, follow, true);
            follow.held.push((args.lock, follow.context()));
            Op::Acquire(args)
        }
        28..=46 => {
            let place = place(record, follow)?;
            let forget = follow.held.iter().rposition(|held| held.0 == place);
            forget.map(|at| follow.held.remove(at));
            Op::Release(place)
        }
        47 => Op::Sync(acquire(record, script, follow, false)),
        48 => Op::Downgrade(place(record, follow)?),
        49 => Op::SetSubclass(place(record, follow)?, record[2] & 1),
        50 if record[2] > 127 || follow.held.iter().all(|held| held.0 != lock) => Op::Free(lock),
        51 if record[2] > 127 || follow.held.is_empty() => Op::UserExit,
        52 if record[2] > 127 || follow.held.is_empty() => Op::TaskExit,
        50..=52 => return None,
        kind => return irq(kind, record, follow),
    })
}

fn acquire(record: &[u8], script: &Script, follow: &Follow, may_try: bool) -> AcquireArgs {
    let (mode, rare) = (record[2] & 7, record[2] >> 3);
    let n = script.locks.len();
    let wanted = usize::from(record[1]) % n;
    // The first lock that is not held, mostly.
    let held = |lock: usize| follow.held.iter().any(|held| held.0 == lock);
    let other = (wanted..wanted + n).map(|lock| lock % n).find(|lock| !held(*lock));
    let nest = usize::from(record[1] >> 4);
    AcquireArgs {
        lock: if record[1] < 230 { other.unwrap_or(wanted) } else { wanted },
        mode: match mode {
            0..=2 => ReadMode::Plain(Read::Exclusive),
            3 | 4 => ReadMode::Plain(Read::Shared),
            5 | 6 => ReadMode::Plain(Read::Recursive),
            _ => ReadMode::Queued,
        },
        trylock: may_try && rare & 7 == 1,
        subclass: match rare {
            2 | 10 => 1,
            18 => 2,
            26 if record[1] > 250 => 8,
            _ => 0,
        },
        nest: match follow.held.len() {
            _ if rare & 7 != 3 => None,
            0 => (record[1] > 200).then(|| nest % n),
            held => Some(follow.held[nest % held].0),
        },
        check: rare != 4,
    }
}

/// The lock that a release means: the last one, another one of this context, or one not held.
fn place(record: &[u8], follow: &Follow) -> Option<usize> {
    let n = follow.held.len();
    let back = match (follow.releasable(), record[2]) {
        (_, INSIST..) => return Some(usize::from(record[1]) % 2),
        (0, _) => return None,
        (_, 0..160) => 0,
        (releasable, _) => usize::from(record[1]) % releasable,
    };
    Some(follow.held[n - 1 - back].0)
}

fn irq(kind: u8, record: &[u8], follow: &mut Follow) -> Option<Op> {
    let mut leave = |level: fn(&mut Follow) -> &mut u32, op: Op| {
        let level = level(follow);
        *level = level.checked_sub(1)?;
        Some(op)
    };
    match kind {
        53 => Some(Op::HardirqsOff),
        54 => (follow.hardirqs == 0).then_some(Op::HardirqsOn),
        55 => leave(|f| &mut f.softirqs_off, Op::SoftirqsOn),
        56 => leave(|f| &mut f.hardirqs, Op::HardirqExit),
        57 => leave(|f| &mut f.softirqs, Op::SoftirqExit),
        58 => {
            follow.softirqs_off += 1;
            Some(Op::SoftirqsOff)
        }
        59 | 60 => {
            follow.softirqs += 1;
            Some(Op::SoftirqEnter)
        }
        _ => {
            follow.hardirqs += 1;
            Some(Op::HardirqEnter(record[2] & 1 != 0))
        }
    }
}
