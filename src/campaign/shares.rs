//! Who gets the next slice of time: a small bandit over the arms of a campaign.
//!
//! Each arm has a weight and a record of the time it was given; the arm that is furthest behind
//! its share goes next. `protocol` keeps at least four fifths of all time. An arm that yields
//! nothing new loses weight, which hands its share to the others; a new finding restores it.

use std::time::Duration;

/// Part of all time that targets other than `protocol` may use, together.
const OTHERS: f64 = 0.2;
/// Weight of an arm below which no slice without yield takes it.
const FLOOR: f64 = 0.1;
/// Length of an arm's first slice.
const FIRST: Duration = Duration::from_secs(1);
/// Length of the slices after the first.
const NEXT: Duration = Duration::from_secs(4);

/// What a slice brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yield {
    /// A signature that was not known before.
    Finding,
    /// Inputs with new coverage only.
    Coverage,
    /// Nothing.
    Nothing,
}

#[derive(Clone, Debug)]
struct Share {
    main: bool,
    weight: f64,
    given: Duration,
    slices: u32,
    retired: bool,
}

/// The state of the bandit.
#[derive(Clone, Debug)]
pub struct Shares {
    shares: Vec<Share>,
    total: Duration,
}

impl Shares {
    /// For arms of which those marked `true` are `protocol`'s, and for that much core time.
    pub fn new(main: impl IntoIterator<Item = bool>, total: Duration) -> Shares {
        let share =
            |main| Share { main, weight: 1.0, given: Duration::ZERO, slices: 0, retired: false };
        Shares { shares: main.into_iter().map(share).collect(), total }
    }

    /// The arm that goes next, and for how long; `None` when `left` is too short or no arm is
    /// left.
    pub fn next(&mut self, left: Duration) -> Option<(usize, Duration)> {
        if left < Duration::from_millis(50) {
            return None;
        }
        let (i, length) = (0..self.shares.len())
            .filter_map(|i| Some((i, self.length(i)?.min(left))))
            .min_by(|a, b| self.behind(a.0).total_cmp(&self.behind(b.0)))?;
        self.shares[i].given += length;
        self.shares[i].slices += 1;
        Some((i, length))
    }

    /// What a slice of an arm brought, and the part of it that was not used.
    pub fn done(&mut self, arm: usize, brought: Yield, unused: Duration) {
        let share = &mut self.shares[arm];
        share.given = share.given.saturating_sub(unused);
        share.weight = match brought {
            Yield::Finding => 1.0,
            Yield::Coverage => (share.weight * 0.8).max(FLOOR),
            Yield::Nothing => (share.weight * 0.5).max(FLOOR),
        };
    }

    /// The arm gets no further slice.
    pub fn retire(&mut self, arm: usize) {
        self.shares[arm].retired = true;
    }

    /// Number of slices an arm was given so far.
    pub fn slices(&self, arm: usize) -> u32 {
        self.shares[arm].slices
    }

    fn mains(&self) -> bool {
        self.shares.iter().any(|share| share.main && !share.retired)
    }

    /// How long the arm's next slice may be; `None` where it may have none.
    fn length(&self, arm: usize) -> Option<Duration> {
        let share = &self.shares[arm];
        let length = if share.slices == 0 { FIRST } else { NEXT };
        if share.retired {
            return None;
        }
        if share.main || !self.mains() {
            return Some(length);
        }
        let others: Duration = self.shares.iter().filter(|s| !s.main).map(|s| s.given).sum();
        let length = self.total.mul_f64(OTHERS).checked_sub(others)?.min(length);
        (length >= Duration::from_millis(200)).then_some(length)
    }

    /// Time given in units of the arm's share: the smallest is furthest behind.
    fn behind(&self, arm: usize) -> f64 {
        let share = &self.shares[arm];
        let group = |main: bool| self.shares.iter().filter(move |s| s.main == main && !s.retired);
        let part = match (share.main, self.mains()) {
            (true, _) => 1.0 - OTHERS,
            (false, true) => OTHERS,
            (false, false) => 1.0,
        };
        let weights: f64 = group(share.main).map(|s| s.weight).sum();
        share.given.as_secs_f64() / (part * share.weight / weights)
    }
}

/// A time in whole seconds that is enough for each arm to have a turn. `main` says which arms are
/// `protocol`'s.
pub fn enough(main: &[bool], jobs: usize) -> Duration {
    let mut times = (1..).map(Duration::from_secs);
    let least = times.find(|time| all_have_turns(main, jobs, *time));
    // The ends of slices take some time as well.
    least.expect("more time is more turns") + Duration::from_secs(1)
}

fn all_have_turns(main: &[bool], jobs: usize, time: Duration) -> bool {
    let mut shares = Shares::new(main.iter().copied(), time * jobs as u32);
    let mut workers = vec![Duration::ZERO; jobs.max(1)];
    loop {
        let clock = workers.iter_mut().min().expect("there is a worker");
        let Some((arm, length)) = shares.next(time.saturating_sub(*clock)) else { break };
        *clock += length;
        shares.done(arm, Yield::Coverage, Duration::ZERO);
    }
    shares.shares.iter().all(|share| share.slices > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(yields: impl Fn(usize) -> Yield) -> [f64; 4] {
        let total = Duration::from_secs(600);
        let mut shares = Shares::new([true, true, false, false], total);
        let mut left = total;
        while let Some((arm, length)) = shares.next(left) {
            left -= length;
            shares.done(arm, yields(arm), Duration::ZERO);
        }
        [0, 1, 2, 3].map(|arm| shares.shares[arm].given.as_secs_f64() / total.as_secs_f64())
    }

    #[test]
    fn protocol_keeps_four_fifths() {
        let spent = spent(|_| Yield::Coverage);
        assert!(spent[0] + spent[1] >= 0.8, "{spent:?}");
        assert!(spent[2] > 0.05 && spent[3] > 0.05, "{spent:?}");
    }

    #[test]
    fn an_arm_without_yield_hands_its_share_on() {
        let spent = spent(|arm| if arm == 0 { Yield::Finding } else { Yield::Nothing });
        assert!(spent[0] > 3.0 * spent[1] && spent[1] > 0.03, "{spent:?}");
    }

    #[test]
    fn in_that_time_each_arm_has_a_turn_and_in_much_less_not() {
        let arms = [true, true, true, true, false, false];
        for jobs in 1..5 {
            let enough = enough(&arms, jobs);
            assert!(all_have_turns(&arms, jobs, enough), "{jobs} jobs: {enough:?}");
            assert!(!all_have_turns(&arms, jobs, enough / 4), "{jobs} jobs: {enough:?}");
        }
        assert_eq!(enough(&[false], 1), Duration::from_secs(2));
        assert_eq!(enough(&[], 1), Duration::from_secs(2), "none misses one");
    }

    #[test]
    fn a_retired_arm_gets_nothing() {
        let mut shares = Shares::new([true, false], Duration::from_secs(10));
        shares.retire(0);
        assert_eq!(shares.next(Duration::from_secs(10)).map(|next| next.0), Some(1));
    }
}
