//! What a search has shown, and whether two searches have shown the same.

use std::collections::{BTreeMap, BTreeSet};

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::explore::{Config, Explored, Progress, explore};
use kvm_lock_fuzz::machine::sim::Fingerprint;
use kvm_lock_fuzz::oracle::{Evidence, Finding, Kind, Severity, Signature};
use kvm_lock_fuzz::run::Options;

/// What stands for a finding.
pub type Shown = (Signature, Severity);

/// Findings and final states.
#[derive(Clone, Debug)]
pub struct Result {
    pub findings: BTreeMap<Shown, Finding>,
    pub ends: BTreeSet<Fingerprint>,
    pub explored: Explored,
    /// Preemptions that schedules were allowed.
    bound: Option<u8>,
}

/// Searches the case, up to so many steps.
pub fn search(case: &Case, options: &Options, config: Config, steps: u64) -> Result {
    let few = |progress: &dyn Fn() -> Progress| progress().counts.steps < steps;
    let explored = explore(case, options, config, few).expect("few tasks");
    let findings = explored.findings.iter().map(|found| found.finding);
    Result {
        findings: findings.map(|f| ((f.signature, f.severity), f)).collect(),
        ends: explored.ends.clone(),
        explored,
        bound: config.max_preemptions,
    }
}

impl Result {
    pub fn exhausted(&self) -> bool {
        let within = self.bound.is_some() && self.explored.preemptions == self.bound;
        self.explored.exhausted() || within
    }

    /// What one of the two has and the other has not, if anything. Where `other` is not exhausted it
    /// only must not have what `self` lacks; cycles of dependencies may be shorter in the union of
    /// more of them, so these count only between the two that are.
    pub fn differs(&self, other: &Result) -> Option<String> {
        let lacks = other.findings.iter().filter(|(shown, finding)| {
            !self.findings.contains_key(shown)
                && (other.exhausted() || finding.kind != Kind::LockOrder)
        });
        let lacks: Vec<String> = lacks.map(|(_, finding)| name(finding)).collect();
        let more = self.findings.iter().filter(|(shown, _)| !other.findings.contains_key(shown));
        let mut more: Vec<String> = more.map(|(_, finding)| name(finding)).collect();
        let fewer_ends = other.ends.difference(&self.ends).count();
        let mut more_ends = self.ends.difference(&other.ends).count();
        if !other.exhausted() {
            more.clear();
            more_ends = 0;
        }
        let equal = lacks.is_empty() && more.is_empty() && fewer_ends + more_ends == 0;
        (!equal).then(|| {
            format!("lacks {lacks:?}, has {more:?}, lacks {fewer_ends} ends, has {more_ends} ends")
        })
    }
}

/// A finding in a few words.
pub fn name(finding: &Finding) -> String {
    let what = match finding.evidence {
        Evidence::Invariant(what) | Evidence::At(what, _) | Evidence::Bypassed(what, _) => what,
        _ => "",
    };
    format!("{} {what} {:x}", finding.kind.name(), finding.signature.0)
}
