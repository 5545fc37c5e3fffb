//! What executions covered, in the model's own terms: operations, places, steps, lock-order edges, and
//! alias pairs, which say that a step of one task met a step of another on one object.
//!
//! A step is a call that a kernel function makes of the machine, on a lock class, a word or the like
//! ([`Step`]). Two steps are an alias pair where they come one after the other on one object, belong to
//! two tasks, and one of them changes the object (Xu et al., Krace, IEEE S&P 2020). Its tasks are named
//! by the operations that they are in.
//!
//! Cases are run again to be observed, on a machine of the observer's own ([`Watcher`]): fuzzing pays
//! nothing for it. A bug in here would be a step that ran and is not said to, or sets that depend on the
//! order in which they were merged.

mod edge;
mod estimate;
mod layout;
mod registry;
mod step;
mod summary;
mod watch;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::kvm::Place;

pub use edge::Edge;
pub use estimate::Saturation;
pub use registry::registered;
pub use step::{Actor, Pair, Step};
pub use summary::{Part, Summary};
pub use watch::Watcher;

/// What executions of one variant covered.
///
/// ```
/// use kvm_lock_fuzz::case::Case;
/// use kvm_lock_fuzz::seen::{Seen, Watcher};
/// let case: Case = "vm v slot 0 gfn 0..8 hva 0x100 task a fault gfn 0 task b munmap 0x100 end"
///     .parse()
///     .unwrap();
/// let (mut watcher, mut seen) = (Watcher::new(), Seen::default());
/// seen.observe(&mut watcher, &case);
/// let summary = seen.summary(case.variant);
/// assert_eq!(summary.operations.seen, ["fault", "munmap"]);
/// assert!(summary.steps.unseen.contains(&"schedule mn_memslots_update_rcuwait in install_new_memslots".to_string()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Executions observed.
    executions: u32,
    /// The first execution of those that the estimate is made from.
    sample: u32,
    operations: FxHashSet<Actor>,
    places: FxHashSet<Place>,
    steps: FxHashSet<Step>,
    edges: FxHashSet<Edge>,
    pairs: FxHashMap<Pair, Tally>,
}

/// How often a pair was seen.
#[derive(Clone, Copy, Debug)]
struct Tally {
    /// In so many executions.
    times: u32,
    /// First in the execution of that number.
    first: u32,
}

impl Seen {
    /// Executions observed.
    pub fn executions(&self) -> u32 {
        self.executions
    }

    /// Alias pairs covered.
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// The executions from now on are drawn at random and independently of each other: the estimate is
    /// made from them. Without this call it is made from all.
    pub fn begin_sample(&mut self) {
        self.sample = self.executions;
    }

    /// Adds what `other` covered, as if its executions had come after these. The sample stays that of
    /// `self`, with the executions of `other` in it.
    pub fn merge(&mut self, other: &Seen) {
        self.operations.extend(&other.operations);
        self.places.extend(&other.places);
        self.steps.extend(&other.steps);
        self.edges.extend(&other.edges);
        for (&pair, tally) in &other.pairs {
            let first = self.executions + tally.first;
            let known = self.pairs.entry(pair).or_insert(Tally { times: 0, first });
            known.times += tally.times;
        }
        self.executions += other.executions;
    }

    /// The same pair counts once for an execution.
    fn add_pairs(&mut self, pairs: impl IntoIterator<Item = Pair>) {
        let first = self.executions;
        for pair in pairs {
            self.pairs.entry(pair).or_insert(Tally { times: 0, first }).times += 1;
        }
        self.executions += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cases: &[&str]) -> Seen {
        let (mut watcher, mut seen) = (Watcher::new(), Seen::default());
        cases.iter().for_each(|text| seen.observe(&mut watcher, &text.parse().expect("a case")));
        seen
    }

    const FAULT: &str = "vm v slot 0 gfn 0..8 hva 0x100 task a fault gfn 0 \
                         task b munmap 0x100 end schedule a until gup";
    const UPDATE: &str = "vm v slot 0 gfn 0..8 hva 0x100 task a memslot delete 0 \
                          task b munmap 0x100 end schedule b until change";

    #[test]
    fn merging_is_observing_one_after_the_other() {
        let together = seen(&[FAULT, UPDATE, FAULT]);
        let mut merged = seen(&[FAULT]);
        merged.merge(&seen(&[UPDATE, FAULT]));
        let variant = Default::default();
        assert_eq!(merged.summary(variant), together.summary(variant));
        let mut back = seen(&[UPDATE, FAULT]);
        back.merge(&seen(&[FAULT]));
        let (a, b) = (merged.summary(variant), back.summary(variant));
        assert_eq!((a.steps, a.pairs, a.edges), (b.steps, b.pairs, b.edges));
    }

    #[test]
    fn a_pair_names_who_met_whom_where() {
        let pairs = seen(&[UPDATE]).summary(Default::default()).pairs;
        let met = "munmap: write mn_active_invalidate_count in kvm_mmu_notifier_invalidate_range_start, \
                   then memslot delete: read mn_active_invalidate_count in install_new_memslots";
        assert!(pairs.contains(&met.to_string()), "{pairs:#?}");
        let alone = "vm v slot 0 gfn 0..8 hva 0x100 task a fault gfn 0 munmap 0x100 end";
        assert_eq!(seen(&[alone]).pairs(), 0, "one task meets no other");
        let readers = "vm v slot 0 gfn 0..8 hva 0x100 task a fault gfn 0x50 task b fault gfn 0x51";
        assert_eq!(seen(&[readers]).pairs(), 0, "readers do not meet");
    }
}
