//! What the searches for answers took: the witnesses of predicted cycles, the policies that hang, and
//! making their cases short.

use serde::Serialize;

use super::count::number;
use crate::explore::{Bytes, Limits, Reached, Taken};

/// What they took together, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Answers {
    /// Schedules, runs that shortened cases included.
    pub schedules: u64,
    /// Different states.
    pub states: usize,
    /// Bytes of the search that took most, roughly.
    pub memory: usize,
    /// The limit for all of them that cut one; null where none did.
    pub bound: Option<String>,
}

impl Answers {
    /// Those that took so much within these limits; none where nothing was searched.
    pub fn of(taken: &Taken, limits: &Limits) -> Option<Answers> {
        let Taken { schedules, states, memory, cut } = *taken;
        let bound = cut.map(|reached| bound(reached, limits));
        taken.is_some().then_some(Answers { schedules, states, memory, bound })
    }
}

fn bound(reached: Reached, limits: &Limits) -> String {
    match reached {
        Reached::Schedules(_) => format!("{} schedules", limits.schedules),
        Reached::States => format!("{} states", limits.states),
        Reached::Memory => format!("{} of memory", Bytes(limits.memory)),
        other => other.words().to_string(),
    }
}

/// Their part of the headline of a search.
pub(super) fn head(taken: &Taken, limits: &Limits) -> String {
    if !taken.is_some() {
        return String::new();
    }
    let cut = taken.cut.map_or(String::new(), |reached| match reached {
        Reached::States => format!(", stopped by --max-answer-states {}", limits.states),
        Reached::Memory => format!(", stopped by --max-memory {}", Bytes(limits.memory)),
        Reached::Schedules(_) => format!(", stopped at {}", number(limits.schedules, "schedule")),
        Reached::Interrupted => ", interrupted".to_string(),
        other => format!(", stopped by {}", other.words()),
    });
    let (schedules, states) =
        (number(taken.schedules, "schedule"), number(taken.states as u64, "state"));
    let memory = taken.memory.div_ceil(1 << 20);
    format!("; for the answers {schedules}, {states} ({memory} MiB){cut}")
}

/// What is said below the verdict of a run where the limits cut an answer.
pub fn cut(taken: &Taken, limits: &Limits) -> Option<String> {
    let reached = taken.cut?;
    let (schedules, states) =
        (number(limits.schedules, "schedule"), number(limits.states as u64, "state"));
    Some(format!(
        "\nanswers cut by {}: all those of this command have {schedules} or {states} together; `explore` \
         looks farther\n",
        reached.words(),
    ))
}
