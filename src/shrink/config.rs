//! Less configuration, smaller ranges, plainer operations.

use super::{Judge, Search};
use crate::case::{Case, Op, Opener, Registrant};
use crate::machine::Policy;
use crate::mm::Pages;

pub(super) fn reduce<J: Judge>(search: &mut Search<'_, J>) {
    drop_settings(search);
    drop_registrants(search);
    drop_slots(search);
    plainer_operations(search);
    smaller_slots(search);
}

fn drop_settings<J: Judge>(search: &mut Search<'_, J>) {
    search.offer(Case { bug: None, ..search.best.clone() });
    let mut case = search.best.clone();
    case.config.earlier_mm = false;
    search.offer(case);
    let mut case = search.best.clone();
    case.config.policy = Policy::default();
    search.offer(case);
}

fn drop_registrants<J: Judge>(search: &mut Search<'_, J>) {
    for at in (0..search.best.config.registrants.len()).rev() {
        let mut case = search.best.clone();
        let before = case.config.registrants[..at].iter();
        let vm = before.filter(|r| matches!(r, Registrant::Vm(_))).count() as u8;
        if let Registrant::Vm(_) = case.config.registrants.remove(at) {
            case.programs.ops.iter_mut().for_each(|op| forget_vm(op, vm));
        }
        search.offer(case);
    }
}

/// Later VMs move up; what meant this one means the first.
fn forget_vm(op: &mut Op, gone: u8) {
    if let Some(vm) = vm_mut(op) {
        *vm = match *vm == gone {
            true => 0,
            false => *vm - u8::from(*vm > gone),
        };
    }
}

fn vm_mut(op: &mut Op) -> Option<&mut u8> {
    match op {
        Op::Fault { vm, .. }
        | Op::Create { vm, .. }
        | Op::Delete { vm, .. }
        | Op::Move { vm, .. }
        | Op::Flags { vm, .. } => Some(vm),
        Op::Open { .. } | Op::Split { .. } | Op::End => None,
    }
}

/// Where the initial slots are: indexes of the registrant and of the slot in it, last first.
fn slots(case: &Case) -> Vec<(usize, usize)> {
    let registrants = case.config.registrants.iter().enumerate();
    let slots = registrants.flat_map(|(r, registrant)| match registrant {
        Registrant::Vm(slots) => (0..slots.len()).map(|s| (r, s)).collect(),
        _ => Vec::new(),
    });
    slots.collect::<Vec<_>>().into_iter().rev().collect()
}

fn drop_slots<J: Judge>(search: &mut Search<'_, J>) {
    for (r, s) in slots(&search.best) {
        let mut case = search.best.clone();
        if let Registrant::Vm(slots) = &mut case.config.registrants[r] {
            slots.remove(s);
        }
        search.offer(case);
    }
}

fn smaller_slots<J: Judge>(search: &mut Search<'_, J>) {
    for (r, s) in slots(&search.best) {
        let mut part = 0;
        while part < PARTS.len() {
            let mut case = search.best.clone();
            if let Registrant::Vm(slots) = &mut case.config.registrants[r] {
                let smaller = PARTS[part](slots[s].gfn);
                slots[s].hva += smaller.start - slots[s].gfn.start;
                slots[s].gfn = smaller;
            }
            part = if search.offer(case) { 0 } else { part + 1 };
        }
    }
}

/// The parts of a range that are tried, smallest first.
const PARTS: [fn(Pages) -> Pages; 4] = [
    |all| Pages::new(all.start, all.start + 1),
    |all| Pages::new(all.end - 1, all.end),
    |all| Pages::new(all.start, all.start + all.len().div_ceil(2)),
    |all| Pages::new(all.start + all.len() / 2, all.end),
];

fn plainer_operations<J: Judge>(search: &mut Search<'_, J>) {
    for at in 0..search.best.programs.ops.len() {
        let mut next = plainer(search.best.programs.ops[at]).into_iter();
        while let Some(op) = next.next() {
            let mut case = search.best.clone();
            case.programs.ops[at] = op;
            if search.offer(case) {
                next = plainer(op).into_iter();
            }
        }
    }
}

/// What an operation may be replaced by.
fn plainer(op: Op) -> Vec<Op> {
    let mut all = Vec::new();
    let mut first_vm = op;
    if let Some(vm) = vm_mut(&mut first_vm) {
        *vm = 0;
        all.push(first_vm);
    }
    match op {
        Op::Fault { vm, gfn, write: true } => all.push(Op::Fault { vm, gfn, write: false }),
        Op::Flags { vm, slot, .. } => all.push(Op::Flags { vm, slot, log_dirty: false }),
        Op::Create { vm, slot, gfn, hva } => all.extend(PARTS.map(|part| {
            let part = part(gfn);
            Op::Create { vm, slot, gfn: part, hva: hva + (part.start - gfn.start) }
        })),
        Op::Split { hva, depth } => {
            all.extend(PARTS.map(|part| Op::Split { hva: part(hva), depth }));
        }
        Op::Open { opener, hva } if opener != Opener::Cow => {
            all.extend(PARTS.map(|part| Op::Open { opener, hva: part(hva) }));
        }
        _ => {}
    }
    all
}
