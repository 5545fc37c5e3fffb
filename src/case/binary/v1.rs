//! Version 1 of the binary form: the layout of its records.
//!
//! | byte | operation | burst | registrant, slot | config | tail |
//! | --- | --- | --- | --- | --- | --- |
//! | 0 | kind | kind | kind | kind | kind |
//! | 1 | task | task | - | variant | which |
//! | 2 | opener / slot, vm / depth / write, vm | until | what / slot, vm | bug | depth |
//! | 3, 4 | first page / gfn, length | place or points | gfn, length | policy, mm | seed |
//! | 5, 6 | length / hva | - | hva | - | - |
//! | 7 | form | form | form | form | - |
//!
//! Every field is reduced into its range. The *form* says what the numbers mean: `EXACT` (and the
//! quarter of all bytes above it) what they say, everything else a place in a small *window* around
//! the default memslot, so that ranges drawn at random meet. The encoder writes exact forms only.
//!
//! What is not said: without a registrant that is a VM there is one, with slot 0 at gfn 0x00 and
//! hva 0x100; without an operation there is one munmap of that slot. A config record may turn the
//! first off; a registrant record may leave out its slot 0.

use arrayvec::ArrayVec;

use super::RECORD;
use crate::case::legal::{MAX_PCT_DEPTH, Mender};
use crate::case::{
    Burst, Case, Config, InitialSlot, MAX_BURSTS, MAX_OPS, MAX_SPLIT_DEPTH, MAX_TASKS, Op, Opener,
    Registrant, Tail, Until,
};
use crate::kvm::{Bug, GFN_PAGES, MAX_SLOTS, MAX_VMS, Place, Variant};
use crate::machine::Policy;
use crate::mm::{HVA_PAGES, Pages};

type Record = [u8; RECORD];

/// What a record is. Its code is its place in `KINDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Open,
    Split,
    End,
    Create,
    Delete,
    Move,
    Flags,
    Fault,
    Burst,
    Registrant,
    Slot,
    Config,
    Tail,
}

/// Kind by tag, modulo the length: each kind once, then again those worth drawing more often.
static KINDS: [Kind; 32] = {
    use Kind::*;
    [
        Open, Split, End, Create, Delete, Move, Flags, Fault, Burst, Registrant, Slot, Config,
        Tail, Open, Open, Open, Open, Split, Split, Split, Create, Create, Delete, Delete, Fault,
        Fault, Fault, Burst, Burst, Burst, Burst, Tail,
    ]
};

/// Task by its byte, modulo the length: few tasks, so that a program gets more than one operation.
static TASKS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 1, 1, 1, 2];

/// Forms from here on are exact.
const EXACT: u8 = 0xc0;
/// First host virtual page of the window, and of the default memslot.
const WINDOW: u16 = 0x100;
/// Guest frames of the default memslot.
const DEFAULT_GFN: Pages = Pages::new(0, 8);
/// Operations, each `end` included, that are decoded.
const MAX_STEPS: usize = 2 * MAX_OPS;

// What the fields below are reduced by must be what the caps say.
const _: () = assert!(MAX_SLOTS == 8 && MAX_TASKS == 8 && MAX_SPLIT_DEPTH == 4 && MAX_VMS == 2);
const _: () = assert!(HVA_PAGES == 0x400 && GFN_PAGES == 0x100 && MAX_PCT_DEPTH == 8);

impl Kind {
    fn of(record: &Record) -> Kind {
        KINDS[record[0] as usize % KINDS.len()]
    }
}

fn exact(r: &Record) -> bool {
    r[7] >= EXACT
}

fn word(r: &Record, at: usize) -> u16 {
    u16::from_le_bytes([r[at], r[at + 1]])
}

fn task(r: &Record) -> u8 {
    TASKS[r[1] as usize % TASKS.len()]
}

fn pick<T: Copy>(all: &[T], code: u8) -> T {
    all[code as usize % all.len()]
}

/// The steps of all tasks in the order of the input, and which of them are whose.
struct Steps {
    records: ArrayVec<Record, MAX_STEPS>,
    of_task: [u128; MAX_TASKS],
    counted: usize,
}

impl Steps {
    fn push(&mut self, r: &Record) {
        self.counted += usize::from(Kind::of(r) != Kind::End);
        if self.counted <= MAX_OPS && !self.records.is_full() {
            self.of_task[task(r) as usize] |= 1 << self.records.len();
            self.records.push(*r);
        }
    }
}

/// Decodes into an empty case.
pub(super) fn decode(case: &mut Case, records: &[Record]) {
    let mut steps = Steps { records: ArrayVec::new(), of_task: [0; MAX_TASKS], counted: 0 };
    let mut default_vm = true;
    for r in records {
        match Kind::of(r) {
            Kind::Burst => burst(case, r),
            Kind::Registrant => registrant(&mut case.config, r),
            Kind::Slot => slot(&mut case.config, r),
            Kind::Config => default_vm = config(case, r),
            Kind::Tail => case.schedule.tail = tail(r),
            _ => steps.push(r),
        }
    }
    if default_vm && case.config.vms() == 0 {
        _ = case.config.registrants.try_push(vm(true));
    }
    let live = programs(case, &steps);
    name_tasks(case, live);
}

/// Sorts the steps into programs; returns the set of tasks that have one.
fn programs(case: &mut Case, steps: &Steps) -> u8 {
    let vms = case.config.vms() as u8;
    let program = &mut case.programs;
    let mut live = 0;
    for (task, &mine) in steps.of_task.iter().enumerate() {
        let before = program.ops.len();
        let mut mender = Mender::new(&mut program.ops);
        let mut left = mine;
        while left != 0 {
            let r = &steps.records[left.trailing_zeros() as usize % MAX_STEPS];
            left &= left - 1;
            if let Some(op) = op(r, vms) {
                mender.push(op);
            }
        }
        mender.finish();
        if program.ops.len() > before {
            live |= 1 << task;
            program.ends.push(program.ops.len() as u16);
        }
    }
    if program.ends.is_empty() {
        let hva = Pages::new(WINDOW, WINDOW + DEFAULT_GFN.len());
        program.ops.extend([Op::Open { opener: Opener::Munmap, hva }, Op::End]);
        program.ends.push(2);
    }
    live
}

/// Tasks without a program do not count: bursts get the numbers of those that are left.
fn name_tasks(case: &mut Case, live: u8) {
    let tasks = case.programs.tasks() as u8;
    for burst in &mut case.schedule.bursts {
        let before = live & ((1u8 << burst.task) - 1);
        burst.task = before.count_ones() as u8 % tasks;
    }
}

/// `len` pages from `start`, cut at the end of the space.
fn pages(start: u16, len: u16, limit: u16) -> Pages {
    Pages::new(start, (start + len).min(limit))
}

fn hva(r: &Record) -> Pages {
    if exact(r) {
        pages(word(r, 3) % HVA_PAGES, word(r, 5) % HVA_PAGES + 1, HVA_PAGES)
    } else {
        pages(WINDOW + word(r, 3) % 16, word(r, 5) % 8 + 1, HVA_PAGES)
    }
}

/// Guest frames and first host page of a memslot.
fn memslot(r: &Record) -> (Pages, u16) {
    let (gfn, hva) = if exact(r) {
        (pages(r[3].into(), r[4] as u16 + 1, GFN_PAGES), word(r, 5) % HVA_PAGES)
    } else {
        // Behind the frames of the default slot: an overlap would only fail.
        (pages(frame(r) | 0x10, r[4] as u16 % 8 + 1, GFN_PAGES), WINDOW + word(r, 5) % 16)
    };
    (gfn, hva.min(HVA_PAGES - gfn.len()))
}

/// A guest frame; the window covers the default slot and what is created or moved behind it.
fn frame(r: &Record) -> u16 {
    if exact(r) { r[3].into() } else { (r[3] & 0x17).into() }
}

/// A memslot id; the window prefers those that stand, or, to be created, those that do not.
fn slot_id(r: &Record, new: bool) -> u8 {
    let id = r[2] % MAX_SLOTS;
    if exact(r) { id } else { id / 4 + u8::from(new) }
}

fn vm_of(r: &Record, vms: u8) -> u8 {
    r[2] / MAX_SLOTS % vms.max(1)
}

fn op(r: &Record, vms: u8) -> Option<Op> {
    let vm = vm_of(r, vms);
    let op = match Kind::of(r) {
        Kind::Open => open(pick(&Opener::ALL, r[2]), hva(r)),
        Kind::Split => Op::Split { hva: hva(r), depth: depth(r) },
        Kind::Create => {
            let (gfn, hva) = memslot(r);
            Op::Create { vm, slot: slot_id(r, true), gfn, hva }
        }
        Kind::Delete => Op::Delete { vm, slot: slot_id(r, false) },
        Kind::Move => Op::Move { vm, slot: slot_id(r, false), gfn: memslot(r).0.start },
        Kind::Flags => Op::Flags { vm, slot: slot_id(r, false), log_dirty: r[3] & 1 != 0 },
        Kind::Fault => Op::Fault { vm, gfn: frame(r), write: r[2] & 1 != 0 },
        _ => Op::End,
    };
    (vms > 0 || op.vm().is_none()).then_some(op)
}

fn open(opener: Opener, hva: Pages) -> Op {
    let end = if opener.single_page() { hva.start + 1 } else { hva.end };
    Op::Open { opener, hva: Pages::new(hva.start, end) }
}

/// Splits nest rarely unless the record insists.
fn depth(r: &Record) -> u8 {
    if exact(r) { r[2] % MAX_SPLIT_DEPTH + 1 } else { u8::from(r[2] % 8 == 7) + 1 }
}

fn burst(case: &mut Case, r: &Record) {
    let points = if exact(r) { r[3].max(1) } else { r[3] % 16 + 1 };
    let until = match r[2] % 8 {
        0..=3 => Until::Place(pick(Place::ALL, r[3])),
        4..=5 => Until::Blocked,
        _ => Until::Points(points),
    };
    if case.schedule.bursts.len() < MAX_BURSTS {
        case.schedule.bursts.push(Burst { task: task(r), until });
    }
}

fn vm(with_slot: bool) -> Registrant {
    let slot = InitialSlot { slot: 0, gfn: DEFAULT_GFN, hva: WINDOW };
    Registrant::Vm(with_slot.then_some(slot).into_iter().collect())
}

fn registrant(config: &mut Config, r: &Record) {
    let registrant = match r[2] % 4 {
        0 => vm(true),
        1 => vm(false),
        2 => Registrant::Sleeper,
        _ => Registrant::Refuser,
    };
    if config.vms() < MAX_VMS || r[2] % 4 >= 2 {
        _ = config.registrants.try_push(registrant);
    }
}

/// Adds an initial slot to a VM, if it may stand there; to the default VM where there is none.
fn slot(config: &mut Config, r: &Record) {
    if config.vms() == 0 {
        _ = config.registrants.try_push(vm(true));
    }
    let vm = vm_of(r, config.vms() as u8) as usize;
    let mut vms = config.registrants.iter_mut().filter_map(|registrant| match registrant {
        Registrant::Vm(slots) => Some(slots),
        _ => None,
    });
    let Some(slots) = vms.nth(vm) else { return };
    let (gfn, hva) = memslot(r);
    let slot = InitialSlot { slot: slot_id(r, true), gfn, hva };
    if slot.check(slots).is_ok() {
        _ = slots.try_push(slot);
    }
}

/// Returns whether a case without a VM gets the default one.
fn config(case: &mut Case, r: &Record) -> bool {
    case.variant = pick(&Variant::ALL, r[1]);
    case.bug = match (r[2] as usize % (Bug::ALL.len() + 1)).checked_sub(1) {
        Some(code) if exact(r) => Bug::ALL.get(code).copied(),
        _ => None,
    };
    case.bug = case.bug.filter(|bug| bug.variant() == case.variant);
    case.config.policy = pick(&Policy::ALL, r[3]);
    case.config.earlier_mm = r[4] & 1 != 0;
    !exact(r) || r[5] & 1 == 0
}

fn tail(r: &Record) -> Tail {
    let seed = word(r, 3);
    match r[1] % 4 {
        0 => Tail::Fair,
        1 => Tail::Pct { seed, depth: r[2] % MAX_PCT_DEPTH + 1 },
        _ => Tail::Random { seed },
    }
}

/// Hands the records of the case to `emit`, in the order config, registrants, programs, schedule.
pub(super) fn encode(case: &Case, mut emit: impl FnMut(Record)) {
    emit(encode_config(case));
    let mut vm = 0;
    for registrant in &case.config.registrants {
        emit(record(Kind::Registrant, 0, encode_registrant(registrant)));
        let Registrant::Vm(slots) = registrant else { continue };
        for s in slots {
            emit(encode_memslot(Kind::Slot, 0, vm, s.slot, s.gfn, s.hva));
        }
        vm += 1;
    }
    for task in 0..case.programs.tasks() {
        for op in case.programs.task(task) {
            emit(encode_op(task as u8, op));
        }
    }
    for burst in &case.schedule.bursts {
        let (until, value) = match burst.until {
            Until::Place(place) => (0, place as u8),
            Until::Blocked => (4, 0),
            Until::Points(points) => (6, points),
        };
        emit(record(Kind::Burst, burst.task, [until, value, 0, 0, 0]));
    }
    emit(encode_tail(case.schedule.tail));
}

fn record(kind: Kind, task: u8, [a, b, c, d, e]: [u8; 5]) -> Record {
    [kind as u8, task, a, b, c, d, e, u8::MAX]
}

fn encode_registrant(registrant: &Registrant) -> [u8; 5] {
    let code = match registrant {
        Registrant::Vm(_) => 1,
        Registrant::Sleeper => 2,
        Registrant::Refuser => 3,
    };
    [code, 0, 0, 0, 0]
}

fn encode_config(case: &Case) -> Record {
    let bug = case.bug.map_or(0, |bug| bug as u8 + 1);
    let fields = [bug, case.config.policy as u8, case.config.earlier_mm as u8, 1, 0];
    record(Kind::Config, case.variant as u8, fields)
}

fn encode_tail(tail: Tail) -> Record {
    let (which, seed, depth) = match tail {
        Tail::Fair => (0, 0, 1),
        Tail::Pct { seed, depth } => (1, seed, depth),
        Tail::Random { seed } => (2, seed, 1),
    };
    let [low, high] = seed.to_le_bytes();
    record(Kind::Tail, which, [depth.saturating_sub(1), low, high, 0, 0])
}

fn encode_hva(kind: Kind, task: u8, code: u8, hva: Pages) -> Record {
    let [s, t] = hva.start.to_le_bytes();
    let [l, m] = hva.end.saturating_sub(hva.start).saturating_sub(1).to_le_bytes();
    record(kind, task, [code, s, t, l, m])
}

fn encode_memslot(kind: Kind, task: u8, vm: u8, slot: u8, gfn: Pages, hva: u16) -> Record {
    let len = gfn.end.saturating_sub(gfn.start).saturating_sub(1);
    let [h, i] = hva.to_le_bytes();
    record(kind, task, [id(vm, slot), gfn.start as u8, len as u8, h, i])
}

fn id(vm: u8, slot: u8) -> u8 {
    slot % MAX_SLOTS + vm % MAX_VMS as u8 * MAX_SLOTS
}

fn encode_op(task: u8, op: &Op) -> Record {
    match *op {
        Op::Open { opener, hva } => encode_hva(Kind::Open, task, opener as u8, hva),
        Op::Split { hva, depth } => encode_hva(Kind::Split, task, depth.saturating_sub(1), hva),
        Op::End => record(Kind::End, task, [0; 5]),
        Op::Create { vm, slot, gfn, hva } => encode_memslot(Kind::Create, task, vm, slot, gfn, hva),
        Op::Delete { vm, slot } => record(Kind::Delete, task, [id(vm, slot), 0, 0, 0, 0]),
        Op::Move { vm, slot, gfn } => record(Kind::Move, task, [id(vm, slot), gfn as u8, 0, 0, 0]),
        Op::Flags { vm, slot, log_dirty } => {
            record(Kind::Flags, task, [id(vm, slot), log_dirty as u8, 0, 0, 0])
        }
        Op::Fault { vm, gfn, write } => {
            record(Kind::Fault, task, [id(vm, write as u8), gfn as u8, 0, 0, 0])
        }
    }
}
