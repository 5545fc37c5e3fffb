//! The kernel's graph search (`__bfs()`), with its blind spot.
//!
//! Breadth first over classes, each at most once. A class is marked visited *before* the test
//! whether the step into it is strong, so a strong way into it that comes later is never tried;
//! `complete` searches without that.

use super::super::types::{ClassId, Site};
use super::super::usage::WRITE;
use super::class::Class;
use super::graph::{Direction, ER, Graph, NO_EDGE, SN, SR};
use super::report::PathStep;

/// What a search is looking for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// A held class; a shared hold only over a path that is not "only recursive"
    /// (`hlock_conflict()`).
    Held { class: ClassId, exclusive: bool },
    /// A class with one of these usage bits (`usage_match()`).
    Usage(u16),
    /// Nothing: collects usage (`usage_accumulate()`).
    Collect,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    generation: u32,
    /// The edge over which the class was reached.
    via: u16,
    /// Only recursive (backwards: only shared) arrivals lead here.
    weak: bool,
}

/// Scratch of the searches.
#[derive(Debug, Default)]
pub(crate) struct Search {
    marks: Vec<Mark>,
    queue: Vec<ClassId>,
    generation: u32,
    /// Usage found by [`Goal::Collect`].
    pub(crate) collected: u16,
}

/// Kinds as the search sees them; against the edges the two bits of a kind swap roles.
#[inline]
fn seen_kinds(kinds: u8, direction: Direction) -> u8 {
    match direction {
        Direction::Forward => kinds,
        Direction::Backward => {
            kinds & (SR | super::graph::EN) | (kinds & ER) << 1 | (kinds & SN) >> 1
        }
    }
}

impl Search {
    /// Searches from `start`, whose own arrival is weak or not, and returns the class found.
    ///
    /// `skip_cpu_local` leaves out what irq searches leave out.
    pub(crate) fn run(
        &mut self,
        graph: &Graph,
        classes: &[Class],
        direction: Direction,
        start: (ClassId, bool),
        goal: Goal,
        skip_cpu_local: bool,
    ) -> Option<ClassId> {
        self.begin(classes.len());
        let mut head = 0;
        self.mark(start.0, NO_EDGE, start.1);
        if self.visit(classes, start.0, goal, skip_cpu_local) {
            return Some(start.0);
        }
        while let Some(&parent) = self.queue.get(head) {
            head += 1;
            let parent_weak = self.marks[parent.index()].weak;
            let mut at = graph.first(parent, direction);
            while at != NO_EDGE {
                let edge = graph.edge(at);
                let class = if direction == Direction::Forward { edge.to } else { edge.from };
                if self.marks[class.index()].generation != self.generation {
                    let kinds = seen_kinds(edge.kinds, direction);
                    let kinds = if parent_weak { kinds & !(SR | SN) } else { kinds };
                    self.mark(class, at, kinds & (SN | super::graph::EN) == 0);
                    if kinds != 0 && self.visit(classes, class, goal, skip_cpu_local) {
                        return Some(class);
                    }
                }
                at = graph.next(at, direction);
            }
        }
        None
    }

    fn begin(&mut self, classes: usize) {
        self.queue.clear();
        self.collected = 0;
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.marks.clear();
            self.generation = 1;
        }
        if self.marks.len() < classes {
            self.marks.resize(classes, Mark { generation: 0, via: NO_EDGE, weak: false });
        }
    }

    #[inline]
    fn mark(&mut self, class: ClassId, via: u16, weak: bool) {
        self.marks[class.index()] = Mark { generation: self.generation, via, weak };
    }

    /// Tests the goal at a class just marked, and queues it unless that ends the search.
    #[inline]
    fn visit(&mut self, classes: &[Class], class: ClassId, goal: Goal, skip: bool) -> bool {
        let c = &classes[class.index()];
        if skip && c.skipped() {
            return false;
        }
        let weak = self.marks[class.index()].weak;
        let usage = if weak { c.usage & WRITE } else { c.usage };
        let found = match goal {
            Goal::Held { class: held, exclusive } => class == held && (exclusive || !weak),
            Goal::Usage(mask) => usage & mask != 0,
            Goal::Collect => {
                self.collected |= usage;
                false
            }
        };
        if !found {
            self.queue.push(class);
        }
        found
    }

    /// The way of the last search from the class it found back to its start.
    pub(crate) fn path(
        &self,
        graph: &Graph,
        classes: &[Class],
        direction: Direction,
        found: ClassId,
        out: &mut Vec<PathStep>,
    ) {
        let mut class = found;
        loop {
            let via = self.marks[class.index()].via;
            let edge = (via != NO_EDGE).then(|| graph.edge(via));
            out.push(PathStep {
                class,
                usage: classes[class.index()].usage,
                kinds: edge.map_or(0, |e| e.kinds),
                site: edge.map_or(Site::NEVER, |e| e.site),
            });
            class = match (edge, direction) {
                (None, _) => return,
                (Some(edge), Direction::Forward) => edge.from,
                (Some(edge), Direction::Backward) => edge.to,
            };
        }
    }
}
