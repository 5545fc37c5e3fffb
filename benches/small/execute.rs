//! One run of the small protocol under any schedule.

use std::pin::{Pin, pin};

use kvm_lock_fuzz::machine::sim::{Ending, Schedule, Settings, Sim, SimTask};

use crate::small::{Role, Small};

/// One execution; the end oracle must hold: what is mapped is what the host has.
pub fn execute<S: Schedule>(
    sim: &mut Sim<S, ()>,
    small: Small,
    roles: &[Role],
    plan: impl Fn(&mut S),
) -> (u32, u32) {
    let ending = sim.execute(Settings::default(), plan, |sim| run(sim, small, roles));
    assert_eq!(ending, Ending::Finished);
    let t: SimTask<'_, S, ()> = sim.task(0);
    assert!(small.sound(t));
    sim.inspect(|seen| {
        assert!(seen.lockdep.reports().is_empty());
        (seen.points, seen.events)
    })
}

fn run<S: Schedule>(sim: &Sim<S, ()>, small: Small, roles: &[Role]) -> Ending {
    let start = |i: usize| small.role(sim.task(i as u8), roles[i]);
    let (a, b, c, d, e) = (pin!(None), pin!(None), pin!(None), pin!(None), pin!(None));
    let (f, g, h, i, j) = (pin!(None), pin!(None), pin!(None), pin!(None), pin!(None));
    let mut tasks: [Pin<&mut Option<_>>; 10] = [a, b, c, d, e, f, g, h, i, j];
    for (i, task) in tasks.iter_mut().enumerate().take(roles.len()) {
        task.set(Some(start(i)));
    }
    sim.run(&mut tasks[..roles.len()])
}
