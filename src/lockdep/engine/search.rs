//! The graph search: the kernel's (`__bfs()`), blind spot included, and the exact one.
//!
//! Breadth first. The kernel visits each class at most once, and marks it visited *before* the
//! test whether the step into it is strong, so a strong way that comes later is never tried. The
//! exact rule visits (class, weak arrival) states instead.

use super::super::types::{ClassId, Site};
use super::super::usage::WRITE;
use super::bytes;
use super::class::Class;
use super::graph::{Direction, EN, ER, Edge, Graph, NO_EDGE, SN, SR};
use super::report::PathStep;

/// Which states a search tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Classes, on the edges that the kernel knows.
    Kernel,
    /// Classes with the strength of the arrival, on all edges.
    Exact,
}

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

/// Where a search begins and what it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) direction: Direction,
    pub(crate) start: ClassId,
    /// Only a recursive arrival (backwards: a shared hold) leads to the start.
    pub(crate) weak: bool,
    pub(crate) goal: Goal,
    /// Leave out the classes that irq searches leave out.
    pub(crate) skip_cpu_local: bool,
    pub(crate) rule: Rule,
}

/// A class and the strength of the arrival there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(u32);

impl State {
    #[inline]
    fn new(class: ClassId, weak: bool) -> State {
        State(u32::from(class.0) << 1 | u32::from(weak))
    }

    #[inline]
    fn class(self) -> ClassId {
        ClassId((self.0 >> 1) as u16)
    }

    #[inline]
    fn weak(self) -> bool {
        self.0 & 1 != 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    generation: u32,
    parent: State,
    via: u16,
}

const UNMARKED: Mark = Mark { generation: 0, parent: State(0), via: NO_EDGE };

/// Scratch of the searches.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// One per state; the kernel's rule uses the strong ones for the whole class.
    marks: Vec<Mark>,
    queue: Vec<State>,
    generation: u32,
    /// States that all searches so far have visited.
    #[cfg(test)]
    pub(crate) visited: u64,
    /// Usage found by [`Goal::Collect`].
    pub(crate) collected: u16,
    found: Option<State>,
}

/// Kinds as the search sees them; against the edges the two bits of a kind swap roles.
#[inline]
fn seen_kinds(kinds: u8, direction: Direction) -> u8 {
    match direction {
        Direction::Forward => kinds,
        Direction::Backward => (kinds & (SR | EN)) | ((kinds & ER) << 1) | ((kinds & SN) >> 1),
    }
}

impl Search {
    /// Runs a search and returns the class found.
    pub(crate) fn run(
        &mut self,
        graph: &Graph,
        classes: &[Class],
        query: &Query,
    ) -> Option<ClassId> {
        self.begin(classes.len());
        let start = State::new(query.start, query.weak);
        let origin = Mark { generation: self.generation, parent: start, via: NO_EDGE };
        let slot = self.slot(start, query.rule);
        self.marks[slot] = origin;
        self.visit(classes, start, query);
        let mut head = 0;
        while self.found.is_none() && head < self.queue.len() {
            self.expand(graph, classes, self.queue[head], query);
            head += 1;
        }
        self.found.map(State::class)
    }

    pub(crate) fn memory(&self) -> usize {
        bytes(&self.marks) + bytes(&self.queue)
    }

    fn expand(&mut self, graph: &Graph, classes: &[Class], parent: State, query: &Query) {
        let mut at = graph.first(parent.class(), query.direction);
        while at != NO_EDGE && self.found.is_none() {
            let edge = graph.edge(at);
            if let Some(state) = self.step(edge, parent, at, query) {
                self.visit(classes, state, query);
            }
            at = graph.next(at, query.direction);
        }
    }

    /// Takes an edge: the new state, unless it was visited or the step is too weak.
    #[inline]
    fn step(&mut self, edge: &Edge, parent: State, via: u16, query: &Query) -> Option<State> {
        let class = if query.direction == Direction::Forward { edge.to } else { edge.from };
        let known = if query.rule == Rule::Kernel { !edge.unseen } else { !0 };
        let kinds = seen_kinds(edge.kinds & known, query.direction);
        let usable = if parent.weak() { kinds & !(SR | SN) } else { kinds };
        let state = State::new(class, usable & (SN | EN) == 0);
        // The kernel marks before it looks at the strength of the step.
        let counts = if query.rule == Rule::Kernel { kinds } else { usable };
        if counts == 0 || self.is_marked(state, query.rule) {
            return None;
        }
        let slot = self.slot(state, query.rule);
        self.marks[slot] = Mark { generation: self.generation, parent, via };
        (usable != 0).then_some(state)
    }

    #[inline]
    fn slot(&self, state: State, rule: Rule) -> usize {
        match rule {
            Rule::Kernel => state.0 as usize & !1,
            Rule::Exact => state.0 as usize,
        }
    }

    /// A strong arrival can do whatever a weak one can.
    #[inline]
    fn is_marked(&self, state: State, rule: Rule) -> bool {
        let marked = |slot: usize| self.marks[slot].generation == self.generation;
        marked(state.0 as usize & !1) || marked(self.slot(state, rule))
    }

    fn begin(&mut self, classes: usize) {
        self.queue.clear();
        self.collected = 0;
        self.found = None;
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.marks.clear();
            self.generation = 1;
        }
        if self.marks.len() < classes * 2 {
            self.marks.resize(classes * 2, UNMARKED);
        }
    }

    /// Tests the goal at a state just marked, and queues it.
    #[inline]
    fn visit(&mut self, classes: &[Class], state: State, query: &Query) {
        let class = &classes[state.class().index()];
        if query.skip_cpu_local && class.skipped() {
            return;
        }
        let usage = if state.weak() { class.usage & WRITE } else { class.usage };
        let found = match query.goal {
            Goal::Held { class, exclusive } => {
                class == state.class() && (exclusive || !state.weak())
            }
            Goal::Usage(mask) => usage & mask != 0,
            Goal::Collect => {
                self.collected |= usage;
                false
            }
        };
        if found {
            self.found = Some(state);
        }
        #[cfg(test)]
        {
            self.visited += 1;
        }
        self.queue.push(state);
    }

    /// The way of the last search from the class it found back to its start.
    pub(crate) fn path(
        &self,
        graph: &Graph,
        classes: &[Class],
        rule: Rule,
        out: &mut Vec<PathStep>,
    ) {
        let mut next = self.found;
        while let Some(state) = next {
            let mark = self.marks[self.slot(state, rule)];
            let edge = (mark.via != NO_EDGE).then(|| graph.edge(mark.via));
            out.push(PathStep {
                class: state.class(),
                usage: classes[state.class().index()].usage,
                kinds: edge.map_or(0, |e| e.kinds),
                site: edge.map_or(Site::NEVER, |e| e.site),
            });
            next = edge.map(|_| mark.parent);
        }
    }
}
