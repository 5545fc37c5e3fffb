//! Records to a case. Runs before every execution of the fuzzer.

use arrayvec::ArrayVec;

use super::codes::{Codes, Kind, RegistrantKind, TailKind, UntilKind};
use super::record::{DEFAULT_GFN, DEFAULT_HVA, FIRST_EXACT, MAX_STEPS, Record, TASKS};
use crate::case::legal::MAX_PCT_DEPTH;
use crate::case::mend::Mender;
use crate::case::{
    Burst, Case, Config, InitialSlot, MAX_BURSTS, MAX_OPS, MAX_SPLIT_DEPTH, MAX_TASKS, Op, Opener,
    Registrant, Tail, Until,
};
use crate::kvm::{GFN_PAGES, MAX_SLOTS, MAX_VMS};
use crate::mm::{HVA_PAGES, Pages};

/// What the numbers of a record mean. Tables and masks, not branches: this is the code that the
/// fuzzer runs most and has instrumented.
struct Form {
    first_hva: u16,
    hva: u16,
    len: u16,
    frame: u8,
    /// Frames that are created or moved to lie behind those of the default slot, where an overlap
    /// would only fail.
    new_frame: u8,
    /// Slots that stand are drawn more often; those that are created have other ids.
    slot: u8,
    new_slot: u8,
    depth: u8,
}

static WINDOW: Form = Form {
    first_hva: DEFAULT_HVA,
    hva: 0x0f,
    len: 0x07,
    frame: 0x17,
    new_frame: 0x10,
    slot: 2,
    new_slot: 1,
    depth: 2,
};

static EXACT: Form = Form {
    first_hva: 0,
    hva: HVA_PAGES - 1,
    len: HVA_PAGES - 1,
    frame: u8::MAX,
    new_frame: 0,
    slot: 0,
    new_slot: 0,
    depth: 0,
};

fn exact(r: &Record) -> bool {
    r[7] >= FIRST_EXACT
}

fn form(r: &Record) -> &'static Form {
    [&WINDOW, &EXACT][usize::from(exact(r))]
}

fn word(r: &Record, at: usize) -> u16 {
    u16::from_le_bytes([r[at], r[at + 1]])
}

fn task(r: &Record) -> u8 {
    TASKS[r[1] as usize % TASKS.len()]
}

/// What a code stands for.
fn pick<T: Copy>(table: &[T; 256], code: u8) -> T {
    table[code as usize]
}

/// The steps of all tasks in the order of the input, and which of them are whose.
struct Steps {
    records: ArrayVec<Record, MAX_STEPS>,
    of_task: [u128; MAX_TASKS],
    counted: usize,
}

impl Steps {
    fn push(&mut self, r: &Record, kind: Kind) {
        self.counted += usize::from(kind != Kind::End);
        if self.counted <= MAX_OPS && !self.records.is_full() {
            self.of_task[task(r) as usize] |= 1 << self.records.len();
            self.records.push(*r);
        }
    }
}

/// Decodes into an empty case.
pub(super) fn decode(case: &mut Case, records: &[Record], codes: &Codes) {
    let mut steps = Steps { records: ArrayVec::new(), of_task: [0; MAX_TASKS], counted: 0 };
    let mut default_vm = true;
    for r in records {
        let kind = pick(&codes.kinds, r[0]);
        match kind {
            Kind::Open
            | Kind::Split
            | Kind::End
            | Kind::Create
            | Kind::Delete
            | Kind::Move
            | Kind::Flags
            | Kind::Fault => steps.push(r, kind),
            Kind::Burst => burst(case, r, codes),
            Kind::Registrant => registrant(&mut case.config, r, codes),
            Kind::Slot => slot(&mut case.config, r),
            Kind::Config => default_vm = config(case, r, codes),
            Kind::Tail => case.schedule.tail = tail(r, codes),
        }
    }
    if default_vm && case.config.vms() == 0 {
        _ = case.config.registrants.try_push(vm(true));
    }
    let live = programs(case, &steps, codes);
    name_tasks(case, live);
}

/// Sorts the steps into programs; returns the set of tasks that have one.
fn programs(case: &mut Case, steps: &Steps, codes: &Codes) -> u8 {
    let vms = case.config.vms() as u8;
    let program = &mut case.programs;
    let mut live = 0;
    for (task, &mine) in steps.of_task.iter().enumerate() {
        if mine == 0 {
            continue;
        }
        let before = program.ops.len();
        let mut mender = Mender::new(&mut program.ops);
        let mut left = mine;
        while left != 0 {
            let r = &steps.records[left.trailing_zeros() as usize % MAX_STEPS];
            left &= left - 1;
            if let Some(op) = op(r, vms, codes) {
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
        let hva = Pages::new(DEFAULT_HVA, DEFAULT_HVA + DEFAULT_GFN.len());
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
    let form = form(r);
    pages(form.first_hva + (word(r, 3) & form.hva), (word(r, 5) & form.len) + 1, HVA_PAGES)
}

/// Guest frames and first host page of a memslot.
fn memslot(r: &Record) -> (Pages, u16) {
    let form = form(r);
    let gfn = pages(new_frame(r), (r[4] as u16 & form.len) + 1, GFN_PAGES);
    (gfn, (form.first_hva + (word(r, 5) & form.hva)).min(HVA_PAGES - gfn.len()))
}

fn frame(r: &Record) -> u16 {
    (r[3] & form(r).frame).into()
}

fn new_frame(r: &Record) -> u16 {
    frame(r) | form(r).new_frame as u16
}

fn slot_id(r: &Record) -> u8 {
    (r[2] % MAX_SLOTS) >> form(r).slot
}

fn new_slot_id(r: &Record) -> u8 {
    slot_id(r) + form(r).new_slot
}

fn vm_of(r: &Record, vms: u8) -> u8 {
    r[2] / MAX_SLOTS % vms.max(1)
}

fn op(r: &Record, vms: u8, codes: &Codes) -> Option<Op> {
    let vm = vm_of(r, vms);
    let op = match pick(&codes.kinds, r[0]) {
        Kind::Open => open(pick(&codes.openers, r[2]), hva(r)),
        Kind::Split => Op::Split { hva: hva(r), depth: depth(r) },
        Kind::Create => {
            let (gfn, hva) = memslot(r);
            Op::Create { vm, slot: new_slot_id(r), gfn, hva }
        }
        Kind::Delete => Op::Delete { vm, slot: slot_id(r) },
        Kind::Move => Op::Move { vm, slot: slot_id(r), gfn: new_frame(r) },
        Kind::Flags => Op::Flags { vm, slot: slot_id(r), log_dirty: pick(&codes.flags, r[3]) },
        Kind::Fault => Op::Fault { vm, gfn: frame(r), write: r[2] & 1 != 0 },
        Kind::End => Op::End,
        Kind::Burst | Kind::Registrant | Kind::Slot | Kind::Config | Kind::Tail => return None,
    };
    (vms > 0 || op.vm().is_none()).then_some(op)
}

fn open(opener: Opener, hva: Pages) -> Op {
    let end = if opener.single_page() { hva.start + 1 } else { hva.end };
    Op::Open { opener, hva: Pages::new(hva.start, end) }
}

/// Splits nest rarely unless the record insists.
fn depth(r: &Record) -> u8 {
    let code = r[2] % 8;
    (code >> form(r).depth) % MAX_SPLIT_DEPTH + 1
}

fn burst(case: &mut Case, r: &Record, codes: &Codes) {
    let points = if exact(r) { r[3].max(1) } else { r[3] % 16 + 1 };
    let until = match pick(&codes.untils, r[2]) {
        UntilKind::Place => Until::Place(pick(&codes.places, r[3])),
        UntilKind::Blocked => Until::Blocked,
        UntilKind::Points => Until::Points(points),
    };
    if case.schedule.bursts.len() < MAX_BURSTS {
        case.schedule.bursts.push(Burst { task: task(r), until });
    }
}

fn vm(with_slot: bool) -> Registrant {
    let slot = InitialSlot { slot: 0, gfn: DEFAULT_GFN, hva: DEFAULT_HVA };
    Registrant::Vm(with_slot.then_some(slot).into_iter().collect())
}

fn registrant(config: &mut Config, r: &Record, codes: &Codes) {
    let registrant = match pick(&codes.registrants, r[2]) {
        RegistrantKind::VmWithSlot => vm(true),
        RegistrantKind::Vm => vm(false),
        RegistrantKind::Sleeper => Registrant::Sleeper,
        RegistrantKind::Refuser => Registrant::Refuser,
    };
    if config.vms() < MAX_VMS || !matches!(registrant, Registrant::Vm(_)) {
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
    let slot = InitialSlot { slot: new_slot_id(r), gfn, hva };
    if slot.check(slots).is_ok() {
        _ = slots.try_push(slot);
    }
}

/// Returns whether a case without a VM gets the default one.
fn config(case: &mut Case, r: &Record, codes: &Codes) -> bool {
    case.variant = pick(&codes.variants, r[1]);
    let bug = pick(&codes.bugs, r[2]);
    case.bug = bug.filter(|bug| exact(r) && bug.variant() == case.variant);
    case.config.policy = pick(&codes.policies, r[3]);
    case.config.earlier_mm = r[4] & 1 != 0;
    !exact(r) || r[5] & 1 == 0
}

fn tail(r: &Record, codes: &Codes) -> Tail {
    let seed = word(r, 3);
    match pick(&codes.tails, r[1]) {
        TailKind::Fair => Tail::Fair,
        TailKind::Pct => Tail::Pct { seed, depth: r[2] % MAX_PCT_DEPTH + 1 },
        TailKind::Random => Tail::Random { seed },
    }
}
