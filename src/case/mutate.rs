//! Mutation that knows records: for libFuzzer's custom mutator and crossover.
//!
//! Half of the calls go to the fuzzer's own mutation, which knows what comparisons and dictionaries
//! taught it; the other half moves, copies and joins whole records, so that ranges, slots and places
//! that one record has found reach another. Nothing is allocated, the size given is respected, and
//! what comes out is the byte of version 2 and whole records, also of an input of version 1: the codes
//! that its encoder wrote have the same meaning in both. A bug here would be a call that breaks one
//! of these, or one that depends on more than its arguments.

use super::binary::{CODES, Kind, RECORD, Record, VERSION, kind};
use crate::prng::Prng;

/// Where the records of a kind keep the fields that others may share; 0 where they have none.
struct Fields {
    /// First host page, two bytes.
    hva: usize,
    /// First guest frame.
    gfn: usize,
    /// Memslot and VM.
    slot: usize,
}

fn fields(record: &Record) -> Fields {
    let (hva, gfn, slot) = match kind_of(record) {
        Kind::Open | Kind::Split => (3, 0, 0),
        Kind::Create | Kind::Slot => (5, 3, 2),
        Kind::Move => (0, 3, 2),
        Kind::Fault => (0, 3, 0),
        Kind::Delete | Kind::Flags => (0, 0, 2),
        Kind::End | Kind::Burst | Kind::Registrant | Kind::Config | Kind::Tail => (0, 0, 0),
    };
    Fields { hva, gfn, slot }
}

fn kind_of(record: &Record) -> Kind {
    CODES.kinds[record[0] as usize]
}

/// Where a record keeps its task, what follows its task, and its form.
const TASK: usize = 1;
const WHAT: usize = 2;
const VALUE: usize = 3;
const FORM: usize = RECORD - 1;

/// The records of an input, with room for more.
struct Records<'a> {
    all: &'a mut [Record],
    len: usize,
}

type Mutation = fn(&mut Records<'_>, &mut Prng);

/// Drawn with equal chance; what joins records stands twice.
const MUTATIONS: [Mutation; 16] = [
    insert, insert, delete, duplicate, swap, carry, tweak, tweak, meet, meet, retarget, nest, nest,
    burst, burst, splice,
];

/// Mutates `data[..size]` in place to at most `max_size` bytes and returns the new size; half of the
/// time by `fallback`, the fuzzer's own mutation.
///
/// ```
/// use kvm_lock_fuzz::case::mutate::mutate;
/// let mut data = [0; 64];
/// let size = mutate(&mut data, 1, 64, 7, |_, size, _| size);
/// assert!(size <= 64 && size % 8 == 1);
/// ```
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    mut fallback: impl FnMut(&mut [u8], usize, usize) -> usize,
) -> usize {
    let max_size = max_size.min(data.len());
    let size = size.min(data.len());
    let mut prng = Prng(seed.into());
    if prng.below(2) == 0 {
        let size = fallback(data, size, max_size).min(max_size);
        return whole(data, size, max_size);
    }
    let size = whole(data, size.min(max_size), max_size);
    let Some((_, body)) = data[..max_size].split_first_mut() else { return 0 };
    let mut records = Records { all: body.as_chunks_mut().0, len: size / RECORD };
    for _ in 0..=prng.below(4) {
        MUTATIONS[prng.below(MUTATIONS.len() as u32) as usize](&mut records, &mut prng);
    }
    1 + RECORD * records.len
}

/// Joins the beginning of one input with the end of another; returns the size of what is in `out`.
pub fn crossover(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut prng = Prng(seed.into());
    let Some((version, body)) = out.split_first_mut() else { return 0 };
    *version = VERSION;
    let (one, _) = one.get(1..).unwrap_or_default().as_chunks::<RECORD>();
    let (other, _) = other.get(1..).unwrap_or_default().as_chunks::<RECORD>();
    let head = &one[..prng.below(one.len() as u32 + 1) as usize];
    let tail = &other[prng.below(other.len() as u32 + 1) as usize..];
    let mut len = 0;
    for (to, from) in body.as_chunks_mut::<RECORD>().0.iter_mut().zip(head.iter().chain(tail)) {
        *to = *from;
        len += 1;
    }
    1 + RECORD * len
}

/// Makes `data[..size]` a version byte and whole records, filling up what is begun where it fits.
fn whole(data: &mut [u8], size: usize, max_size: usize) -> usize {
    let begun = size.saturating_sub(1).div_ceil(RECORD);
    let records = begun.min(max_size.saturating_sub(1) / RECORD);
    let len = (1 + records * RECORD).min(max_size);
    if let Some(rest) = data.get_mut(size..len) {
        rest.fill(0);
    }
    if let Some(version) = data.first_mut().filter(|_| len > 0) {
        *version = VERSION;
    }
    len
}

impl Records<'_> {
    fn pick(&self, prng: &mut Prng) -> usize {
        prng.below(self.len as u32) as usize
    }

    /// The records, if there is one.
    fn used(&mut self) -> &mut [Record] {
        &mut self.all[..self.len]
    }

    fn insert(&mut self, at: usize, record: Record) {
        if self.len < self.all.len() && at <= self.len {
            self.len += 1;
            self.used()[at..].rotate_right(1);
            self.all[at] = record;
        }
    }

    /// The first record from `from` on, going round, that `wanted` accepts.
    fn find(&mut self, from: usize, wanted: impl Fn(&Record) -> bool) -> Option<usize> {
        let len = self.len;
        (from..len).chain(0..from).find(|&i| wanted(&self.all[i]))
    }
}

/// A record of random bytes; its numbers mostly in the window, where they meet others.
fn random(prng: &mut Prng) -> Record {
    let mut record = prng.next().to_le_bytes();
    if prng.below(8) > 0 {
        record[FORM] = 0;
    }
    record
}

fn insert(records: &mut Records<'_>, prng: &mut Prng) {
    let at = prng.below(records.len as u32 + 1) as usize;
    records.insert(at, random(prng));
}

fn delete(records: &mut Records<'_>, prng: &mut Prng) {
    let at = records.pick(prng);
    if records.len > 1 {
        records.used()[at..].rotate_left(1);
        records.len -= 1;
    }
}

/// Copies a record to another place, often for another task.
fn duplicate(records: &mut Records<'_>, prng: &mut Prng) {
    let (from, to) = (records.pick(prng), records.pick(prng));
    if let Some(&(mut record)) = records.used().get(from) {
        if prng.below(2) == 0 {
            record[TASK] = prng.below(4) as u8;
        }
        records.insert(to, record);
    }
}

fn swap(records: &mut Records<'_>, prng: &mut Prng) {
    let (a, b) = (records.pick(prng), records.pick(prng));
    if records.len > 1 {
        records.used().swap(a, b);
    }
}

/// Moves a record past others.
fn carry(records: &mut Records<'_>, prng: &mut Prng) {
    let (a, b) = (records.pick(prng), records.pick(prng));
    if let Some(span) = records.used().get_mut(a.min(b)..=a.max(b)) {
        if a < b { span.rotate_left(1) } else { span.rotate_right(1) }
    }
}

/// Changes one field: anew, by one, or to nothing.
fn tweak(records: &mut Records<'_>, prng: &mut Prng) {
    let at = records.pick(prng);
    let field = prng.below(RECORD as u32) as usize;
    if let Some(record) = records.used().get_mut(at) {
        record[field] = match prng.below(4) {
            0 => record[field].wrapping_add(1),
            1 => record[field].wrapping_sub(1),
            2 => 0,
            _ => prng.next() as u8,
        };
    }
}

/// Copies host pages, guest frame or slot of one record to another, so that they meet.
fn meet(records: &mut Records<'_>, prng: &mut Prng) {
    let what: fn(&Record) -> usize = match prng.below(3) {
        0 => |r| fields(r).hva,
        1 => |r| fields(r).gfn,
        _ => |r| fields(r).slot,
    };
    let (a, b) = (records.pick(prng), records.pick(prng));
    let Some(from) = records.find(a, |r| what(r) > 0) else { return };
    let Some(to) = records.find(b, |r| what(r) > 0) else { return };
    let source = records.all[from];
    let target = &mut records.all[to];
    let (at, into) = (what(&source), what(target));
    target[into] = source[at];
    // The high byte of a page, where both have one; harmless beside it.
    target[into + 1] = source[at + 1];
    target[FORM] = source[FORM];
}

/// Gives a record to another task.
fn retarget(records: &mut Records<'_>, prng: &mut Prng) {
    let at = records.pick(prng);
    if let Some(record) = records.used().get_mut(at) {
        record[TASK] = prng.below(4) as u8;
    }
}

/// Puts a split of the same pages into a region.
fn nest(records: &mut Records<'_>, prng: &mut Prng) {
    let start = records.pick(prng);
    let Some(region) = records.find(start, |r| kind_of(r) == Kind::Open) else { return };
    let mut split = records.all[region];
    split[0] = kind(Kind::Split);
    records.insert(region + 1, split);
}

/// Adds a burst of the task of some record: to a place, until it blocks, or for some points.
fn burst(records: &mut Records<'_>, prng: &mut Prng) {
    let owner = records.pick(prng);
    let task = records.used().get(owner).map_or(0, |record| record[TASK]);
    let mut burst = random(prng);
    burst[0] = kind(Kind::Burst);
    burst[TASK] = task;
    burst[WHAT] = prng.below(8) as u8;
    burst[VALUE] = prng.next() as u8;
    let at = prng.below(records.len as u32 + 1) as usize;
    records.insert(at, burst);
}

/// Copies a run of records over others.
fn splice(records: &mut Records<'_>, prng: &mut Prng) {
    let (from, to) = (records.pick(prng), records.pick(prng));
    let longest = records.len - from.max(to);
    let len = prng.below(longest as u32 + 1) as usize;
    records.used().copy_within(from..from + len, to);
}
