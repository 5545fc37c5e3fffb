//! What a run ends in: the part of the final state that does not depend on the machine.

use std::fmt;

use super::world::World;
use crate::case::{Config, Registrant};
use crate::kvm::VmEnd;
use crate::machine::Task;

/// The state that a run ends in, comparable between runs and machines.
///
/// Page frames are left out, for their numbers depend on the order in which pages were allocated;
/// whether an SPTE maps the page that it should is kept. The sequence counts how often things were
/// done, which the order cannot change, and is left out as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct End {
    /// The VMs.
    pub vms: Vec<VmEnd>,
    /// Tasks that did not finish.
    pub stuck: u16,
}

impl World {
    /// The end that the run of that configuration has come to, seen by any of its tasks.
    pub(super) fn end<T: Task>(&self, t: T, config: &Config, stuck: u16) -> End {
        let is_vm = |registrant: &&Registrant| matches!(registrant, Registrant::Vm(_));
        let count = config.registrants.iter().filter(is_vm).count();
        let vms = self.vms.iter().take(count).map(|kvm| kvm.end(t, &self.mm)).collect();
        End { vms, stuck }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, vm) in self.vms.iter().enumerate() {
            write!(f, "vm{i}: mmu_notifier_count {}", vm.mmu_notifier_count)?;
            write!(f, ", mn_active_invalidate_count {}", vm.mn_active_invalidate_count)?;
            for (id, slot) in &vm.memslots {
                let (gfn, flags) = (slot.gfn, [slot.invalid, slot.log_dirty]);
                write!(
                    f,
                    "; slot {id} gfn {:#04x}..{:#04x} hva {:#x}",
                    gfn.start, gfn.end, slot.hva
                )?;
                for (name, _) in ["invalid", "log-dirty"].iter().zip(flags).filter(|(_, set)| *set)
                {
                    write!(f, " {name}")?;
                }
            }
            for spte in &vm.sptes {
                let stale = if spte.current { "" } else { " stale" };
                write!(f, "; spte {:#04x} -> {:#x}{stale}", spte.gfn, spte.hva)?;
            }
            writeln!(f)?;
        }
        let stuck = (0..16).filter(|task| self.stuck & 1 << task != 0);
        let stuck: Vec<String> = stuck.map(|task| task.to_string()).collect();
        write!(f, "stuck tasks: {}", if stuck.is_empty() { "none".into() } else { stuck.join(" ") })
    }
}
