//! The engine and the reference side by side.

use kvm_lock_fuzz::lockdep::script::{self, Script};
use kvm_lock_fuzz::lockdep::{Config, Form, Mode};

use super::Reference;

impl Reference<'_> {
    /// The state in the form of the vectors.
    fn state(&self) -> State {
        let name = |class: usize| self.name(class);
        let classes = 0..self.classes.len();
        State {
            classes: classes.clone().map(|c| (name(c), self.classes[c].usage)).collect(),
            edges: classes
                .flat_map(|c| {
                    self.classes[c].after.iter().map(move |e| (name(c), name(e.class), e.kinds))
                })
                .collect(),
            chains: self.chain_counts,
        }
    }
}

/// Classes with usage, edges with kinds, chain counts.
#[derive(Debug, PartialEq)]
struct State {
    classes: Vec<(String, u16)>,
    edges: Vec<(String, String, u8)>,
    chains: [u32; 3],
}

/// Decodes a script, runs the engine and the reference, and panics where they differ.
pub fn check_bytes(data: &[u8]) {
    let (script, raw_lock_nesting) = script::decode(data);
    compare(&script, raw_lock_nesting);
}

/// Runs the engine and the reference and panics where they differ. Returns the kind.
pub fn compare(script: &Script, raw_lock_nesting: bool) -> &'static str {
    let outcome = script::run(script, Config { mode: Mode::Kernel, raw_lock_nesting });
    let reference = Reference::run(script, raw_lock_nesting);
    let lockdep = &outcome.lockdep;
    let engine = outcome.first().map(|(report, at)| (report.kind.name(), at));
    let wanted = reference.verdict.as_ref().map(|verdict| (verdict.kind, verdict.at));
    assert_eq!(engine, wanted, "verdict of {script:?}");
    if let (Some((report, _)), Some(verdict)) = (outcome.first(), &reference.verdict) {
        assert_eq!(lockdep.report_names(report), verdict.chain, "chain of {script:?}");
        let text = outcome.text(script, report, Form::V6_1);
        assert_eq!(text, verdict.report, "text of {script:?}");
    }
    let ids: Vec<_> = lockdep.class_ids().collect();
    let name = |id| lockdep.class_name(id);
    let state = State {
        classes: ids.iter().map(|id| (name(*id), lockdep.classes()[id.index()].usage())).collect(),
        edges: ids
            .iter()
            .flat_map(|id| lockdep.edges_from(*id))
            .map(|e| (name(e.from()), name(e.to()), e.kinds()))
            .collect(),
        chains: lockdep.chain_counts(),
    };
    assert_eq!(state, reference.state(), "state of {script:?}");
    wanted.map_or("none", |(kind, _)| kind)
}
