//! A record in words, and what it does to the scene.

use super::names::{Names, mode};
use super::scene::{Came, Scene};
use crate::kvm::trace::{Event, Side};
use crate::machine::sim::{Alarm, Record, What};
use crate::machine::{LockId, Mode};
use crate::mm::trace::Event as MmEvent;

/// The words for a record; none for what the other records imply.
pub(super) fn words(
    record: &Record<Event>,
    scene: &mut Scene,
    names: &Names<'_>,
) -> Option<String> {
    let task = record.task;
    Some(match record.what {
        What::Acquired(lock, how) => acquired(task, lock, how, scene, names),
        What::Blocked(lock, how) => {
            scene.block(task, lock, how);
            let (verb, behind) = (names.acquire(lock, how), scene.behind(task, lock, names));
            format!("{verb}: waits for {} ({}), {behind}", names.lock(lock), mode(how))
        }
        What::Released(lock) => {
            let how = scene.release(task, lock);
            format!("{} {}", names.release(lock, how), names.lock(lock))
        }
        What::Srcu(srcu, enter) => {
            scene.srcu(task, srcu, enter);
            let verb = if enter { "srcu_read_lock" } else { "srcu_read_unlock" };
            format!("{verb} {}", names.srcu(srcu))
        }
        What::Waits(wait) => scene.waits(wait, names),
        What::Resumed => "goes on".to_owned(),
        What::Trace(event) => return traced(task, event, scene, names),
        What::Alarm(Alarm::Bypassed(lock)) => format!("a reader passes: {}", names.lock(lock)),
        What::Alarm(_) | What::Wrote(..) => return None,
    })
}

fn acquired(task: u8, lock: LockId, how: Mode, scene: &mut Scene, names: &Names<'_>) -> String {
    match scene.acquire(task, lock, how) {
        Came::Taken => format!("{} {}", names.acquire(lock, how), names.lock(lock)),
        Came::HandedOver => format!("gets {} ({})", names.lock(lock), mode(how)),
        Came::Downgraded => format!("downgrade_write {}", names.lock(lock)),
    }
}

fn traced(task: u8, event: Event, scene: &mut Scene, names: &Names<'_>) -> Option<String> {
    Some(match event {
        Event::Mm(event) => return mm(task, event, scene, names),
        Event::Op(op) => format!("== {}", names.operation(task, op)),
        Event::Lookup { vm, decides, .. } => {
            let decides = if decides { ": decides about mmu_lock" } else { "" };
            format!("looks up memslots{}{decides}", names.of_vm(vm))
        }
        Event::Elision { side, locked, .. } => elision(side, locked).to_owned(),
        Event::NotifierCount { vm, up, value, locked, .. } => {
            let outside = if locked { "" } else { " outside mmu_lock" };
            format!("{}{outside}", count("mmu_notifier_count", vm, up, value, names))
        }
        Event::ActiveCount { vm, up, value, locked, .. } => {
            scene.active[usize::from(vm)] = value;
            let outside = if locked { "" } else { " outside mn_invalidate_lock" };
            format!("{}{outside}", count("mn_active_invalidate_count", vm, up, value, names))
        }
        Event::Seq { vm, .. } => format!("mmu_notifier_seq{} ++", names.of_vm(vm)),
        Event::SwapWait { vm } => {
            format!("wants mn_active_invalidate_count{} 0", names.of_vm(vm))
        }
        Event::SwapBusy { vm } => {
            let active = scene.active[usize::from(vm)];
            format!("mn_active_invalidate_count{} is {active}", names.of_vm(vm))
        }
        Event::Publish { vm, .. } => format!("publishes memslots{}", names.of_vm(vm)),
        Event::TouchFreed { vm } => format!("reads freed memslots{}", names.of_vm(vm)),
        Event::Attempt { vm } => format!("page fault{}", names.of_vm(vm)),
        Event::Snapshot => "mmu_notifier_seq snapshot".to_owned(),
        Event::Gup => "GUP".to_owned(),
        Event::SpteSet { vm, gfn, hva, pfn } => {
            format!("SPTE{} gfn {gfn:#04x} (hva {hva:#05x}) -> pfn {pfn}", names.of_vm(vm))
        }
        Event::SpteZap { vm, gfn } => format!("zaps SPTE{} gfn {gfn:#04x}", names.of_vm(vm)),
        Event::BugOnCount { .. } => "BUG_ON(kvm->mmu_notifier_count < 0)".to_owned(),
    })
}

fn count(name: &str, vm: u8, up: bool, value: i64, names: &Names<'_>) -> String {
    let before = if up { value.wrapping_sub(1) } else { value.wrapping_add(1) };
    format!("{name}{} {before} -> {value}", names.of_vm(vm))
}

fn elision(side: Side, locked: bool) -> &'static str {
    match (side, locked) {
        (Side::Start, true) => "START took mmu_lock",
        (Side::Start, false) => "START went without mmu_lock",
        (Side::End, true) => "END took mmu_lock",
        (Side::End, false) => "END went without mmu_lock",
    }
}

fn mm(task: u8, event: MmEvent, scene: &mut Scene, names: &Names<'_>) -> Option<String> {
    Some(match event {
        MmEvent::RegionStart { depth, hva, blockable } => {
            scene.region(task, true);
            let nested = if depth > 0 { "nested " } else { "" };
            let nonblock = if blockable { "" } else { " (non-blockable)" };
            format!("{nested}range_start {:#05x}..{:#05x}{nonblock}", hva.start, hva.end)
        }
        MmEvent::RegionOpen { depth, ok: true } => format!("{}region open", nested(depth)),
        MmEvent::RegionOpen { depth, ok: false } => {
            scene.region(task, false);
            format!("{}region refused: no END will come", nested(depth))
        }
        MmEvent::RegionClosed { depth } => {
            scene.region(task, false);
            format!("{}region closed", nested(depth))
        }
        MmEvent::SubscriberStart { subscriber, ok, .. } => {
            let answer = if ok { "0" } else { "-EAGAIN" };
            format!("START of {} returned {answer}", names.subscriber(subscriber)?)
        }
        MmEvent::SubscriberEnd { subscriber, .. } => {
            format!("calls END of {}", names.subscriber(subscriber)?)
        }
        MmEvent::PteSet { hva, pfn } => format!("pte {hva:#05x} -> pfn {pfn}"),
        MmEvent::PteClear { hva, pfn } => format!("pte {hva:#05x} cleared (was pfn {pfn})"),
        MmEvent::PageFree { pfn } => format!("frees pfn {pfn}"),
    })
}

fn nested(depth: u8) -> &'static str {
    if depth > 0 { "nested " } else { "" }
}
