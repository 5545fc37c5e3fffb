//! All steps of the model: what `tests/seen.rs` sees when it runs the seeds under many schedules, and
//! compares with this list. A new step, or one that went, fails there, and the test writes the list anew.

use crate::kvm::Variant;

/// A step a line, then its variants.
const STEPS: &str = include_str!("steps.txt");

/// The steps of a variant without planted bugs, in the words of [`Step`](super::Step), sorted.
pub fn registered(variant: Variant) -> impl Iterator<Item = &'static str> {
    let lines = STEPS.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(move |line| {
        let (step, variants) = line.rsplit_once(": ")?;
        variants.split(' ').any(|name| name == variant.name()).then_some(step)
    })
}
