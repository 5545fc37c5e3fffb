//! A schedule for what happened on threads: the simulator looks for one that shows the same.

use crate::case::{Burst, Case, MAX_BURSTS, Schedule, Tail};
use crate::oracle::Signature;
use crate::run::{Options, Runner};

/// Schedules that are tried.
const TRIES: u16 = 2_000;

/// The case with a schedule under which the simulator shows the finding; none where it did not turn
/// up soon.
pub fn reproduce(case: &Case, options: &Options, wanted: u64) -> Option<Case> {
    let mut runner = Runner::new();
    let options = Options { recording: true, ..*options };
    let mut shows = |case: &Case, bursts: Option<&mut Vec<Burst>>| {
        let findings = &runner.run(case, &options).findings;
        let shown = findings.iter().any(|finding| finding.signature == Signature(wanted));
        bursts.into_iter().for_each(|bursts| runner.executed_bursts(bursts));
        shown
    };
    if shows(case, None) {
        return Some(case.clone());
    }
    let mut bursts = Vec::new();
    let tails = (0..TRIES).map(|seed| match seed % 4 {
        0 => Tail::Random { seed },
        depth => Tail::Pct { seed, depth: depth as u8 + 1 },
    });
    for tail in tails {
        let with = |bursts, tail| Case { schedule: Schedule { bursts, tail }, ..case.clone() };
        let found = with(Vec::new(), tail);
        if shows(&found, Some(&mut bursts)) {
            // Bursts can be read and shortened; a seed cannot.
            bursts.truncate(MAX_BURSTS);
            let told = with(bursts.clone(), Tail::Fair);
            return Some(if shows(&told, None) { told } else { found });
        }
    }
    None
}
