//! A schedule that can be read: few bursts, to named places, and fairly on from there.

use super::{Judge, Search};
use crate::case::{Burst, Case, MAX_BURSTS, Schedule, Tail, Until};
use crate::kvm::Place;

pub(super) fn reduce<J: Judge>(search: &mut Search<'_, J>) {
    let before = search.best.clone();
    offer(search, Vec::new());
    let bursts = search.best.schedule.bursts.clone();
    offer(search, bursts);
    if search.best.schedule.tail != Tail::Fair {
        write_out(search);
    }
    drop_bursts(search);
    join_bursts(search);
    name_places(search);
    name_all(search);
    if search.best.schedule.bursts.len() > MAX_BURSTS {
        // Cannot be written as a case: the drawn schedule stays.
        search.best = before;
    }
}

/// Offers the best case with these bursts and a fair rest.
fn offer<J: Judge>(search: &mut Search<'_, J>, bursts: Vec<Burst>) -> bool {
    let schedule = Schedule { bursts, tail: Tail::Fair };
    search.offer(Case { schedule, ..search.best.clone() })
}

/// Replaces a drawn schedule by what it executes.
fn write_out<J: Judge>(search: &mut Search<'_, J>) {
    let mut bursts = Vec::new();
    search.judge.executed(&search.best, &mut bursts);
    offer(search, bursts);
}

/// Runs of bursts, long ones first, from the last to the first.
fn drop_bursts<J: Judge>(search: &mut Search<'_, J>) {
    let mut run = search.best.schedule.bursts.len();
    while run > 0 {
        let mut end = search.best.schedule.bursts.len();
        while end > 0 {
            let start = end.saturating_sub(run);
            let mut bursts = search.best.schedule.bursts.clone();
            bursts.drain(start..end);
            offer(search, bursts);
            end = start;
        }
        run /= 2;
    }
}

/// Lets a burst take over the next one of its task, at the place of either.
fn join_bursts<J: Judge>(search: &mut Search<'_, J>) {
    let mut at = 0;
    while let Some(&burst) = search.best.schedule.bursts.get(at) {
        let bursts = &search.best.schedule.bursts;
        let later = bursts[at + 1..].iter().position(|b| b.task == burst.task);
        let joined = later.map(|n| at + 1 + n).is_some_and(|next| join(search, at, next));
        at += usize::from(!joined);
    }
}

fn join<J: Judge>(search: &mut Search<'_, J>, at: usize, next: usize) -> bool {
    let bursts = search.best.schedule.bursts.clone();
    let until = match (bursts[at].until, bursts[next].until) {
        (Until::Points(a), Until::Points(b)) => Until::Points(a.saturating_add(b)),
        (_, until) => until,
    };
    let joined = Burst { until, ..bursts[at] };
    [(at, next), (next, at)].into_iter().any(|(stays, goes)| {
        let mut bursts = bursts.clone();
        bursts[stays] = joined;
        bursts.remove(goes);
        offer(search, bursts)
    })
}

/// Counts become places where one does as well; what is left is counted as low as possible.
fn name_places<J: Judge>(search: &mut Search<'_, J>) {
    for at in 0..search.best.schedule.bursts.len() {
        let counted = [1, 2, 4, 8, 16, 32, 64, 128].map(Until::Points);
        for until in named().chain(counted) {
            if let Until::Points(_) = search.best.schedule.bursts[at].until {
                offer_until(search, at, until);
            }
        }
        while count_down(search, at) {}
    }
}

fn count_down<J: Judge>(search: &mut Search<'_, J>, at: usize) -> bool {
    match search.best.schedule.bursts[at].until {
        Until::Points(points) if points > 1 => offer_until(search, at, Until::Points(points - 1)),
        _ => false,
    }
}

fn offer_until<J: Judge>(search: &mut Search<'_, J>, at: usize, until: Until) -> bool {
    let mut bursts = search.best.schedule.bursts.clone();
    bursts[at].until = until;
    offer(search, bursts)
}

/// Every end of a burst that counts nothing.
fn named() -> impl Iterator<Item = Until> + Clone {
    std::iter::once(Until::Blocked).chain(Place::ALL.iter().map(|place| Until::Place(*place)))
}

/// Schedules of one length that are tried one by one: all of three bursts of three tasks.
const MAX_SCHEDULES: usize = 50_000;

/// Any schedule of up to two named bursts that says more, and where counts are left, of three. There
/// are few enough to try them all.
fn name_all<J: Judge>(search: &mut Search<'_, J>) {
    let tasks = search.best.programs.tasks() as u8;
    let ends = (0..tasks).flat_map(|task| named().map(move |until| Burst { task, until }));
    let ends: Vec<_> = ends.collect();
    let mut all: Vec<Vec<Burst>> = vec![Vec::new()];
    for len in 1..=3 {
        let bursts = &search.best.schedule.bursts;
        let counted = bursts.iter().any(|b| matches!(b.until, Until::Points(_)));
        // Three named bursts for a single counted one would not read better.
        let too_many = all.len() * ends.len() > MAX_SCHEDULES;
        if bursts.is_empty() || too_many || len == 3 && (!counted || bursts.len() == 1) {
            return;
        }
        all = all.iter().flat_map(|bursts| longer(bursts, &ends)).collect();
        for bursts in &all {
            offer(search, bursts.clone());
        }
    }
}

/// The bursts and one more, of another task than the last.
fn longer(bursts: &[Burst], ends: &[Burst]) -> Vec<Vec<Burst>> {
    let last = bursts.last().map(|burst| burst.task);
    let next = ends.iter().filter(|end| Some(end.task) != last);
    next.map(|end| [bursts, std::slice::from_ref(end)].concat()).collect()
}
