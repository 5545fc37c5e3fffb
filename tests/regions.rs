//! When an mm operation opens a region, and what its callbacks may do: the primary MMU's side of the
//! protocol, step by step as in mm/.

mod common;

use std::pin::Pin;

use common::case;
use kvm_lock_fuzz::case::{Schedule, Tail};
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::lockdep::{LockType, WaitType};
use kvm_lock_fuzz::machine::sim::{Alarm, Ending, Settings, Sim, What};
use kvm_lock_fuzz::machine::{Build, Class, Mutex};
use kvm_lock_fuzz::mm::trace::Event as MmEvent;
use kvm_lock_fuzz::mm::{Mm, MmTask, NotifierRange, Opener, Pages, Places, Refused, Subscriber};
use kvm_lock_fuzz::run::{Options, Runner};
use kvm_lock_fuzz::schedule::Bursts;

/// The openers' regions on 0x100..0x104, and a THP split there alone.
fn programs() -> Vec<String> {
    let range = |opener: Opener| if opener.single_page() { "0x100" } else { "0x100..0x104" };
    let openers = Opener::ALL.map(|o| format!("{} {} end", o.name(), range(o)));
    openers.into_iter().chain(["split 0x100..0x104".to_string()]).collect()
}

/// Regions that each task opened in the run of that text.
fn regions(text: &str) -> Vec<usize> {
    let text = format!("variant counted vm vm0 slot 0 gfn 0x00..0x08 hva 0x100 {text}");
    let case = case(&text);
    let mut runner = Runner::new();
    assert_eq!(runner.run(&case, &Options::of(&case)).ending, Ending::Finished, "{case}");
    let mut opened = vec![0; case.programs.tasks()];
    runner.inspect(|seen| {
        for record in seen.records {
            if let What::Trace(Event::Mm(MmEvent::RegionStart { .. })) = record.what {
                opened[usize::from(record.task)] += 1;
            }
        }
    });
    opened
}

#[test]
fn an_untouched_mapping_counts_as_populated() {
    for program in programs() {
        assert_eq!(regions(&format!("task a {program}")), [1], "{program}");
    }
}

#[test]
fn no_region_opens_where_the_mapping_is_gone() {
    for taker in ["munmap", "mremap"] {
        for program in programs() {
            // A page was there: the page tables are empty now.
            let gone = format!("task a fault gfn 0x01 write {taker} 0x100..0x104 end {program}");
            assert_eq!(regions(&gone), [1], "{taker}, then {program}");
        }
    }
}

#[test]
fn a_range_of_which_a_part_is_left_opens_a_region() {
    for program in programs().iter().filter(|program| !program.starts_with("cow")) {
        let partly = format!("task a munmap 0x100..0x103 end {program}");
        assert_eq!(regions(&partly), [2], "{program}");
    }
}

/// munmap takes the range out of the address space first; the rmap finds a page until it is zapped.
#[test]
fn an_rmap_walk_finds_the_pages_of_a_munmap_that_has_not_come_to_its_zap() {
    let text = |fault: &str, place: &str| {
        format!(
            "task v {fault} task m munmap 0x100..0x104 end task k swapout 0x100..0x104 end
             schedule v until blocked, m until {place}, k until blocked, m until blocked"
        )
    };
    let (touched, elsewhere) = ("fault gfn 0x01 write", "fault gfn 0x06 write");
    assert_eq!(regions(&text(touched, "change")), [0, 1, 1]);
    assert_eq!(regions(&text(touched, "end")), [0, 1, 0]);
    assert_eq!(regions(&text(elsewhere, "change")), [0, 1, 0]);
}

/// mremap's old place is a mapping until the move is over.
#[test]
fn an_rmap_walk_finds_the_range_that_mremap_is_moving() {
    let text = |place: &str| {
        format!(
            "task m mremap 0x100..0x104 end task k migrate 0x100..0x104 end
             schedule m until {place}, k until blocked, m until blocked"
        )
    };
    assert_eq!(regions(&text("change")), [1, 1]);
    assert_eq!(regions(&text("free")), [1, 0]);
}

/// D3 needs a rmap walk with a region: not one of a range that munmap has taken.
#[test]
fn an_rmap_walk_behind_a_munmap_hangs_nobody() {
    let case = |first: &str| {
        case(&format!(
            "variant rwsem vm vm0 slot 0 gfn 0x00..0x08 hva 0x100
             task m {first} 0x104..0x108 end mremap 0x100..0x104 end
             task k migrate 0x104..0x108 end
             task vmm memslot create 1 gfn 0x10..0x14 hva 0x300
             schedule m until free, m until change, vmm until blocked, k until blocked"
        ))
    };
    let ending = |first: &str| Runner::new().run(&case(first), &Options::of(&case(first))).ending;
    assert_eq!(ending("madvise"), Ending::Stuck);
    assert_eq!(ending("munmap"), Ending::Finished);
}

/// A subscriber of the notifier list.
#[derive(Debug)]
enum Subscription {
    /// Sleeps in END, whatever the range says.
    SleepsInEnd(Mutex),
    /// Refuses a START that may not block, and has no END.
    Refuses,
}

impl<T: MmTask> Subscriber<T> for Subscription {
    async fn range_start(&self, _: T, range: &NotifierRange) -> Result<(), Refused> {
        let refuses = matches!(self, Subscription::Refuses) && !range.blockable;
        if refuses { Err(Refused) } else { Ok(()) }
    }

    async fn range_end(&self, t: T, _: &NotifierRange) {
        let Subscription::SleepsInEnd(lock) = self else { return };
        t.mutex_lock(*lock).await;
        t.mutex_unlock(*lock);
    }

    fn has_end(&self) -> bool {
        matches!(self, Subscription::SleepsInEnd(_))
    }

    fn span(&self) -> Option<kvm_lock_fuzz::machine::Span> {
        None
    }
}

/// Whether the opener's region sleeps where it may not, with these subscribers beside one that sleeps
/// in END.
fn sleeps_in_atomic(opener: Opener, others: impl IntoIterator<Item = Subscription>) -> bool {
    let mut machine: Sim<Bursts, MmEvent> = Sim::new(Bursts::default());
    let mut mm = Mm::build(&mut machine, Places { start: 0, split: 0, change: 0, end: 0, free: 0 });
    let class = Class { name: "&sub->lock", wait: WaitType::Sleep, kind: LockType::Normal };
    let class = machine.class(class);
    mm.subscriptions.push(Subscription::SleepsInEnd(machine.mutex(class)));
    mm.subscriptions.extend(others);
    let plan = Schedule { bursts: Vec::new(), tail: Tail::Fair };
    machine.reset(Settings::default(), |schedule| schedule.plan(&plan));
    let (t, mm) = (machine.task(0), &mm);
    let mut task = Some(Box::pin(async move {
        if let Some(region) = mm.open_region(t, opener, Pages::new(0x100, 0x104)).await {
            mm.close_region(t, region).await;
        }
    }));
    assert_eq!(machine.run(&mut [Pin::new(&mut task)]), Ending::Finished);
    let sleeps = |what: &What<MmEvent>| {
        matches!(what, What::Alarm(Alarm::SleepInAtomic { nonblock: true, .. }))
    };
    machine.inspect(|seen| {
        let ended =
            |what: &What<MmEvent>| matches!(what, What::Trace(MmEvent::SubscriberEnd { .. }));
        assert_eq!(seen.records.iter().filter(|r| ended(&r.what)).count(), 1);
        seen.records.iter().any(|r| sleeps(&r.what))
    })
}

/// `mn_hlist_invalidate_end` puts END in a section that may not sleep; the replay of END after a
/// refused START (`mn_hlist_invalidate_range_start`) stands in none.
#[test]
fn end_may_not_sleep_in_a_region_that_may_not_block_but_where_it_is_replayed() {
    assert!(sleeps_in_atomic(Opener::Reaper, []));
    assert!(!sleeps_in_atomic(Opener::Reaper, [Subscription::Refuses]));
    assert!(!sleeps_in_atomic(Opener::Madvise, []));
}
