//! How near the end is: what more executions of the same sort would show.

use super::Seen;
use serde::Serialize;

/// An estimate from executions that were drawn alike and independently.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Saturation {
    /// Executions that it is made from.
    pub executions: u32,
    /// Of them, in how many there was an alias pair that no other execution showed.
    pub alone: u32,
    /// Alias pairs that the last tenth of them was the first to show.
    pub new_in_last_tenth: u32,
    /// The chance that the next execution shows a new alias pair: Good and Turing's estimate (Good,
    /// Biometrika 1953; for fuzzing Boehme, TOSEM 2018), which leaves each execution out once and asks
    /// whether it would have been new.
    pub chance_of_new: f64,
    /// The chance is below this with 95 % confidence (Wilson's bound).
    pub at_most: f64,
}

/// Of a normal distribution, 95 % lie below so many standard deviations.
const Z: f64 = 1.645;

impl Saturation {
    /// The estimate; none from no execution.
    pub(super) fn of(seen: &Seen) -> Option<Saturation> {
        let executions = seen.executions - seen.sample;
        if executions == 0 {
            return None;
        }
        let last = seen.executions - executions.div_ceil(10);
        let firsts = || seen.pairs.values().filter(|tally| tally.first >= seen.sample);
        let mut alone: Vec<u32> = firsts().filter(|t| t.times == 1).map(|t| t.first).collect();
        alone.sort_unstable();
        alone.dedup();
        let alone = alone.len() as u32;
        Some(Saturation {
            executions,
            alone,
            new_in_last_tenth: firsts().filter(|tally| tally.first >= last).count() as u32,
            chance_of_new: rounded(f64::from(alone) / f64::from(executions)),
            at_most: rounded(bound(f64::from(alone), f64::from(executions))),
        })
    }
}

/// Wilson's upper bound of a share.
fn bound(hits: f64, n: f64) -> f64 {
    let (share, square) = (hits / n, Z * Z);
    let middle = share + square / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    ((middle + spread) / (1.0 + square / n)).min(1.0)
}

/// Four digits after the point.
fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::super::{Tally, step};
    use super::*;

    /// Executions that show the pairs of these numbers.
    fn seen(executions: &[&[u8]]) -> Seen {
        let pair = |n: &u8| {
            let step = step::Step { function: *n, verb: step::Verb::Read, object: 0 };
            step::Pair { first: (step::Actor::Fault, step), then: (step::Actor::Fault, step) }
        };
        let mut seen = Seen::default();
        executions.iter().for_each(|pairs| seen.add_pairs(pairs.iter().map(pair)));
        seen
    }

    #[test]
    fn an_execution_counts_that_would_have_been_new_had_it_come_last() {
        assert_eq!(Saturation::of(&Seen::default()), None);
        let all = Saturation::of(&seen(&[&[1, 2, 3], &[1], &[2, 4], &[5, 6], &[]])).expect("five");
        assert_eq!((all.executions, all.alone, all.new_in_last_tenth), (5, 3, 0));
        assert_eq!(all.chance_of_new, 0.6, "the first, third and fourth");
        let same = Saturation::of(&seen(&[&[1], &[1], &[1]])).expect("three");
        assert_eq!((same.alone, same.chance_of_new), (0, 0.0));
        assert!(same.at_most > 0.4, "three executions do not say much");
    }

    #[test]
    fn a_sample_leaves_out_what_was_known_before_it() {
        let mut all = seen(&[&[1], &[2]]);
        all.begin_sample();
        assert_eq!(Saturation::of(&all), None);
        all.merge(&seen(&[&[1], &[3], &[3], &[2, 4]]));
        let sample = Saturation::of(&all).expect("four");
        assert_eq!((sample.executions, sample.alone), (4, 1), "only 4 is new and alone");
        assert_eq!(sample.new_in_last_tenth, 1);
        let tally = |all: &Seen| all.pairs.values().map(|Tally { times, .. }| times).sum::<u32>();
        assert_eq!(tally(&all), 7);
    }

    #[test]
    fn the_bound_tightens() {
        assert!(bound(0.0, 1.0) > 0.7 && bound(0.0, 100.0) < 0.03 && bound(0.0, 10_000.0) < 0.0003);
        assert!(bound(4.0, 5.0) < 1.0 && bound(5.0, 5.0) <= 1.0);
    }
}
