//! Runs a schedule of a search again, on a machine of its own.

use std::pin::{Pin, pin};

use kvm_lock_fuzz::case::Case;
use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::{Settings, Sim};
use kvm_lock_fuzz::oracle::{Facts, Finding, Oracle, Oracles};
use kvm_lock_fuzz::run::{Options, Stage};
use kvm_lock_fuzz::schedule::Replay;

/// What the run shows in which the tasks run in that order.
pub fn replay(case: &Case, options: &Options, steps: &[u8]) -> Vec<Finding> {
    let mut sim: Sim<Replay, Event> = Sim::new(Replay::default());
    let stage = Stage::build(&mut sim, case.clone(), options);
    let Options { variant, policy, all_points, max_points, recording, .. } = *options;
    let settings = Settings { policy, all_points, max_points, recording };
    sim.reset(settings, |replay| *replay = Replay { tasks: steps.to_vec(), at: 0 });
    sim.set_up(pin!(stage.history(sim.task(0))));
    let start = |i: usize| Some(stage.task(sim.task(i as u8), i));
    let mut tasks: Vec<_> = (0..case.programs.tasks()).map(|i| Box::pin(start(i))).collect();
    let mut slots: Vec<Pin<&mut Option<_>>> = tasks.iter_mut().map(|task| task.as_mut()).collect();
    sim.run(&mut slots);
    let mut findings = Vec::new();
    sim.inspect(|seen| Oracles::default().judge(seen, Facts { variant, policy }, &mut findings));
    findings
}
