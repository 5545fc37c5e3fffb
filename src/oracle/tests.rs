//! What single events mean to an oracle: each of these was once changed and nothing noticed.

use super::assertion::Assertions;
use super::stale::StaleMapping;
use super::{Facts, Finding, Kind, Oracle, Oracles, Remembered};
use crate::kvm::Variant;
use crate::kvm::trace::{Event, Side};
use crate::machine::Policy;
use crate::machine::sim::{Fingerprint, Object, Record, What};
use crate::mm::trace::Event as MmEvent;

fn facts(variant: Variant) -> Facts {
    Facts { variant, policy: Policy::WriterFair }
}

fn active(up: bool) -> Event {
    Event::ActiveCount { vm: 0, depth: 0, up, value: i64::from(up), locked: true }
}

/// What an oracle finds in these events of task 0.
fn found<O: Oracle>(oracle: &mut O, events: &[Event]) -> Vec<Kind> {
    let mut findings: Vec<Finding> = Vec::new();
    for &event in events {
        let record = Record { event: 0, task: 0, what: What::Trace(event) };
        let out = &mut super::Findings { list: &mut findings };
        oracle.see(&record, event, facts(Variant::Counted), out);
    }
    findings.iter().map(|finding| finding.kind).collect()
}

/// A count that has fallen protects no walk: `range_end` may not look after it.
#[test]
fn a_walk_after_the_count_fell_is_no_counted_walk() {
    let walk = Event::Lookup { vm: 0, depth: 0, side: Side::End, decides: true };
    assert_eq!(found(&mut Assertions::default(), &[active(true), walk]), []);
    let late = [active(true), active(false), walk];
    assert_eq!(found(&mut Assertions::default(), &late), [Kind::Assertion]);
}

/// A retry takes a snapshot of its own: that of the attempt before is worth nothing.
#[test]
fn every_attempt_takes_its_own_snapshot() {
    let attempt = Event::Attempt { vm: 0 };
    let once = [attempt, Event::Snapshot, Event::Gup];
    assert_eq!(found(&mut Assertions::default(), &once), []);
    let again = [&once[..], &[attempt, Event::Gup]].concat();
    assert_eq!(found(&mut Assertions::default(), &again), [Kind::Assertion]);
}

const SET: Event = Event::SpteSet { vm: 0, gfn: 1, hva: 0x10, pfn: 3 };
const ELSEWHERE: Event = Event::SpteSet { vm: 0, gfn: 2, hva: 0x11, pfn: 4 };

fn mapped() -> StaleMapping {
    let mut oracle = StaleMapping::default();
    let pages = [(0x10, 3), (0x11, 4)].map(|(hva, pfn)| Event::Mm(MmEvent::PteSet { hva, pfn }));
    assert_eq!(found(&mut oracle, &[pages[0], pages[1], SET, ELSEWHERE]), []);
    oracle
}

/// A zap is compared with what unmaps or frees the page that it takes out of the table, and with
/// nothing of another.
#[test]
fn a_zap_touches_the_page_that_was_mapped_there() {
    let mut touched: Vec<(Object, bool)> = Vec::new();
    let zap = Event::SpteZap { vm: 0, gfn: 1 };
    mapped().touched(zap, &mut |object, changed| touched.push((object, changed)));
    let mut set = Vec::new();
    StaleMapping::default().touched(SET, &mut |object, changed| set.push((object, changed)));
    assert_eq!(touched, set);
}

/// A table has one entry for a guest frame: another page takes the place of the one before, and of no
/// other frame's.
#[test]
fn a_new_entry_takes_the_place_of_the_old_one_alone() {
    let other = [
        Event::Mm(MmEvent::PteSet { hva: 0x20, pfn: 9 }),
        Event::SpteSet { vm: 0, gfn: 1, hva: 0x20, pfn: 9 },
    ];
    let clear = |hva, pfn| Event::Mm(MmEvent::PteClear { hva, pfn });
    let mut oracle = mapped();
    assert_eq!(found(&mut oracle, &other), []);
    assert_eq!(found(&mut oracle, &[clear(0x10, 3)]), [], "its entry is gone");
    assert_eq!(found(&mut oracle, &[clear(0x11, 4)]), [Kind::StaleMapping]);
    assert_eq!(found(&mut oracle, &[clear(0x20, 9)]), [Kind::StaleMapping]);
}

/// What oracles remember is part of the state: a region that is open is none that is not.
#[test]
fn open_regions_are_part_of_the_state() {
    let print = |oracles: &Oracles| {
        let mut tasks = [Fingerprint::ZERO; 2];
        oracles.remember(&mut Remembered::new(&mut tasks));
        tasks
    };
    let mut oracles = Oracles::default();
    assert_eq!(print(&oracles), [Fingerprint::ZERO; 2]);
    assert_eq!(found(&mut oracles, &[active(true)]), []);
    let [open, other] = print(&oracles);
    assert!(open != Fingerprint::ZERO && other == Fingerprint::ZERO, "task 0 alone");
}
