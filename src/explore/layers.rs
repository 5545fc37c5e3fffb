//! Schedules by number of bursts: breadth first, each state that a burst leads to once.
//!
//! Layer 0 is the fair run. Layer b + 1 runs, from each state of layer b, every other task to each
//! of its points up to where it blocks. Whether a schedule shows what is wanted is asked of an
//! ordinary run of it, in order of the points in the bursts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rustc_hash::FxBuildHasher;

use super::stepper::{Steps, burst};
use crate::case::{Burst, MAX_BURSTS};
use crate::machine::sim::Fingerprint;

/// A state, as the last burst that leads to it.
#[derive(Clone, Copy, Debug)]
struct State {
    /// The state before the burst.
    before: u32,
    task: u8,
    /// Points of the burst.
    points: u16,
    /// The burst ends where its task blocks.
    blocked: bool,
    /// Points of all bursts.
    steps: u32,
}

/// No state: the start.
const START: u32 = u32::MAX;
/// Points after which a burst is not followed further.
const MAX_POINTS: u16 = 2_000;

/// The states so far.
pub(super) struct Layers<'a> {
    machine: &'a mut dyn Steps,
    states: Vec<State>,
    known: HashMap<Fingerprint, u32, FxBuildHasher>,
    /// Where the last layer begins, which is in order of points.
    layer: usize,
    /// Bursts of the states of the last layer.
    pub(super) bursts: usize,
    /// Whether a layer was cut.
    pub(super) cut: bool,
    /// Steps that the machine was led.
    pub(super) steps: usize,
}

/// A schedule of the last layer.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) bursts: Vec<Burst>,
    /// Points in the bursts.
    pub(super) steps: u32,
}

impl<'a> Layers<'a> {
    /// Layer 0.
    pub(super) fn new(machine: &'a mut dyn Steps) -> Layers<'a> {
        let known = HashMap::default();
        Layers { machine, states: Vec::new(), known, layer: 0, bursts: 0, cut: false, steps: 0 }
    }

    /// The schedules of the last layer.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Candidate> {
        let fair = (self.bursts == 0).then(|| Candidate { bursts: Vec::new(), steps: 0 });
        fair.into_iter().chain(
            (self.layer..self.states.len()).map(|at| Candidate {
                bursts: self.schedule(at as u32),
                steps: self.states[at].steps,
            }),
        )
    }

    /// Goes on to the next layer, of at most `most` states and up to so many steps of the machine; false
    /// where there is none.
    pub(super) fn descend(&mut self, most: usize, steps: usize) -> bool {
        let end = self.states.len();
        let before: Vec<u32> = match self.bursts {
            0 => vec![START],
            _ => (self.layer as u32..end as u32).collect(),
        };
        self.bursts += 1;
        for state in before {
            if self.states.len() - end >= most || self.steps >= steps {
                self.cut = true;
                break;
            }
            self.extend(state, end);
        }
        self.layer = end;
        self.states[end..].sort_by_key(|state| state.steps);
        self.states.len() > end && self.bursts <= MAX_BURSTS
    }

    /// Runs every other task from the state, to each of its points.
    fn extend(&mut self, before: u32, layer: usize) {
        let script = self.script(before);
        let ran = self.states.get(before as usize).map(|state| state.task);
        self.steps += script.len();
        let mut runnable = self.machine.go_to(&script);
        let mut others = runnable & !ran.map_or(0, |task| 1u16 << task);
        while others != 0 {
            let task = others.trailing_zeros() as u8;
            others &= others - 1;
            let mut points = 0;
            while runnable & 1 << task != 0 && points < MAX_POINTS {
                points += 1;
                self.steps += 1;
                runnable = self.machine.step(task);
                let steps = script.len() as u32 + u32::from(points);
                let blocked = runnable & 1 << task == 0;
                self.reach(State { before, task, points, blocked, steps }, layer);
            }
            if others != 0 {
                self.steps += script.len();
                runnable = self.machine.go_to(&script);
            }
        }
    }

    /// Keeps the state if it is new, or takes fewer points than others of the layer that lead there.
    fn reach(&mut self, state: State, layer: usize) {
        let next = self.states.len() as u32;
        match self.known.entry(self.machine.key().with(state.task.into())) {
            Entry::Vacant(entry) => {
                entry.insert(next);
                self.states.push(state);
            }
            Entry::Occupied(entry) => {
                let known = *entry.get() as usize;
                if known >= layer && self.states[known].steps > state.steps {
                    self.states[known] = state;
                }
            }
        }
    }

    /// The states before a state, it included, from the last to the first.
    fn way(&self, mut at: u32) -> impl Iterator<Item = State> {
        std::iter::from_fn(move || {
            let state = *self.states.get(at as usize)?;
            at = state.before;
            Some(state)
        })
    }

    fn script(&self, at: u32) -> Vec<u8> {
        let back = self.way(at).flat_map(|state| (0..state.points).map(move |_| state.task));
        let mut script: Vec<u8> = back.collect();
        script.reverse();
        script
    }

    fn schedule(&self, at: u32) -> Vec<Burst> {
        let mut way: Vec<State> = self.way(at).collect();
        way.reverse();
        let one = |state: &State| burst(state.task, state.points.into(), state.blocked);
        way.iter().flat_map(one).collect()
    }
}
