//! The dependency graph: classes, and edges "taken while that one was held".
//!
//! One pool entry stands for both of the kernel's list entries (the one in the after list of the
//! first class and its mirror image in the before list of the second). Lists keep insertion order,
//! which decides between equally short paths.

use super::super::types::{ClassId, Read, Site};
use super::bytes;

/// Most edges; the kernel counts list entries, two for each.
pub const MAX_EDGES: usize = 16_384;
/// "No edge" in the lists.
pub(crate) const NO_EDGE: u16 = u16::MAX;

/// Shared hold, then recursive read.
pub const SR: u8 = 1;
/// Exclusive hold, then recursive read.
pub const ER: u8 = 2;
/// Shared hold, then anything else.
pub const SN: u8 = 4;
/// Exclusive hold, then anything else.
pub const EN: u8 = 8;

/// The kind of dependency that a hold in mode `held` and an acquisition in mode `new` make
/// (`calc_dep()`).
#[inline]
pub fn dependency_kind(held: Read, new: Read) -> u8 {
    match (held.is_shared(), new == Read::Recursive) {
        (true, true) => SR,
        (false, true) => ER,
        (true, false) => SN,
        (false, false) => EN,
    }
}

/// A dependency between two classes.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    pub(crate) from: ClassId,
    pub(crate) to: ClassId,
    pub(crate) kinds: u8,
    /// Kinds that only complete mode knows, see [`Silence`](super::report::Silence).
    pub(crate) unseen: u8,
    pub(crate) site: Site,
    next: [u16; 2],
}

impl Edge {
    /// The class that was held.
    pub fn from(&self) -> ClassId {
        self.from
    }

    /// The class that was acquired.
    pub fn to(&self) -> ClassId {
        self.to
    }

    /// Bit set of [`SR`], [`ER`], [`SN`], [`EN`].
    pub fn kinds(&self) -> u8 {
        self.kinds
    }

    /// Stack trace token of the acquisition that made it first.
    pub fn site(&self) -> Site {
        self.site
    }

    /// Every arrival over it is a recursive reader's.
    #[inline]
    fn is_weak(&self) -> bool {
        self.kinds & (SN | EN) == 0
    }
}

/// Which way a search walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Along the edges: what is taken later.
    Forward = 0,
    /// Against them: what is held before.
    Backward = 1,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u16,
    last: u16,
}

const EMPTY_LIST: List = List { first: NO_EDGE, last: NO_EDGE };

/// Classes and edges.
#[derive(Debug)]
pub(crate) struct Graph {
    edges: Vec<Edge>,
    lists: Vec<[List; 2]>,
    index: EdgeIndex,
    /// Edges between two classes over which every arrival is a recursive reader's.
    weak: usize,
    /// Edges between two classes with kinds that only complete mode knows.
    unseen: usize,
}

impl Graph {
    pub(crate) fn new() -> Self {
        let index = EdgeIndex::new();
        Graph { edges: Vec::new(), lists: Vec::new(), index, weak: 0, unseen: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.edges.clear();
        self.lists.clear();
        self.index.clear();
        (self.weak, self.unseen) = (0, 0);
    }

    pub(crate) fn memory(&self) -> usize {
        bytes(&self.edges) + bytes(&self.lists) + bytes(&self.index.slots)
    }

    pub(crate) fn add_class(&mut self) {
        self.lists.push([EMPTY_LIST; 2]);
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        &self.edges
    }

    #[inline]
    pub(crate) fn edge(&self, id: u16) -> &Edge {
        &self.edges[usize::from(id)]
    }

    /// Adds kinds to an edge. Of all its kinds, `unseen` are those that only complete mode knows.
    #[inline]
    pub(crate) fn set_kinds(&mut self, id: u16, more: u8, unseen: u8) {
        let edge = &mut self.edges[usize::from(id)];
        let before = (edge.is_weak(), edge.unseen != 0);
        edge.kinds |= more;
        edge.unseen = unseen;
        let after = (edge.is_weak(), edge.unseen != 0);
        if edge.from != edge.to {
            self.weak = self.weak + usize::from(after.0) - usize::from(before.0);
            self.unseen = self.unseen + usize::from(after.1) - usize::from(before.1);
        }
    }

    /// Whether every way is strong that a plain acquisition begins, because no arrival on it is a
    /// recursive reader's. A search then only asks whether there is a way.
    pub(crate) fn is_strong(&self) -> bool {
        self.weak == 0 && self.edges.len() < MAX_EDGES
    }

    /// Whether the kernel knows every kind of every edge.
    pub(crate) fn is_seen(&self) -> bool {
        self.unseen == 0
    }

    pub(crate) fn find(&self, from: ClassId, to: ClassId) -> Option<u16> {
        self.index.get(&self.edges, from, to)
    }

    /// First edge of a class's list.
    #[inline]
    pub(crate) fn first(&self, class: ClassId, direction: Direction) -> u16 {
        self.lists[class.index()][direction as usize].first
    }

    /// The edges of one list with their positions in the pool, in insertion order.
    pub(crate) fn list(
        &self,
        class: ClassId,
        direction: Direction,
    ) -> impl Iterator<Item = (u16, &Edge)> {
        let mut at = self.lists.get(class.index()).map_or(NO_EDGE, |l| l[direction as usize].first);
        std::iter::from_fn(move || {
            let edge = self.edges.get(usize::from(at))?;
            let id = std::mem::replace(&mut at, edge.next[direction as usize]);
            Some((id, edge))
        })
    }

    /// Next edge in the same list.
    #[inline]
    pub(crate) fn next(&self, edge: u16, direction: Direction) -> u16 {
        self.edges[usize::from(edge)].next[direction as usize]
    }

    /// Appends a new edge to both lists; `None` when the pool is full.
    pub(crate) fn add(&mut self, from: ClassId, to: ClassId, kind: u8, site: Site) -> Option<u16> {
        if self.edges.len() >= MAX_EDGES {
            return None;
        }
        let id = self.edges.len() as u16;
        self.edges.push(Edge { from, to, kinds: kind, unseen: 0, site, next: [NO_EDGE; 2] });
        self.weak += usize::from(from != to && self.edge(id).is_weak());
        self.append(from, Direction::Forward, id);
        self.append(to, Direction::Backward, id);
        self.index.insert(&self.edges, id);
        Some(id)
    }

    fn append(&mut self, class: ClassId, direction: Direction, id: u16) {
        let list = &mut self.lists[class.index()][direction as usize];
        let last = std::mem::replace(&mut list.last, id);
        match self.edges.get_mut(usize::from(last)) {
            Some(edge) => edge.next[direction as usize] = id,
            None => list.first = id,
        }
    }
}

/// From (held, new) to the edge: flat, open addressed, emptied by generation.
#[derive(Debug)]
struct EdgeIndex {
    slots: Vec<(u32, u16)>,
    generation: u32,
    len: usize,
}

impl EdgeIndex {
    fn new() -> Self {
        EdgeIndex { slots: vec![(0, 0); 64], generation: 1, len: 0 }
    }

    fn home(&self, from: ClassId, to: ClassId) -> usize {
        let key = u64::from(from.0) << 16 | u64::from(to.0);
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.slots.len() - 1)
    }

    fn get(&self, edges: &[Edge], from: ClassId, to: ClassId) -> Option<u16> {
        let mut at = self.home(from, to);
        loop {
            let (generation, id) = self.slots[at];
            if generation != self.generation {
                return None;
            }
            let edge = &edges[usize::from(id)];
            if edge.from == from && edge.to == to {
                return Some(id);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn insert(&mut self, edges: &[Edge], id: u16) {
        if self.len * 2 >= self.slots.len() {
            self.slots = vec![(0, 0); self.slots.len() * 2];
            for old in 0..self.len {
                self.place(edges, old as u16);
            }
        }
        self.place(edges, id);
        self.len += 1;
    }

    fn place(&mut self, edges: &[Edge], id: u16) {
        let edge = &edges[usize::from(id)];
        let mut at = self.home(edge.from, edge.to);
        while self.slots[at].0 == self.generation {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = (self.generation, id);
    }

    fn clear(&mut self) {
        self.len = 0;
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.slots.fill((0, 0));
            self.generation = 1;
        }
    }
}
