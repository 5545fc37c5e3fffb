//! The threads on loom, every schedule of at most two preemptions.
//!
//! It has five threads at most, the one that starts the others included: no large form.

use ::loom::model::Builder;
use ::loom::{sync, thread};

use crate::caught;
use crate::form::Form;
use crate::row::Seen;

#[path = "threads.rs"]
#[allow(clippy::duplicate_mod, reason = "shuttle's names stand for other types")]
mod threads;

pub fn run(form: &Form) -> Seen {
    let form = *form;
    caught::seen("exhausted up to 2 preemptions", move |schedules| {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(move || {
            schedules.count();
            threads::execution::<threads::Rwsem>(&form);
        });
    })
}
