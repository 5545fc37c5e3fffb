//! Fewer operations, fewer tasks.

use super::{Judge, Search};
use crate::case::{Case, Op, Opener, Programs};

pub(super) fn reduce<J: Judge>(search: &mut Search<'_, J>) {
    drop_tasks(search);
    flatten_splits(search);
    drop_operations(search);
    wrap_splits(search);
    join_tasks(search);
}

fn drop_tasks<J: Judge>(search: &mut Search<'_, J>) {
    for task in (0..search.best.programs.tasks()).rev() {
        let mut programs = programs(&search.best);
        programs[task].clear();
        offer(search, &programs);
    }
}

/// Splits less deep, before what they stand in is taken away.
fn flatten_splits<J: Judge>(search: &mut Search<'_, J>) {
    for at in 0..search.best.programs.ops.len() {
        let Some(&Op::Split { hva, depth }) = search.best.programs.ops.get(at) else { continue };
        for depth in 1..depth {
            let mut case = search.best.clone();
            case.programs.ops[at] = Op::Split { hva, depth };
            if search.offer_rescheduled(case) {
                break;
            }
        }
    }
}

/// Each operation, from the last to the first; a region as a whole, then without what it contains.
fn drop_operations<J: Judge>(search: &mut Search<'_, J>) {
    for task in (0..search.best.programs.tasks()).rev() {
        for at in (0..search.best.programs.task(task).len()).rev() {
            let programs = programs(&search.best);
            let Some(program) = programs.get(task).filter(|program| at < program.len()) else {
                break;
            };
            for shorter in without(program, at) {
                let mut programs = programs.clone();
                programs[task] = shorter;
                if offer(search, &programs) {
                    break;
                }
            }
        }
    }
}

/// A region and the split in it, in the place of a split alone that is two deep: as many operations, but places
/// between them where a burst may end.
fn wrap_splits<J: Judge>(search: &mut Search<'_, J>) {
    for task in 0..search.best.programs.tasks() {
        for at in (0..search.best.programs.task(task).len()).rev() {
            let mut programs = programs(&search.best);
            let Some(&Op::Split { hva, depth: depth @ 2.. }) = programs[task].get(at) else {
                continue;
            };
            let region = [
                Op::Open { opener: Opener::Munmap, hva },
                Op::Split { hva, depth: depth - 1 },
                Op::End,
            ];
            programs[task].splice(at..=at, region);
            offer(search, &programs);
        }
    }
}

/// The program without the operation at `at`, in one or two ways.
fn without(program: &[Op], at: usize) -> Vec<Vec<Op>> {
    let end = match program[at] {
        Op::End => return Vec::new(),
        Op::Open { .. } => at + program[at..].iter().take_while(|op| **op != Op::End).count(),
        _ => at,
    };
    let (before, after) = (&program[..at], program.get(end + 1..).unwrap_or_default());
    let whole = [before, after].concat();
    if end <= at + 1 {
        return vec![whole];
    }
    vec![whole, [before, &program[at + 1..end], after].concat()]
}

/// Lets one task do what two did, one after the other.
fn join_tasks<J: Judge>(search: &mut Search<'_, J>) {
    let mut pairs = pairs(search.best.programs.tasks());
    while let Some((first, second)) = pairs.pop() {
        let mut programs = programs(&search.best);
        let moved = std::mem::take(&mut programs[second]);
        programs[first].extend(moved);
        if offer(search, &programs) {
            pairs = self::pairs(search.best.programs.tasks());
        }
    }
}

/// Takes the best case with other programs for its tasks, under whatever schedule shows it.
fn offer<J: Judge>(search: &mut Search<'_, J>, programs: &[Vec<Op>]) -> bool {
    let left = search.tasks.iter().zip(programs).filter(|(_, program)| !program.is_empty());
    let tasks = left.map(|(&task, _)| task).collect();
    let taken = search.offer_rescheduled(with(&search.best, programs));
    if taken {
        search.tasks = tasks;
    }
    taken
}

/// All ordered pairs of two tasks.
fn pairs(tasks: usize) -> Vec<(usize, usize)> {
    let all = (0..tasks).flat_map(|a| (0..tasks).map(move |b| (a, b)));
    all.filter(|(a, b)| a != b).collect()
}

fn programs(case: &Case) -> Vec<Vec<Op>> {
    (0..case.programs.tasks()).map(|task| case.programs.task(task).to_vec()).collect()
}

/// The case with other programs for its tasks. A task without operations is gone, and its bursts.
fn with(case: &Case, programs: &[Vec<Op>]) -> Case {
    let mut case = Case { programs: Programs::default(), ..case.clone() };
    let mut names = Vec::new();
    for program in programs {
        names.push((!program.is_empty()).then_some(case.programs.ends.len() as u8));
        case.programs.ops.extend(program);
        if !program.is_empty() {
            case.programs.ends.push(case.programs.ops.len() as u16);
        }
    }
    case.schedule.bursts.retain_mut(|burst| match names.get(burst.task as usize) {
        Some(&Some(name)) => {
            burst.task = name;
            true
        }
        _ => false,
    });
    case
}
