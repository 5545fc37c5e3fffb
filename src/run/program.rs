//! A task's program: each operation becomes the call that user space or mm would make.

use super::world::World;
use crate::case::Op;
use crate::kvm::trace::Event;
use crate::kvm::{Change, Kvm, KvmTask, Place, Slot};
use crate::machine::OPERATION;
use crate::mm::Region;

/// Runs the operations in order. Whatever stands in a block whose region did not open (nothing to
/// invalidate, trylock failed, START refused) is skipped, as the kernel would not get there.
pub(super) async fn run<T: KvmTask>(t: T, world: &World, ops: &[Op]) {
    let mut block: Option<Option<Region>> = None;
    for (i, &op) in ops.iter().enumerate() {
        t.mark(OPERATION, &[i as u64, region_state(&block)]);
        t.trace(Event::Op(i as u16));
        t.place(Place::Op as u8).await;
        match (op, block) {
            (Op::Open { opener, hva }, _) => {
                block = Some(world.mm.open_region(t, opener, hva).await);
            }
            (Op::Split { hva, depth }, None) => world.mm.split(t, None, hva, depth).await,
            (Op::Split { hva, depth }, Some(Some(region))) => {
                world.mm.split(t, Some(region), hva, depth).await;
            }
            (Op::Split { .. }, Some(None)) => {}
            (Op::End, _) => {
                if let Some(region) = block.take().flatten() {
                    world.mm.close_region(t, region).await;
                }
            }
            _ => vm_operation(t, world, op).await,
        }
        if block.is_none() {
            t.user_exit();
        }
    }
}

/// Whether a block is open, and whether its region is.
fn region_state(block: &Option<Option<Region>>) -> u64 {
    match block {
        None => 0,
        Some(None) => 1,
        Some(Some(_)) => 2,
    }
}

async fn vm_operation<T: KvmTask>(t: T, world: &World, op: Op) {
    let kvm = |vm: u8| -> &Kvm { &world.vms[usize::from(vm) % world.vms.len()] };
    let (vm, slot, change) = match op {
        Op::Fault { vm, gfn, write } => {
            return kvm(vm).page_fault(t, &world.mm, gfn, write).await;
        }
        Op::Create { vm, slot, gfn, hva } => {
            (vm, slot, Change::Create(Slot { gfn, hva, invalid: false, log_dirty: false }))
        }
        Op::Delete { vm, slot } => (vm, slot, Change::Delete),
        Op::Move { vm, slot, gfn } => (vm, slot, Change::Move(gfn)),
        Op::Flags { vm, slot, log_dirty } => (vm, slot, Change::FlagsOnly(log_dirty)),
        Op::Open { .. } | Op::Split { .. } | Op::End => return,
    };
    kvm(vm).set_memory_region(t, slot, change).await;
}
