//! Memslots: immutable arrays behind one pointer, replaced by KVM_SET_USER_MEMORY_REGION.

use super::trace::Event;
use super::{ARRAYS, Kvm, KvmTask, MAX_SLOTS, function as f};
use crate::machine::{Task, Word};
use crate::mm::Pages;
use crate::scope;

/// `struct kvm_memory_slot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Guest frames.
    pub gfn: Pages,
    /// First host virtual page (`userspace_addr`).
    pub hva: u16,
    /// KVM_MEMSLOT_INVALID: being deleted or moved.
    pub invalid: bool,
    /// KVM_MEM_LOG_DIRTY_PAGES.
    pub log_dirty: bool,
}

const PRESENT: u64 = 1 << 63;
const INVALID: u64 = 1 << 62;
const LOG_DIRTY: u64 = 1 << 61;

impl Slot {
    fn word(self) -> u64 {
        let flag = |set, bit| if set { bit } else { 0 };
        PRESENT
            | flag(self.invalid, INVALID)
            | flag(self.log_dirty, LOG_DIRTY)
            | u64::from(self.gfn.start)
            | u64::from(self.gfn.end) << 16
            | u64::from(self.hva) << 32
    }

    fn from_word(word: u64) -> Option<Slot> {
        (word & PRESENT != 0).then(|| Slot {
            gfn: Pages::new(word as u16, (word >> 16) as u16),
            hva: (word >> 32) as u16 & 0x1fff,
            invalid: word & INVALID != 0,
            log_dirty: word & LOG_DIRTY != 0,
        })
    }

    /// Host virtual page of a guest frame of the slot.
    pub fn hva_of(self, gfn: u16) -> u16 {
        self.hva + (gfn - self.gfn.start)
    }

    /// The slot's guest frames behind a range of host virtual pages.
    pub fn gfns_of(self, hva: Pages) -> Option<Pages> {
        let start = hva.start.max(self.hva);
        let end = hva.end.min(self.hva + self.gfn.len());
        (start < end).then(|| {
            Pages::new(self.gfn.start + (start - self.hva), self.gfn.start + (end - self.hva))
        })
    }
}

/// What user space asks KVM_SET_USER_MEMORY_REGION for. The ioctl states the whole slot: where an
/// operation does not name a part of it, that part stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// This slot under the id, whether one stands there or not.
    Create(Slot),
    /// No slot.
    Delete,
    /// The slot at another guest frame.
    Move(u16),
    /// The slot with dirty logging on or off.
    FlagsOnly(bool),
}

/// What an update does (`enum kvm_mr_change`), with the slot that comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    Create(Slot),
    Delete,
    Move(Slot),
    FlagsOnly(Slot),
}

impl Change {
    /// What `__kvm_set_memory_region` makes of it; none where nothing would change, which is no error
    /// and publishes nothing, and where it is refused: a slot can only go or change if it exists,
    /// and keeps its size and its hva (-EINVAL).
    fn of(self, old: Option<Slot>) -> Option<Update> {
        let Some(old) = old else {
            return if let Change::Create(new) = self { Some(Update::Create(new)) } else { None };
        };
        let new = match self {
            Change::Delete => return Some(Update::Delete),
            Change::Create(new) => new,
            Change::Move(gfn) => Slot { gfn: Pages::new(gfn, gfn + old.gfn.len()), ..old },
            Change::FlagsOnly(log_dirty) => Slot { log_dirty, ..old },
        };
        match new {
            _ if (new.hva, new.gfn.len()) != (old.hva, old.gfn.len()) => None,
            _ if new.gfn != old.gfn => Some(Update::Move(new)),
            _ if new.log_dirty != old.log_dirty => Some(Update::FlagsOnly(new)),
            _ => None,
        }
    }
}

impl Kvm {
    fn slot_word(&self, memslots: usize, id: u8) -> Word {
        self.arrays.at(memslots * MAX_SLOTS as usize + usize::from(id))
    }

    /// A slot of an array; a read of an array that was freed is seen.
    pub(super) fn slot<T: KvmTask>(&self, t: T, memslots: usize, id: u8) -> Option<Slot> {
        self.touch(t, memslots);
        self.slot_in(t, memslots, id)
    }

    /// The same from outside, unseen by tasks.
    pub(super) fn slot_in<T: Task>(&self, t: T, memslots: usize, id: u8) -> Option<Slot> {
        Slot::from_word(t.peek(self.slot_word(memslots, id)))
    }

    /// Any use of an array or of a slot in it.
    pub(super) fn touch<T: KvmTask>(&self, t: T, memslots: usize) {
        if t.peek(self.alive.at(memslots)) == 0 {
            t.trace(Event::TouchFreed { vm: self.vm });
        }
    }

    /// `gfn_to_memslot`.
    pub(super) fn gfn_to_memslot<T: KvmTask>(
        &self,
        t: T,
        memslots: usize,
        gfn: u16,
    ) -> Option<Slot> {
        (0..MAX_SLOTS).filter_map(|id| self.slot(t, memslots, id)).find(|s| s.gfn.contains(gfn))
    }

    /// The VM begins with an empty array. State, not history: takes no lock.
    pub fn init<T: KvmTask>(&self, t: T) {
        t.poke(self.memslots, 0);
        t.poke(self.alive.at(0), 1);
    }

    /// A slot that stands before the tasks start.
    pub fn init_slot<T: KvmTask>(&self, t: T, id: u8, gfn: Pages, hva: u16) {
        let slot = Slot { gfn, hva, invalid: false, log_dirty: false };
        t.poke(self.slot_word(0, id), slot.word());
    }

    /// `__kvm_set_memory_region`: validates under slots_lock; what cannot be is refused.
    pub async fn set_memory_region<T: KvmTask>(&self, t: T, id: u8, change: Change) {
        let t = t.enter(f::SET_MEMORY_REGION);
        t.mutex_lock(self.slots_lock).await;
        let memslots = t.read(self.memslots).await as usize;
        let old = self.slot(t, memslots, id);
        if let Some(update) = change.of(old)
            && self.has_room(t, memslots, id, update)
        {
            self.set_memslot(t, id, old, update).await;
        }
        t.mutex_unlock(self.slots_lock);
    }

    /// A slot that is new or moves overlaps no other of the VM in guest frames (-EEXIST).
    fn has_room<T: KvmTask>(&self, t: T, memslots: usize, id: u8, update: Update) -> bool {
        let (Update::Create(Slot { gfn, .. }) | Update::Move(Slot { gfn, .. })) = update else {
            return true;
        };
        gfn.end <= super::GFN_PAGES
            && (0..MAX_SLOTS)
                .filter(|&other| other != id)
                .filter_map(|other| self.slot(t, memslots, other))
                .all(|other| !other.gfn.overlaps(gfn))
    }

    /// `kvm_set_memslot`: DELETE and MOVE first publish the slot as INVALID and zap it, then every
    /// change publishes its result.
    async fn set_memslot<T: KvmTask>(&self, t: T, id: u8, old: Option<Slot>, update: Update) {
        let t = t.enter(f::SET_MEMSLOT);
        self.lock_arch(t).await;
        if let (Some(slot), Update::Delete | Update::Move(_)) = (old, update) {
            self.replace(t, id, Some(Slot { invalid: true, ..slot })).await;
            t.place(super::Place::Zap as u8).await;
            self.flush_shadow_memslot(t, slot).await;
            self.lock_arch(t).await;
        }
        let new = match update {
            Update::Create(slot) | Update::Move(slot) | Update::FlagsOnly(slot) => Some(slot),
            Update::Delete => None,
        };
        self.replace(t, id, new).await;
        if matches!(update, Update::FlagsOnly(Slot { log_dirty: true, .. })) {
            self.commit_memory_region(t).await;
        }
    }

    /// `slots_arch_lock`, which came with 5.14; the swap drops it.
    async fn lock_arch<T: KvmTask>(&self, t: T) {
        if self.variant.info().slots_arch_lock {
            t.mutex_lock(self.slots_arch_lock).await;
        }
    }

    /// Duplicates the active array, changes one slot, installs the copy and frees the old one.
    async fn replace<T: KvmTask>(&self, t: T, id: u8, slot: Option<Slot>) {
        scope!(t, {
            let old = t.read(self.memslots).await as usize;
            let new = self.dup_memslots(t, old);
            t.poke(self.slot_word(new, id), slot.map_or(0, Slot::word));
            self.install_new_memslots(t, old, new).await;
            self.free_memslots(t, old);
        })
    }

    /// `kvm_dup_memslots`: slots_lock is held, so at most one array besides the active one and the
    /// new one is still in use.
    fn dup_memslots<T: KvmTask>(&self, t: T, old: usize) -> usize {
        let free = |&array: &usize| array != old && t.peek(self.alive.at(array)) == 0;
        let new = (0..ARRAYS).find(free).unwrap_or((old + 1) % ARRAYS);
        for id in 0..MAX_SLOTS {
            t.poke(self.slot_word(new, id), t.peek(self.slot_word(old, id)));
        }
        t.poke(self.alive.at(new), 1);
        new
    }

    pub(super) fn free_memslots<T: KvmTask>(&self, t: T, array: usize) {
        t.poke(self.alive.at(array), 0);
    }

    /// `kvm_arch_flush_shadow_memslot`.
    async fn flush_shadow_memslot<T: KvmTask>(&self, t: T, slot: Slot) {
        let t = t.enter(f::FLUSH_SHADOW_MEMSLOT);
        t.write_lock(self.mmu_lock).await;
        self.unmap_gfn_range(t, slot.gfn).await;
        t.write_unlock(self.mmu_lock);
    }

    /// `kvm_arch_commit_memory_region`: dirty logging write-protects under mmu_lock. The model
    /// keeps no write bit in SPTEs.
    async fn commit_memory_region<T: KvmTask>(&self, t: T) {
        let t = t.enter(f::COMMIT_MEMORY_REGION);
        t.write_lock(self.mmu_lock).await;
        t.write_unlock(self.mmu_lock);
    }
}
