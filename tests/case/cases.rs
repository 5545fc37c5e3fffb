//! Legal cases drawn at random from the whole of their space, without help from the decoder.

use arrayvec::ArrayVec;
use kvm_lock_fuzz::case::legal::MAX_PCT_DEPTH;
use kvm_lock_fuzz::case::mend::Mender;
use kvm_lock_fuzz::case::*;
use kvm_lock_fuzz::kvm::{Bug, GFN_PAGES, MAX_SLOTS, MAX_VMS, Place, Variant};
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::mm::{HVA_PAGES, Pages};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn pages(limit: u16) -> impl Strategy<Value = Pages> {
    (0..limit, 0..limit).prop_map(|(a, b)| Pages::new(a.min(b), a.max(b) + 1))
}

fn memslot() -> impl Strategy<Value = (u8, Pages, u16)> {
    (0..MAX_SLOTS, pages(GFN_PAGES), 0..HVA_PAGES)
        .prop_map(|(slot, gfn, hva)| (slot, gfn, hva.min(HVA_PAGES - gfn.len())))
}

fn op() -> impl Strategy<Value = Op> {
    let vm = 0..MAX_VMS as u8;
    prop_oneof![
        (vm.clone(), 0..GFN_PAGES, any::<bool>()).prop_map(|(vm, gfn, write)| Op::Fault {
            vm,
            gfn,
            write
        }),
        (vm.clone(), memslot()).prop_map(|(vm, (slot, gfn, hva))| Op::Create {
            vm,
            slot,
            gfn,
            hva
        }),
        (vm.clone(), 0..MAX_SLOTS).prop_map(|(vm, slot)| Op::Delete { vm, slot }),
        (vm.clone(), 0..MAX_SLOTS, 0..GFN_PAGES).prop_map(|(vm, slot, gfn)| Op::Move {
            vm,
            slot,
            gfn
        }),
        (vm, 0..MAX_SLOTS, any::<bool>()).prop_map(|(vm, slot, log_dirty)| Op::Flags {
            vm,
            slot,
            log_dirty
        }),
        (select(&Opener::ALL[..]), pages(HVA_PAGES)).prop_map(|(opener, hva)| open(opener, hva)),
        (pages(HVA_PAGES), 1..=MAX_SPLIT_DEPTH).prop_map(|(hva, depth)| Op::Split { hva, depth }),
        Just(Op::End),
    ]
}

fn open(opener: Opener, hva: Pages) -> Op {
    let end = if opener.single_page() { hva.start + 1 } else { hva.end };
    Op::Open { opener, hva: Pages::new(hva.start, end) }
}

fn registrants() -> impl Strategy<Value = Vec<Registrant>> {
    let vm = vec(memslot(), 0..=MAX_INITIAL_SLOTS).prop_map(|slots| {
        let mut vm: ArrayVec<InitialSlot, MAX_INITIAL_SLOTS> = ArrayVec::new();
        for (slot, gfn, hva) in slots {
            if vm.iter().all(|s| s.slot != slot && !s.gfn.overlaps(gfn)) {
                vm.push(InitialSlot { slot, gfn, hva });
            }
        }
        Registrant::Vm(vm)
    });
    let registrant =
        prop_oneof![2 => vm, 1 => Just(Registrant::Sleeper), 1 => Just(Registrant::Refuser)];
    vec(registrant, 0..=MAX_REGISTRANTS)
}

fn schedule() -> impl Strategy<Value = (Vec<(u8, Until)>, Tail)> {
    let until = prop_oneof![
        (1..=u8::MAX).prop_map(Until::Points),
        select(Place::ALL).prop_map(Until::Place),
        Just(Until::Blocked),
    ];
    let tail = prop_oneof![
        Just(Tail::Fair),
        any::<u16>().prop_map(|seed| Tail::Random { seed }),
        (any::<u16>(), 1..=MAX_PCT_DEPTH).prop_map(|(seed, depth)| Tail::Pct { seed, depth }),
    ];
    (vec((0..MAX_TASKS as u8, until), 0..=MAX_BURSTS), tail)
}

/// Programs of at most `MAX_OPS` operations, mended, with the VMs that there are.
fn programs(tasks: Vec<Vec<Op>>, vms: usize) -> Programs {
    let mut programs = Programs::default();
    let mut left = MAX_OPS;
    for ops in tasks {
        let before = programs.ops.len();
        let mut mender = Mender::new(&mut programs.ops);
        for op in ops {
            let counted = usize::from(op != Op::End);
            if left >= counted && op.vm().is_none_or(|vm| (vm as usize) < vms) {
                left -= counted;
                mender.push(op);
            }
        }
        mender.finish();
        if programs.ops.len() > before {
            programs.ends.push(programs.ops.len() as u16);
        }
    }
    programs
}

/// Any legal case.
pub fn legal() -> impl Strategy<Value = Case> {
    (
        select(&Variant::ALL[..]),
        proptest::option::of(select(Bug::ALL)),
        (select(&Policy::ALL[..]), any::<bool>(), registrants()),
        vec(vec(op(), 1..24), 1..=MAX_TASKS),
        schedule(),
    )
        .prop_map(|(variant, bug, (policy, earlier_mm, registrants), tasks, schedule)| {
            let mut case = Case { variant, bug, ..Case::default() };
            case.config.policy = policy;
            case.config.earlier_mm = earlier_mm;
            for registrant in registrants {
                if case.config.vms() < MAX_VMS || !matches!(registrant, Registrant::Vm(_)) {
                    case.config.registrants.push(registrant);
                }
            }
            if let Some(bug) = bug {
                case.variant = bug.variant();
            }
            case.programs = programs(tasks, case.config.vms());
            case.schedule.tail = schedule.1;
            let tasks = case.programs.tasks().max(1) as u8;
            let bursts = schedule.0.into_iter();
            case.schedule.bursts =
                bursts.map(|(task, until)| Burst { task: task % tasks, until }).collect();
            case
        })
        .prop_filter("a task is left", |case| case.programs.tasks() > 0)
}

/// Bytes, most of them with the current version in front.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..1600).prop_map(|mut bytes| {
        if bytes.len() > 64 {
            bytes[0] = binary::VERSION;
        }
        bytes
    })
}
