//! Runs cases again and notes every call that their tasks make.

use std::pin::pin;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Seen;
use super::edge::Edge;
use super::layout::{Object, layout};
use super::step::{Actor, Pair, Step};
use crate::case::{Case, MAX_TASKS};
use crate::kvm::Place;
use crate::kvm::trace::Event;
use crate::machine::Site;
use crate::machine::sim::{At, Call, Schedule, Settings, Sim};
use crate::run::{Options, Stage, execute};
use crate::schedule::Bursts;

/// A case's schedule, and the calls that it led to.
#[derive(Debug, Default)]
pub(super) struct Watching {
    bursts: Bursts,
    calls: Vec<(u8, Site, Call)>,
}

impl Schedule for Watching {
    const WATCHES: bool = true;

    fn next(&mut self, at: At, runnable: u16) -> u8 {
        self.bursts.next(at, runnable)
    }

    fn stops_at(&self, task: u8, place: u8) -> bool {
        self.bursts.stops_at(task, place)
    }

    fn stepped(&mut self, task: u8, site: Site, call: Call) {
        self.calls.push((task, site, call));
    }
}

/// A machine whose runs are watched. Reusable.
#[derive(Debug)]
pub struct Watcher {
    sim: Sim<Watching, Event>,
    stage: Stage,
    calls: Vec<(u8, Site, Call)>,
    /// The last step on each object, whose it was, and whether it changed the object.
    last: FxHashMap<Object, (u8, (Actor, Step), bool)>,
    met: FxHashSet<Pair>,
}

impl Default for Watcher {
    fn default() -> Self {
        Watcher::new()
    }
}

impl Watcher {
    /// A machine with its world laid out.
    pub fn new() -> Watcher {
        let mut sim = Sim::new(Watching::default());
        let case = Case::default();
        let options = Options::of(&case);
        let stage = Stage::build(&mut sim, case, &options);
        let (calls, last, met) = Default::default();
        Watcher { sim, stage, calls, last, met }
    }

    fn run(&mut self, case: &Case) {
        let options = Options::of(case);
        let Options { policy, all_points, max_points, recording, .. } = options;
        self.stage.set(case.clone(), &options);
        let settings = Settings { policy, all_points, max_points, recording };
        let calls = std::mem::take(&mut self.calls);
        self.sim.reset(settings, |watching| {
            watching.bursts.plan(&case.schedule);
            watching.calls = calls;
        });
        let (sim, stage) = (&self.sim, &self.stage);
        sim.set_up(pin!(stage.history(sim.task(0))));
        // What came before the tasks is no step of theirs.
        sim.with_schedule(|watching| watching.calls.clear());
        execute(case.programs.tasks().min(MAX_TASKS), sim, |i| stage.task(sim.task(i as u8), i));
        self.calls = sim.with_schedule(|watching| std::mem::take(&mut watching.calls));
    }
}

impl Seen {
    /// Runs a case, as it says itself, and adds what that covers.
    pub fn observe(&mut self, watcher: &mut Watcher, case: &Case) {
        watcher.run(case);
        watcher.last.clear();
        watcher.met.clear();
        let mut at = [None; MAX_TASKS];
        for &(task, site, call) in &watcher.calls {
            if let Call::Place(place) = call {
                self.place(case, task, place, &mut at[usize::from(task)]);
                continue;
            }
            let Some((step, touched)) = layout().step(site, call) else { continue };
            self.steps.insert(step);
            let actor = at[usize::from(task)].and_then(|op| Actor::at(case, task.into(), op));
            let (Some(actor), Some((object, changes))) = (actor, touched) else { continue };
            let before = watcher.last.insert(object, (task, (actor, step), changes));
            if let Some((other, first, changed)) = before
                && other != task
                && (changes || changed)
            {
                watcher.met.insert(Pair { first, then: (actor, step) });
            }
        }
        watcher.sim.inspect(|seen| self.edges.extend(Edge::of(seen)));
        self.add_pairs(watcher.met.drain());
    }

    /// The task passes a place; `at` is the operation that it is in.
    fn place(&mut self, case: &Case, task: u8, place: u8, at: &mut Option<usize>) {
        let Some(&place) = Place::ALL.get(usize::from(place)) else { return };
        self.places.insert(place);
        if place == Place::Op {
            *at = Some(at.map_or(0, |op| op + 1));
            self.operations.extend(at.and_then(|op| Actor::at(case, task.into(), op)));
        }
    }
}
