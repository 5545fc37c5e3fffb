//! What KVM_SET_USER_MEMORY_REGION makes of a request, by what stands under the id: create, delete,
//! move, a change of flags, nothing at all, or a refusal (`__kvm_set_memory_region` of 5.12 and 5.15).

mod common;

use common::case;
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::What;
use kvm_lock_fuzz::oracle::Severity;
use kvm_lock_fuzz::run::{Ending, Options, Runner};

/// A slot beside the one that the requests are about.
const SLOTS: &str = "slot 0 gfn 0x00..0x08 hva 0x100 slot 1 gfn 0x20..0x28 hva 0x300 ";

/// Publications of the requests, and the slot that stands under id 0 in the end: first guest frame,
/// whether it logs dirty pages.
fn update(variant: Variant, requests: &str) -> (usize, Option<(u16, bool)>) {
    let text = format!("variant {} vm vm0 {SLOTS} task vmm {requests}", variant.name());
    let case = case(&text);
    let mut runner = Runner::new();
    assert_eq!(runner.run(&case, &Options::of(&case)).ending, Ending::Finished, "{case}");
    let publishes = |what: &What<Event>| matches!(what, What::Trace(Event::Publish { .. }));
    let published =
        runner.inspect(|seen| seen.records.iter().filter(|r| publishes(&r.what)).count());
    let end = runner.end(&case);
    let slots = &end.vms[0].memslots;
    let slot = slots.iter().find(|(id, _)| *id == 0).map(|(_, slot)| *slot);
    assert!(slot.is_none_or(|slot| slot.hva == 0x100 && slot.gfn.len() == 8 && !slot.invalid));
    (published, slot.map(|slot| (slot.gfn.start, slot.log_dirty)))
}

#[test]
fn a_request_publishes_as_often_as_it_does_in_the_kernel() {
    let stands = |gfn| Some((gfn, false));
    let table = [
        ("memslot delete 0", 2, None),
        ("memslot delete 2", 0, stands(0)),
        ("memslot move 0 gfn 0x10", 2, stands(0x10)),
        ("memslot move 0 gfn 0x04", 2, stands(0x04)),
        ("memslot move 2 gfn 0x10", 0, stands(0)),
        ("memslot flags 0 log-dirty", 1, Some((0, true))),
        ("memslot flags 2 log-dirty", 0, stands(0)),
        ("memslot create 2 gfn 0x40..0x48 hva 0x100", 1, stands(0)),
        // Nothing to change: 0, at once.
        ("memslot move 0 gfn 0x00", 0, stands(0)),
        ("memslot flags 0 none", 0, stands(0)),
        ("memslot create 0 gfn 0x00..0x08 hva 0x100", 0, stands(0)),
        // The id stands: the slot moves.
        ("memslot create 0 gfn 0x10..0x18 hva 0x100", 2, stands(0x10)),
        // It logged dirty pages, and what `create` states does not.
        ("memslot flags 0 log-dirty memslot create 0 gfn 0..8 hva 0x100", 2, stands(0)),
        ("memslot flags 0 log-dirty memslot create 0 gfn 8..16 hva 0x100", 3, stands(8)),
        ("memslot flags 0 log-dirty memslot move 0 gfn 0x08", 3, Some((8, true))),
        // -EINVAL: another size, another hva.
        ("memslot create 0 gfn 0x00..0x04 hva 0x100", 0, stands(0)),
        ("memslot create 0 gfn 0x00..0x08 hva 0x200", 0, stands(0)),
        // -EEXIST: another slot has these frames.
        ("memslot create 2 gfn 0x04..0x0c hva 0x200", 0, stands(0)),
        ("memslot create 0 gfn 0x24..0x2c hva 0x100", 0, stands(0)),
        ("memslot move 0 gfn 0x1c", 0, stands(0)),
    ];
    for variant in Variant::ALL {
        for (requests, published, slot) in table {
            let name = variant.name();
            assert_eq!(update(variant, requests), (published, slot), "{name}: {requests}");
        }
    }
}

/// A request that changes nothing waits for no region, and no region minds it.
#[test]
fn what_changes_nothing_disturbs_nobody() {
    let nested = "task m mremap 0x200..0x240 split 0x200..0x240 end ";
    let region = "task m madvise 0x100..0x104 end ";
    for (variant, program, place) in
        [("rwsem", nested, "split"), ("counted", nested, "split"), ("naive-elision", region, "end")]
    {
        for request in ["move 0 gfn 0x00", "create 0 gfn 0x00..0x08 hva 0x100"] {
            let case = case(&format!(
                "variant {variant} vm vm0 {SLOTS} {program} task vmm memslot {request}
                 schedule m until {place}, vmm until blocked"
            ));
            let mut runner = Runner::new();
            let outcome = runner.run(&case, &Options::of(&case)).clone();
            assert_eq!(outcome.ending, Ending::Finished, "{case}");
            // The rwsem's inversions need no update.
            let mut found = outcome.findings.iter().filter(|f| f.severity == Severity::Violation);
            let predicted = ["lock-order", "recursive-lock"];
            let other = found.find(|f| !predicted.contains(&f.kind.name()));
            assert_eq!(other, None, "{case}");
        }
    }
}
