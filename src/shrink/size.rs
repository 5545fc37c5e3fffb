//! How large a case is: what a reader has to read, worst first.

use super::numbers::strangeness;
use crate::case::{Case, Op, Registrant, Tail, Until};
use crate::kvm::Place;
use crate::machine::Policy;

/// Sizes compare by the first figure that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Operations, `end` not counted; a split counts as often as it is deep.
    pub operations: u32,
    /// Tasks.
    pub tasks: u32,
    /// Whether the schedule is drawn, so that it cannot be read off.
    pub drawn: bool,
    /// Bursts. One that counts points weighs as much as three that end at named places: it says
    /// less, and rots when a variant gains a step.
    pub bursts: u32,
    /// Registrants, slots and settings that are not default.
    pub config: u32,
    /// Second VMs, writes, flags, and splits that are more than one deep.
    pub details: u32,
    /// Pages of all ranges.
    pub pages: u32,
    /// How strange the page and slot numbers are.
    pub numbers: u32,
    /// How much the ends of the bursts leave open: nothing where the task blocks, most where points
    /// are counted.
    pub ends: u32,
}

impl Size {
    /// The size of a case.
    pub fn of(case: &Case) -> Size {
        let ops = case.programs.ops.iter();
        Size {
            operations: ops.clone().map(operations).sum(),
            tasks: case.programs.tasks() as u32,
            drawn: case.schedule.tail != Tail::Fair,
            bursts: case.schedule.bursts.iter().map(|b| burst(b.until)).sum(),
            config: config(case),
            details: ops.clone().map(details).sum(),
            pages: ops.map(pages).sum::<u32>() + slots(case).map(|s| s.1).sum::<u32>(),
            numbers: strangeness(case),
            ends: case.schedule.bursts.iter().map(|b| end(b.until)).sum(),
        }
    }
}

/// Id and pages of every initial slot.
fn slots(case: &Case) -> impl Iterator<Item = (u8, u32)> {
    let vms = case.config.registrants.iter().filter_map(|registrant| match registrant {
        Registrant::Vm(slots) => Some(slots),
        _ => None,
    });
    vms.flatten().map(|slot| (slot.slot, slot.gfn.len().into()))
}

fn config(case: &Case) -> u32 {
    let config = &case.config;
    let settings =
        [case.bug.is_some(), config.earlier_mm, config.policy != Policy::default()].into_iter();
    let settings = settings.filter(|set| *set).count();
    (settings + config.registrants.len() + slots(case).count()) as u32
}

fn operations(op: &Op) -> u32 {
    match *op {
        Op::Split { depth, .. } => depth.into(),
        Op::End => 0,
        _ => 1,
    }
}

fn details(op: &Op) -> u32 {
    let extra = match *op {
        Op::Fault { write, .. } => write,
        Op::Flags { log_dirty, .. } => log_dirty,
        Op::Split { depth, .. } => depth > 1,
        _ => false,
    };
    u32::from(op.vm().unwrap_or_default()) + u32::from(extra)
}

fn pages(op: &Op) -> u32 {
    match op {
        Op::Create { gfn, .. } => gfn.len().into(),
        Op::Open { hva, .. } | Op::Split { hva, .. } => hva.len().into(),
        _ => 0,
    }
}

fn burst(until: Until) -> u32 {
    match until {
        Until::Points(_) => 3,
        Until::Place(_) | Until::Blocked => 1,
    }
}

fn end(until: Until) -> u32 {
    match until {
        Until::Blocked => 0,
        // Where every operation begins says least.
        Until::Place(Place::Op) => 2,
        Until::Place(_) => 1,
        Until::Points(points) => 2 + u32::from(points),
    }
}
