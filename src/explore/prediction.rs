//! What the validator predicts, free of the run that showed it.

use crate::kvm::trace::Event;
use crate::lockdep::{CycleStep, EN, ER, Kind as Reported, Lockdep, Read, Report, SR};
use crate::machine::Mode;
use crate::machine::sim::Inspect;
use crate::oracle::Signature;

/// A cycle that the validator predicts: a task holds the class of each step and wants that of the
/// next. Reports of a kernel that runs elsewhere can be put into this form too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// That of the `lock-order` or `recursive-lock` finding.
    pub signature: Signature,
    /// The finding in one line, as [`Described::signature`](crate::run::Described) has it.
    pub text: String,
    /// The cycle; the last step leads back to the first. A recursion is a cycle of one step.
    pub steps: Vec<PredictedStep>,
    /// For a recursion: whether the lock that is wanted is the one that is held.
    pub instances: Option<Instances>,
}

/// A step of a predicted cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictedStep {
    /// Name of the class that is held, without `#2` or `/1`.
    pub class: String,
    /// How it is held; none where the prediction does not say.
    pub held: Option<Mode>,
    /// How the next class is wanted; none where the prediction does not say.
    pub wanted: Option<Mode>,
}

/// Which locks of a repeated class are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// One and the same.
    Same,
    /// Different ones.
    Other,
}

/// The predictions among the validator's reports, in its order.
pub fn predictions(seen: &Inspect<'_, Event>) -> Vec<Prediction> {
    let lockdep = seen.lockdep;
    lockdep.reports().iter().filter_map(|report| prediction(lockdep, report)).collect()
}

fn prediction(lockdep: &Lockdep, report: &Report) -> Option<Prediction> {
    let (kind, steps, instances) = match report.kind {
        Reported::Circular => ("lock-order", circular(lockdep, report), None),
        Reported::Recursive => {
            let (step, instances) = recursive(lockdep, report)?;
            ("recursive-lock", vec![step], Some(instances))
        }
        _ => return None,
    };
    let text = lockdep.signature(report);
    let detail = text.split_once(' ').map_or("", |(_, detail)| detail);
    let signature = Signature(report.signature);
    Some(Prediction { signature, text: format!("{kind} {detail}"), steps, instances })
}

fn circular(lockdep: &Lockdep, report: &Report) -> Vec<PredictedStep> {
    let step = |step: CycleStep| PredictedStep {
        class: name(lockdep, step.class),
        held: Some(if step.kind & (EN | ER) != 0 { Mode::Write } else { Mode::Read }),
        // The other kinds say "writer or ordinary reader".
        wanted: (step.kind & (SR | ER) != 0).then_some(Mode::Read),
    };
    lockdep.report_cycle(report).into_iter().map(step).collect()
}

fn recursive(lockdep: &Lockdep, report: &Report) -> Option<(PredictedStep, Instances)> {
    let (held, wanted) = (report.other?.lock, report.subject?.lock);
    let same = held.instance() == wanted.instance();
    let step = PredictedStep {
        class: name(lockdep, held.class()),
        held: Some(mode(held.read())),
        wanted: Some(mode(wanted.read())),
    };
    Some((step, if same { Instances::Same } else { Instances::Other }))
}

/// The mode behind a validator's.
pub(super) fn mode(read: Read) -> Mode {
    if read.is_shared() { Mode::Read } else { Mode::Write }
}

/// The name that a class's key was declared with.
pub(super) fn name(lockdep: &Lockdep, class: crate::lockdep::ClassId) -> String {
    let key = lockdep.classes().get(class.index()).map(|class| class.key());
    key.map_or(String::new(), |key| lockdep.key_name(key).to_owned())
}
