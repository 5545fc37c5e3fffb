//! Forbids shadow page-table entries that map a page which the primary MMU has unmapped at its
//! slot's host virtual address, replaced there, or freed (I7, I8). Also the memslots array that is
//! read after it was freed (I14), because that needs no state.

use super::{Facts, Findings, Kind, Oracle, Remembered};
use crate::kvm::trace::Event;
use crate::machine::sim::{Object, Record};
use crate::mm::HVA_PAGES;
use crate::mm::trace::Event as MmEvent;

/// A shadow page-table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Spte {
    vm: u8,
    gfn: u16,
    hva: u16,
    pfn: u16,
}

/// Mappings of a host virtual page.
fn by_hva(hva: u16) -> Object {
    Object::observed(hva)
}

/// Mappings of a page.
fn by_pfn(pfn: u16) -> Object {
    Object::observed(HVA_PAGES + pfn)
}

/// No page is mapped.
const NONE: u16 = u16::MAX;

#[derive(Debug, Hash)]
pub(super) struct StaleMapping {
    sptes: Vec<Spte>,
    /// What the primary MMU maps where.
    mapped: Vec<u16>,
    touched: Vec<u16>,
}

impl Default for StaleMapping {
    fn default() -> Self {
        let mapped = vec![NONE; usize::from(HVA_PAGES)];
        StaleMapping { sptes: Vec::new(), mapped, touched: Vec::new() }
    }
}

impl Clone for StaleMapping {
    fn clone(&self) -> Self {
        let (sptes, mapped, touched) =
            (self.sptes.clone(), self.mapped.clone(), self.touched.clone());
        StaleMapping { sptes, mapped, touched }
    }

    /// Keeps its memory.
    fn clone_from(&mut self, other: &Self) {
        self.sptes.clone_from(&other.sptes);
        self.mapped.clone_from(&other.mapped);
        self.touched.clone_from(&other.touched);
    }
}

impl Oracle for StaleMapping {
    fn begin(&mut self) {
        self.sptes.clear();
        for hva in self.touched.drain(..) {
            self.mapped[usize::from(hva)] = NONE;
        }
    }

    fn see(&mut self, at: &Record<Event>, event: Event, _: Facts, out: &mut Findings<'_>) {
        match event {
            Event::Mm(event) => self.see_mm(at, event, out),
            Event::SpteSet { vm, gfn, hva, pfn } => {
                self.sptes.retain(|s| (s.vm, s.gfn) != (vm, gfn));
                self.sptes.push(Spte { vm, gfn, hva, pfn });
                if self.mapped[usize::from(hva)] != pfn {
                    out.broken(at, Kind::StaleMapping, "a fault mapped a page no longer there");
                }
            }
            Event::SpteZap { vm, gfn } => self.sptes.retain(|s| (s.vm, s.gfn) != (vm, gfn)),
            Event::TouchFreed { .. } => {
                out.broken(at, Kind::UseAfterFree, "a memslots array read after it was freed");
            }
            _ => {}
        }
    }

    /// The pages and host virtual pages that an event is compared with.
    fn touched(&self, event: Event, touch: &mut dyn FnMut(Object, bool)) {
        match event {
            Event::SpteSet { vm, gfn, hva, pfn } => {
                touch(by_hva(hva), true);
                touch(by_pfn(pfn), true);
                self.touched_old(vm, gfn, touch);
            }
            Event::SpteZap { vm, gfn } => self.touched_old(vm, gfn, touch),
            Event::Mm(MmEvent::PteSet { hva, .. } | MmEvent::PteClear { hva, .. }) => {
                touch(by_hva(hva), true);
            }
            Event::Mm(MmEvent::PageFree { pfn }) => touch(by_pfn(pfn), false),
            _ => {}
        }
    }

    /// Nothing more: what it holds is what the words of the page tables say, which are in the state.
    fn remember(&self, _: &mut Remembered<'_>) {
        let Self { sptes: _, mapped: _, touched: _ } = self;
    }
}

impl StaleMapping {
    /// The mapping that goes, or that another takes the place of.
    fn touched_old(&self, vm: u8, gfn: u16, touch: &mut dyn FnMut(Object, bool)) {
        for spte in self.sptes.iter().filter(|s| (s.vm, s.gfn) == (vm, gfn)) {
            touch(by_hva(spte.hva), true);
            touch(by_pfn(spte.pfn), true);
        }
    }

    fn see_mm(&mut self, at: &Record<Event>, event: MmEvent, out: &mut Findings<'_>) {
        match event {
            MmEvent::PteSet { hva, pfn } => {
                self.mapped[usize::from(hva)] = pfn;
                self.touched.push(hva);
            }
            MmEvent::PteClear { hva, pfn } => {
                self.mapped[usize::from(hva)] = NONE;
                if self.sptes.iter().any(|s| (s.hva, s.pfn) == (hva, pfn)) {
                    out.broken(at, Kind::StaleMapping, "a page unmapped while an SPTE maps it");
                }
            }
            MmEvent::PageFree { pfn } if self.sptes.iter().any(|s| s.pfn == pfn) => {
                out.broken(at, Kind::StaleMapping, "a page freed while an SPTE maps it");
            }
            _ => {}
        }
    }
}
