//! Small random cases, small enough that every schedule can be enumerated, over one page or two that
//! everybody fights over.

use kvm_lock_fuzz::case::{Case, Config, InitialSlot, Op, Opener, Programs, Registrant};
use kvm_lock_fuzz::kvm::{Bug, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::mm::Pages;
use kvm_lock_fuzz::prng::Prng;

/// Host pages of the memslot that stands from the beginning, and of the one that `create` makes.
const STANDING: u16 = 0x100;
const CREATED: u16 = 0x200;

/// Every fifth case is tiny; of the others, every second carries a planted bug.
pub fn case(prng: &mut Prng) -> Case {
    let case = match prng.below(5) {
        0 => tiny(prng),
        _ => small(prng),
    };
    assert_eq!(case.check(), Ok(()), "{case}");
    case
}

/// Whether the case has a region of that opener.
pub fn opens(case: &Case, wanted: Opener) -> bool {
    let of = |op: &Op| matches!(op, Op::Open { opener, .. } if *opener == wanted);
    case.programs.ops.iter().any(of)
}

/// Two tasks with one operation of few steps each: pure enumeration comes to an end.
fn tiny(prng: &mut Prng) -> Case {
    let mut case = world(prng, None);
    case.config.registrants.retain(|r| matches!(r, Registrant::Vm(_)));
    case.config.registrants.truncate(1);
    case.programs = programs([short(prng), short(prng)]);
    case
}

fn small(prng: &mut Prng) -> Case {
    let bug = match prng.below(2) {
        0 => Some(pick(prng, Bug::ALL)),
        _ => None,
    };
    let mut case = world(prng, bug);
    let vms = case.config.vms() as u8;
    let mut tasks = match bug {
        Some(bug) => provoking(prng, bug),
        None if case.variant == Variant::NaiveElision => unfrozen(prng),
        None => vec![statement(prng, vms), statement(prng, vms)],
    };
    match prng.below(5) {
        0 => tasks.push(statement(prng, vms)),
        1 => {
            let at = prng.below(tasks.len() as u32) as usize;
            let more = statement(prng, vms);
            tasks[at].extend(more);
        }
        2 => tasks.push(tasks[prng.below(tasks.len() as u32) as usize].clone()),
        _ => {}
    }
    case.programs = programs(tasks);
    case
}

fn pick<T: Copy>(prng: &mut Prng, from: &[T]) -> T {
    from[prng.below(from.len() as u32) as usize]
}

fn world(prng: &mut Prng, bug: Option<Bug>) -> Case {
    let slot = |gfn: u16| InitialSlot { slot: 0, gfn: Pages::new(gfn, gfn + 2), hva: STANDING };
    let mut registrants: Vec<Registrant> = match prng.below(5) {
        0 => vec![Registrant::Vm([slot(0)].into_iter().collect()); 2],
        1 => vec![Registrant::Vm(Default::default())],
        _ => vec![Registrant::Vm([slot(0)].into_iter().collect())],
    };
    let at = prng.below(registrants.len() as u32 + 1) as usize;
    match (bug, prng.below(6)) {
        (Some(Bug::B01), _) | (_, 0) => registrants.insert(at, Registrant::Refuser),
        (_, 1) => registrants.insert(at, Registrant::Sleeper),
        _ => {}
    }
    Case {
        variant: bug.map_or_else(|| pick(prng, &Variant::ALL), Bug::variant),
        bug,
        config: Config {
            policy: pick(prng, &Policy::ALL),
            earlier_mm: false,
            registrants: registrants.into_iter().collect(),
        },
        ..Case::default()
    }
}

fn programs(tasks: impl IntoIterator<Item = Vec<Op>>) -> Programs {
    let mut all = Programs::default();
    for task in tasks {
        all.ops.extend(task);
        all.ends.push(all.ops.len() as u16);
    }
    all
}

/// Few steps each.
fn short(prng: &mut Prng) -> Vec<Op> {
    match prng.below(6) {
        0 | 1 => region(prng, Opener::Reaper, false),
        2 => vec![Op::Split { hva: pages(prng), depth: 1 }],
        3 => vec![Op::Flags { vm: 0, slot: 0, log_dirty: true }],
        4 => vec![Op::Delete { vm: 0, slot: 1 }],
        _ => vec![fault(prng, 1)],
    }
}

/// One operation, or a region with or without a split in it.
fn statement(prng: &mut Prng, vms: u8) -> Vec<Op> {
    let vm = prng.below(vms.into()) as u8;
    match prng.below(12) {
        0..=2 => vec![fault(prng, vms)],
        3 => vec![create(vm)],
        4 => vec![Op::Delete { vm, slot: 0 }],
        5 => vec![Op::Move { vm, slot: 0, gfn: 0x20 }],
        6 => vec![Op::Flags { vm, slot: 0, log_dirty: true }],
        7 => vec![Op::Split { hva: pages(prng), depth: 1 + prng.below(2) as u8 }],
        8 => region(prng, Opener::Reaper, false),
        _ => {
            let (opener, split) = (pick(prng, &Opener::ALL), prng.below(3) == 0);
            region(prng, opener, split)
        }
    }
}

fn fault(prng: &mut Prng, vms: u8) -> Op {
    let vm = prng.below(vms.into()) as u8;
    Op::Fault { vm, gfn: pick(prng, &[0, 0, 0, 1, 0x10]), write: prng.below(2) == 0 }
}

fn create(vm: u8) -> Op {
    Op::Create { vm, slot: 1, gfn: Pages::new(0x10, 0x12), hva: CREATED }
}

fn pages(prng: &mut Prng) -> Pages {
    let start = pick(prng, &[STANDING, STANDING, STANDING, CREATED]);
    Pages::new(start, start + 1 + prng.below(2) as u16)
}

fn region(prng: &mut Prng, opener: Opener, split: bool) -> Vec<Op> {
    let mut hva = pages(prng);
    if opener.single_page() {
        hva.end = hva.start + 1;
    }
    let mut region = vec![Op::Open { opener, hva }];
    region.extend((split && opener.may_split()).then_some(Op::Split { hva, depth: 1 }));
    region.push(Op::End);
    region
}

/// A memslot that comes, or goes and comes back, in the middle of a region, and a fault in it.
fn unfrozen(prng: &mut Prng) -> Vec<Vec<Op>> {
    let opener = pick(prng, &[Opener::Madvise, Opener::Cow, Opener::Swapout, Opener::Migrate]);
    let region = |start: u16| vec![Op::Open { opener, hva: Pages::new(start, start + 1) }, Op::End];
    let fault = |gfn: u16| Op::Fault { vm: 0, gfn, write: true };
    let back = Op::Create { vm: 0, slot: 0, gfn: Pages::new(0, 2), hva: STANDING };
    match prng.below(4) {
        0 => vec![region(STANDING), vec![Op::Delete { vm: 0, slot: 0 }, back, fault(0)]],
        1 => vec![region(CREATED), vec![create(0), fault(0x10), fault(0x10)]],
        _ => vec![region(CREATED), vec![create(0), fault(0x10)]],
    }
}

/// Programs on which the bug has a chance to show.
fn provoking(prng: &mut Prng, bug: Bug) -> Vec<Vec<Op>> {
    let update = match prng.below(3) {
        0 => vec![create(0)],
        1 => vec![Op::Delete { vm: 0, slot: 0 }],
        _ => vec![Op::Flags { vm: 0, slot: 0, log_dirty: true }],
    };
    let opener = pick(prng, &[Opener::Madvise, Opener::Cow, Opener::Swapout, Opener::Migrate]);
    match bug {
        Bug::B01 | Bug::EarlyMemslotsNonblock | Bug::B33 | Bug::B46 | Bug::EndReleasesUnheld => {
            vec![region(prng, Opener::Reaper, false), update]
        }
        Bug::B03i => {
            let (one, other) = (region(prng, opener, false), region(prng, opener, false));
            vec![one, other, vec![fault(prng, 1)]]
        }
        Bug::B41 | Bug::B43 | Bug::EarlyMemslots | Bug::RetrySkipsSeq | Bug::SecondTrySkipsSeq => {
            vec![region(prng, opener, false), vec![fault(prng, 1)]]
        }
        Bug::RetryKeepsSrcu | Bug::B50 => {
            vec![vec![fault(prng, 1)], vec![Op::Delete { vm: 0, slot: 0 }]]
        }
        _ => vec![region(prng, opener, false), update],
    }
}
