//! Dependencies between lock classes.

use std::fmt;

use super::layout::layout;
use crate::kvm::trace::Event;
use crate::lockdep::dependency_name;
use crate::machine::sim::Inspect;

/// One class was taken while another was held: an edge of lockdep's graph, of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    from: u16,
    to: u16,
    kind: u8,
}

impl Edge {
    /// Those of a run.
    pub(super) fn of(seen: &Inspect<'_, Event>) -> impl Iterator<Item = Edge> {
        let key = |class: crate::lockdep::ClassId| seen.lockdep.classes()[class.index()].key();
        seen.lockdep.edges().iter().flat_map(move |edge| {
            let (from, to) = (key(edge.from()).index() as u16, key(edge.to()).index() as u16);
            let kinds = edge.kinds();
            let of = move |bit: u32| Edge { from, to, kind: kinds & (1 << bit) };
            (0..u8::BITS).map(of).filter(|edge| edge.kind != 0)
        })
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (layout().key(self.from), layout().key(self.to));
        write!(f, "{from} {} {to}", dependency_name(self.kind))
    }
}
