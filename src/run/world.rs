//! The world that a case's tasks share, laid out once and set for each case.

use arrayvec::ArrayVec;

use crate::case::{Config, MAX_REGISTRANTS, Registrant};
use crate::kvm::{Bug, Classes, Kvm, KvmTask, MAX_VMS, Place, Subscription, Variant};
use crate::machine::{Build, Mutex};
use crate::mm::{Mm, Places, sleeping};

/// One mm, its subscribers and the VMs among them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) mm: Mm<Subscription>,
    pub(super) vms: [Kvm; MAX_VMS],
    sleepers: ArrayVec<Mutex, MAX_REGISTRANTS>,
}

/// The places of a region, by the numbers that cases know.
const PLACES: Places = Places {
    start: Place::Start as u8,
    split: Place::Split as u8,
    change: Place::Change as u8,
    end: Place::End as u8,
    free: Place::Free as u8,
};

impl World {
    pub(super) fn build(b: &mut impl Build) -> World {
        let mm = Mm::build(b, PLACES);
        let classes = Classes::build(b);
        let vms = std::array::from_fn(|vm| Kvm::build(b, vm as u8, classes, mm.mmap_lock));
        let sleeper = b.class(sleeping("&sub->lock"));
        let sleepers = (0..MAX_REGISTRANTS).map(|_| b.mutex(sleeper)).collect();
        World { mm, vms, sleepers }
    }

    /// Which version runs, with which bug, and who subscribes.
    pub(super) fn set(&mut self, config: &Config, variant: Variant, bug: Option<Bug>) {
        self.mm.replays_end = bug != Some(Bug::B01);
        for kvm in &mut self.vms {
            (kvm.variant, kvm.bug) = (variant, bug);
        }
        let mut vms = self.vms.iter();
        let mut sleepers = self.sleepers.iter();
        self.mm.subscriptions = config
            .registrants
            .iter()
            .filter_map(|registrant| match registrant {
                Registrant::Vm(_) => vms.next().cloned().map(Subscription::Kvm),
                Registrant::Sleeper => sleepers.next().copied().map(Subscription::Sleeper),
                Registrant::Refuser => Some(Subscription::Refuser),
            })
            .collect();
    }

    /// What happened before the tasks start: mms and registrations are history, slots are state.
    pub(super) async fn history<T: KvmTask>(&self, t: T, config: &Config) {
        if config.earlier_mm {
            self.mm.earlier_mm(t).await;
        }
        for _ in &config.registrants {
            self.mm.register(t).await;
        }
        let slots = config.registrants.iter().filter_map(|registrant| match registrant {
            Registrant::Vm(slots) => Some(slots),
            _ => None,
        });
        for (kvm, slots) in self.vms.iter().zip(slots) {
            kvm.init(t);
            for slot in slots {
                kvm.init_slot(t, slot.slot, slot.gfn, slot.hva);
            }
        }
    }
}
