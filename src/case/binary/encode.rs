//! A case to records of version 2, all of them exact.

use super::codes::{Kind, RegistrantKind, TailKind, UntilKind};
use super::record::Record;
use super::v2;
use crate::case::{Case, Op, Registrant, Tail, Until};
use crate::kvm::{MAX_SLOTS, MAX_VMS};
use crate::mm::Pages;

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
            Until::Place(place) => (UntilKind::Place, v2::place(place)),
            Until::Blocked => (UntilKind::Blocked, 0),
            Until::Points(points) => (UntilKind::Points, points),
        };
        emit(record(Kind::Burst, burst.task, [v2::until(until), value, 0, 0, 0]));
    }
    emit(encode_tail(case.schedule.tail));
}

fn record(kind: Kind, task: u8, [a, b, c, d, e]: [u8; 5]) -> Record {
    [v2::kind(kind), task, a, b, c, d, e, u8::MAX]
}

fn encode_registrant(registrant: &Registrant) -> [u8; 5] {
    // The records of a VM's slots follow.
    let kind = match registrant {
        Registrant::Vm(_) => RegistrantKind::Vm,
        Registrant::Sleeper => RegistrantKind::Sleeper,
        Registrant::Refuser => RegistrantKind::Refuser,
    };
    [v2::registrant(kind), 0, 0, 0, 0]
}

fn encode_config(case: &Case) -> Record {
    let bug = case.bug.map_or(v2::NO_BUG, v2::bug);
    let fields = [bug, v2::policy(case.config.policy), case.config.earlier_mm as u8, 1, 0];
    record(Kind::Config, v2::variant(case.variant), fields)
}

fn encode_tail(tail: Tail) -> Record {
    let (which, seed, depth) = match tail {
        Tail::Fair => (TailKind::Fair, 0, 1),
        Tail::Pct { seed, depth } => (TailKind::Pct, seed, depth),
        Tail::Random { seed } => (TailKind::Random, seed, 1),
    };
    let [low, high] = seed.to_le_bytes();
    record(Kind::Tail, v2::tail(which), [depth.saturating_sub(1), low, high, 0, 0])
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
        Op::Open { opener, hva } => encode_hva(Kind::Open, task, v2::opener(opener), hva),
        Op::Split { hva, depth } => encode_hva(Kind::Split, task, depth.saturating_sub(1), hva),
        Op::End => record(Kind::End, task, [0; 5]),
        Op::Create { vm, slot, gfn, hva } => encode_memslot(Kind::Create, task, vm, slot, gfn, hva),
        Op::Delete { vm, slot } => record(Kind::Delete, task, [id(vm, slot), 0, 0, 0, 0]),
        Op::Move { vm, slot, gfn } => record(Kind::Move, task, [id(vm, slot), gfn as u8, 0, 0, 0]),
        Op::Flags { vm, slot, log_dirty } => {
            record(Kind::Flags, task, [id(vm, slot), v2::flags(log_dirty), 0, 0, 0])
        }
        Op::Fault { vm, gfn, write } => {
            record(Kind::Fault, task, [id(vm, write as u8), gfn as u8, 0, 0, 0])
        }
    }
}
