//! How large a case is: what a reader has to read, worst first.

use crate::case::{Case, Op, Registrant, Tail, Until};
use crate::machine::Policy;

/// Sizes compare by the first figure that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Operations, `end` not counted.
    pub operations: u32,
    /// Tasks.
    pub tasks: u32,
    /// Whether the schedule is drawn, so that it cannot be read off.
    pub drawn: bool,
    /// Bursts.
    pub bursts: u32,
    /// Registrants, slots and settings that are not default.
    pub config: u32,
    /// Second VMs, writes, flags and depths.
    pub details: u32,
    /// Pages of all ranges.
    pub pages: u32,
    /// Points that bursts count, and one for each burst that counts.
    pub points: u32,
}

impl Size {
    /// The size of a case.
    pub fn of(case: &Case) -> Size {
        let ops = case.programs.ops.iter();
        Size {
            operations: ops.clone().filter(|op| **op != Op::End).count() as u32,
            tasks: case.programs.tasks() as u32,
            drawn: case.schedule.tail != Tail::Fair,
            bursts: case.schedule.bursts.len() as u32,
            config: config(case),
            details: ops.clone().map(details).sum(),
            pages: ops.map(pages).sum::<u32>() + slots(case).map(|s| s.1).sum::<u32>(),
            points: case.schedule.bursts.iter().map(|b| points(b.until)).sum(),
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

fn details(op: &Op) -> u32 {
    let extra = match *op {
        Op::Fault { write, .. } => write.into(),
        Op::Flags { log_dirty, .. } => log_dirty.into(),
        Op::Split { depth, .. } => depth - 1,
        _ => 0,
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

fn points(until: Until) -> u32 {
    match until {
        Until::Points(points) => 1 + u32::from(points),
        Until::Place(_) | Until::Blocked => 0,
    }
}
