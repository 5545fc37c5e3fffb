//! Plain numbers: pages, frames and memslot ids that say no more than that they are equal or not.

use super::{Judge, Search};
use crate::case::{Case, Op, Registrant};
use crate::mm::Pages;

/// Where host pages and frames begin that need not be anywhere else; the second for what must not
/// meet the first.
const HVA: [u16; 2] = [0x100, 0x200];
const GFN: [u16; 2] = [0, 0x10];

pub(super) fn reduce<J: Judge>(search: &mut Search<'_, J>) {
    rename_slots(search);
    move_together(search);
    for at in 0..numbers(&mut search.best.clone()).len() {
        for place in 0..2 {
            let mut case = search.best.clone();
            match numbers(&mut case).into_iter().nth(at) {
                Some(Number::Hva(start)) => *start = HVA[place],
                Some(Number::Gfn(start)) => *start = GFN[place],
                Some(Number::Range(range)) => *range = moved(*range, HVA[place]),
                Some(Number::Frames(range)) => *range = moved(*range, GFN[place]),
                Some(Number::Slot(_)) | None => {}
            }
            if search.offer(case) {
                break;
            }
        }
    }
}

/// How far the numbers of a case are from plain ones. Allocates nothing: collecting targets measure
/// every case.
pub(super) fn strangeness(case: &Case) -> u32 {
    let slots = case.config.registrants.iter().flat_map(|registrant| match registrant {
        Registrant::Vm(slots) => slots.as_slice(),
        _ => &[],
    });
    let slots = slots.map(|s| memslot(s.slot, s.gfn.start, s.hva)).sum::<u32>();
    slots + case.programs.ops.iter().map(operation).sum::<u32>()
}

fn operation(op: &Op) -> u32 {
    match *op {
        Op::Fault { gfn, .. } => far(gfn, GFN),
        Op::Create { slot, gfn, hva, .. } => memslot(slot, gfn.start, hva),
        Op::Move { slot, gfn, .. } => memslot(slot, gfn, HVA[0]),
        Op::Delete { slot, .. } | Op::Flags { slot, .. } => slot.into(),
        Op::Open { hva, .. } | Op::Split { hva, .. } => far(hva.start, HVA),
        Op::End => 0,
    }
}

fn memslot(slot: u8, gfn: u16, hva: u16) -> u32 {
    u32::from(slot) + far(gfn, GFN) + far(hva, HVA)
}

fn far(number: u16, plain: [u16; 2]) -> u32 {
    match number == plain[0] {
        true => 0,
        false => 1 + 2 * u32::from(number.abs_diff(plain[1])),
    }
}

/// A number of a case that may be another.
enum Number<'a> {
    Hva(&'a mut u16),
    Range(&'a mut Pages),
    Gfn(&'a mut u16),
    Frames(&'a mut Pages),
    Slot(&'a mut u8),
}

/// All numbers, in the order of the text.
fn numbers(case: &mut Case) -> Vec<Number<'_>> {
    let mut all = Vec::new();
    for registrant in &mut case.config.registrants {
        let Registrant::Vm(slots) = registrant else { continue };
        for s in slots {
            all.extend([
                Number::Slot(&mut s.slot),
                Number::Frames(&mut s.gfn),
                Number::Hva(&mut s.hva),
            ]);
        }
    }
    for op in &mut case.programs.ops {
        match op {
            Op::Fault { gfn, .. } => all.push(Number::Gfn(gfn)),
            Op::Create { slot, gfn, hva, .. } => {
                all.extend([Number::Slot(slot), Number::Frames(gfn), Number::Hva(hva)]);
            }
            Op::Move { slot, gfn, .. } => all.extend([Number::Slot(slot), Number::Gfn(gfn)]),
            Op::Delete { slot, .. } | Op::Flags { slot, .. } => all.push(Number::Slot(slot)),
            Op::Open { hva, .. } | Op::Split { hva, .. } => all.push(Number::Range(hva)),
            Op::End => {}
        }
    }
    all
}

fn moved(range: Pages, start: u16) -> Pages {
    Pages::new(start, start.saturating_add(range.len()))
}

/// Exchanges memslot ids everywhere, so that the lowest are used.
fn rename_slots<J: Judge>(search: &mut Search<'_, J>) {
    for high in (1..crate::kvm::MAX_SLOTS).rev() {
        for low in 0..high {
            let mut case = search.best.clone();
            for number in numbers(&mut case) {
                match number {
                    Number::Slot(slot) if *slot == high => *slot = low,
                    Number::Slot(slot) if *slot == low => *slot = high,
                    _ => {}
                }
            }
            search.offer(case);
        }
    }
}

/// Moves all host pages, or all frames, so that the lowest is the plain one.
fn move_together<J: Judge>(search: &mut Search<'_, J>) {
    for gfn in [false, true] {
        let mut case = search.best.clone();
        let mut starts: Vec<_> =
            numbers(&mut case).into_iter().filter_map(|number| start(number, gfn)).collect();
        let Some(lowest) = starts.iter().map(|(start, _)| **start).min() else { continue };
        let plain = if gfn { GFN[0] } else { HVA[0] };
        for (start, end) in &mut starts {
            **start = (**start - lowest).saturating_add(plain);
            if let Some(end) = end {
                **end = (**end - lowest).saturating_add(plain);
            }
        }
        search.offer(case);
    }
}

/// Start and end of a number of frames or host pages.
fn start(number: Number<'_>, frames: bool) -> Option<(&mut u16, Option<&mut u16>)> {
    match number {
        Number::Hva(start) if !frames => Some((start, None)),
        Number::Gfn(start) if frames => Some((start, None)),
        Number::Range(range) if !frames => Some((&mut range.start, Some(&mut range.end))),
        Number::Frames(range) if frames => Some((&mut range.start, Some(&mut range.end))),
        _ => None,
    }
}
