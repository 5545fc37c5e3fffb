//! Forbids tasks that no task can wake (deadlock, lost wakeup, livelock) and sleep where none is
//! allowed. The machine has found them; here they get kind and signature.

use super::waits::wait_steps;
use super::{Evidence, Findings, Kind, Severity, Signature};
use crate::kvm::function;
use crate::kvm::trace::Event;
use crate::machine::Site;
use crate::machine::sim::{Doom, Inspect, Record};

pub(super) fn judge(
    seen: &Inspect<'_, Event>,
    at: &Record<Event>,
    doom: Doom,
    cycle: u16,
    out: &mut Findings<'_>,
) {
    let kind = match doom {
        Doom::Deadlock => Kind::Deadlock,
        Doom::LostWakeup => Kind::LostWakeup,
        Doom::Livelock => Kind::Livelock,
    };
    let Some(waits) = seen.cycles.get(usize::from(cycle)) else { return };
    let steps = wait_steps(seen, waits);
    let tail = (!waits.closed).then_some("for what nobody will release");
    let parts = steps.iter().flat_map(|step| [step.name, step.mode, step.instance]);
    let signature = Signature::of(kind, parts.chain(tail));
    let evidence = Evidence::Waits(cycle);
    out.add_signed((at.event, at.task), kind, Severity::Violation, evidence, signature);
}

pub(super) fn sleep_in_atomic(
    at: &Record<Event>,
    site: Site,
    nonblock: bool,
    out: &mut Findings<'_>,
) {
    let what = match nonblock {
        true => "sleep in a non-blockable section",
        false => "sleep under a spinning lock",
    };
    let evidence = Evidence::At(what, function::name(site.frames[0]));
    out.add((at.event, at.task), Kind::SleepInAtomic, Severity::Violation, evidence);
}
