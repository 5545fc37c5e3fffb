//! Who gets the next slice of time: a small bandit over what a campaign can do.
//!
//! Each share has a weight and a record of the time it was given; the one that is furthest behind
//! goes next. `protocol` keeps at least four fifths of all time, and of that its random cases keep a
//! quarter, more while they yield more than the engine. A share that yields nothing new loses weight,
//! which hands its time to the others; a new finding restores it. Until the targets are built there is
//! time for random cases only, and what they get of it does not count afterwards.

use std::time::Duration;

/// Part of all time that targets other than `protocol` may use, together.
const OTHERS: f64 = 0.2;
/// Weight below which no slice without yield takes a share.
const FLOOR: f64 = 0.1;
/// What random cases are worth beside the engine, where both yield the same.
const RANDOM: f64 = 1.0 / 3.0;
/// Bounds of the part that random cases have of `protocol`'s time.
const BOUNDS: (f64, f64) = (0.25, 0.75);
/// Length of a target's first slice.
const FIRST: Duration = Duration::from_secs(1);
/// Length of the slices after the first.
const NEXT: Duration = Duration::from_secs(4);
/// Length of a first slice of random cases, which need no time to start; each further one is twice as
/// long.
const FIRST_RANDOM: Duration = Duration::from_millis(100);

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

/// What a share's time is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Random cases of `protocol`.
    Random,
    /// The target `protocol` under the engine.
    Guided,
    /// Another target.
    Other,
}

#[derive(Clone, Debug)]
struct Share {
    group: Group,
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
    open: bool,
}

impl Shares {
    /// For shares of these groups, and for that much core time. There are no targets yet.
    pub fn new(groups: impl IntoIterator<Item = Group>, total: Duration) -> Shares {
        let share =
            |group| Share { group, weight: 1.0, given: Duration::ZERO, slices: 0, retired: false };
        Shares { shares: groups.into_iter().map(share).collect(), total, open: false }
    }

    /// The targets are there.
    pub fn open(&mut self) {
        self.open = true;
        self.shares.iter_mut().for_each(|share| share.given = Duration::ZERO);
    }

    /// What goes next, and for how long; `None` when `left` is too short or nothing is left.
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

    /// What a slice of a share brought, and the part of it that was not used.
    pub fn done(&mut self, share: usize, brought: Yield, unused: Duration) {
        let share = &mut self.shares[share];
        share.given = share.given.saturating_sub(unused);
        share.weight = match brought {
            Yield::Finding => 1.0,
            Yield::Coverage => (share.weight * 0.8).max(FLOOR),
            Yield::Nothing => (share.weight * 0.5).max(FLOOR),
        };
    }

    /// The share gets no further slice.
    pub fn retire(&mut self, share: usize) {
        self.shares[share].retired = true;
    }

    /// Number of slices a share was given so far.
    pub fn slices(&self, share: usize) -> u32 {
        self.shares[share].slices
    }

    /// Shares of a group that can have time now.
    fn live(&self, group: Group) -> impl Iterator<Item = &Share> {
        let is_live = move |share: &&Share| {
            share.group == group && !share.retired && (self.open || group == Group::Random)
        };
        self.shares.iter().filter(is_live)
    }

    fn has(&self, group: Group) -> bool {
        self.live(group).next().is_some()
    }

    fn has_protocol(&self) -> bool {
        self.has(Group::Random) || self.has(Group::Guided)
    }

    /// How long the next slice may be; `None` where there may be none.
    fn length(&self, share: usize) -> Option<Duration> {
        let share = &self.shares[share];
        if share.retired || !(self.open || share.group == Group::Random) {
            return None;
        }
        let length = match (share.group, share.slices) {
            (Group::Random, n) => (FIRST_RANDOM * (1 << n.min(10))).min(NEXT),
            (_, 0) => FIRST,
            _ => NEXT,
        };
        if share.group != Group::Other || !self.has_protocol() {
            return Some(length);
        }
        let others: Duration = self.group(Group::Other).map(|s| s.given).sum();
        let length = self.total.mul_f64(OTHERS).checked_sub(others)?.min(length);
        (length >= Duration::from_millis(200)).then_some(length)
    }

    fn group(&self, group: Group) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(move |share| share.group == group)
    }

    /// Time given in units of the share's part: the smallest is furthest behind.
    fn behind(&self, share: usize) -> f64 {
        let share = &self.shares[share];
        let weights: f64 = self.live(share.group).map(|s| s.weight).sum();
        share.given.as_secs_f64() / (self.part(share.group) * share.weight / weights)
    }

    /// The part of all time that a group should have.
    fn part(&self, group: Group) -> f64 {
        match (group, self.has_protocol()) {
            (Group::Other, false) => 1.0,
            (Group::Other, true) => OTHERS,
            (Group::Random, _) => (1.0 - OTHERS) * self.random(),
            (Group::Guided, _) => (1.0 - OTHERS) * (1.0 - self.random()),
        }
    }

    /// The part of `protocol`'s time that random cases should have.
    fn random(&self) -> f64 {
        let mean = |group| {
            let weights = self.live(group).map(|share| share.weight);
            weights.sum::<f64>() / self.live(group).count() as f64
        };
        match (self.has(Group::Random), self.has(Group::Guided)) {
            (_, false) => 1.0,
            (false, true) => 0.0,
            (true, true) => {
                let random = RANDOM * mean(Group::Random);
                (random / (random + mean(Group::Guided))).clamp(BOUNDS.0, BOUNDS.1)
            }
        }
    }
}

/// A time in whole seconds that is enough for each share to have a turn.
pub fn enough(groups: &[Group], jobs: usize) -> Duration {
    let mut times = (1..).map(Duration::from_secs);
    let least = times.find(|time| all_have_turns(groups, jobs, *time));
    // The ends of slices take some time as well.
    least.expect("more time is more turns") + Duration::from_secs(1)
}

fn all_have_turns(groups: &[Group], jobs: usize, time: Duration) -> bool {
    let mut shares = Shares::new(groups.iter().copied(), time * jobs as u32);
    shares.open();
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
    use Group::*;

    fn spent<const N: usize>(groups: [Group; N], yields: impl Fn(usize) -> Yield) -> [f64; N] {
        let total = Duration::from_secs(600);
        let mut shares = Shares::new(groups, total);
        shares.open();
        let mut left = total;
        while let Some((share, length)) = shares.next(left) {
            left -= length;
            shares.done(share, yields(share), Duration::ZERO);
        }
        std::array::from_fn(|i| shares.shares[i].given.as_secs_f64() / total.as_secs_f64())
    }

    #[test]
    fn protocol_keeps_four_fifths() {
        let spent = spent([Guided, Guided, Other, Other], |_| Yield::Coverage);
        assert!(spent[0] + spent[1] >= 0.8, "{spent:?}");
        assert!(spent[2] > 0.05 && spent[3] > 0.05, "{spent:?}");
    }

    #[test]
    fn a_share_without_yield_hands_its_time_on() {
        let yields = |share| if share == 0 { Yield::Finding } else { Yield::Nothing };
        let spent = spent([Guided, Guided, Other, Other], yields);
        assert!(spent[0] > 3.0 * spent[1] && spent[1] > 0.03, "{spent:?}");
    }

    #[test]
    fn in_that_time_each_share_has_a_turn_and_in_much_less_not() {
        let arms = [Guided, Guided, Guided, Guided, Other, Other];
        for jobs in 1..5 {
            let enough = enough(&arms, jobs);
            assert!(all_have_turns(&arms, jobs, enough), "{jobs} jobs: {enough:?}");
            assert!(!all_have_turns(&arms, jobs, enough / 4), "{jobs} jobs: {enough:?}");
        }
        assert_eq!(enough(&[Other], 1), Duration::from_secs(2));
        assert_eq!(enough(&[], 1), Duration::from_secs(2), "none misses one");
    }

    #[test]
    fn random_cases_keep_a_quarter_and_get_more_where_they_yield_more() {
        let groups = [Random, Random, Guided, Guided];
        let idle = spent(groups, |share| if share < 2 { Yield::Nothing } else { Yield::Finding });
        assert!((0.22..0.3).contains(&(idle[0] + idle[1])), "{idle:?}");
        let busy = spent(groups, |share| if share < 2 { Yield::Finding } else { Yield::Nothing });
        assert!((0.65..0.8).contains(&(busy[0] + busy[1])), "{busy:?}");
    }

    #[test]
    fn random_cases_begin_before_the_targets_are_there() {
        let left = Duration::from_secs(10);
        let mut shares = Shares::new([Random, Random, Guided, Other], left);
        let began: Vec<_> = (0..4).filter_map(|_| shares.next(left)).collect();
        assert_eq!(began.iter().map(|next| next.0).collect::<Vec<_>>(), [0, 1, 0, 1]);
        let first: Duration = began[..2].iter().map(|next| next.1).sum();
        assert!(first < Duration::from_secs(1), "every arm has its turn in a second");
        shares.open();
        let next: Vec<_> = (0..4).filter_map(|_| shares.next(left)).map(|next| next.0).collect();
        assert!(next.contains(&2) && next.contains(&3), "{next:?}");
    }

    #[test]
    fn a_retired_share_gets_nothing() {
        let mut shares = Shares::new([Guided, Other], Duration::from_secs(10));
        shares.open();
        shares.retire(0);
        assert_eq!(shares.next(Duration::from_secs(10)).map(|next| next.0), Some(1));
    }
}
