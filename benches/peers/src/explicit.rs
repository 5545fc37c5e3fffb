//! Our own explicit-state search: depth first, whole states in one hash set.
//!
//! The yardstick for `explore`: nothing but the set, the path and the steps. The path is the
//! counterexample. It stops at a bound of memory, and says so.

use rustc_hash::FxHashSet;

use crate::form::Form;
use crate::row::Seen;
use crate::steps::{Programs, State};

/// The set may take this much and no more, the old table beside the new while it grows included; the
/// large form wants 1.2 GB.
const MOST_BYTES: usize = 4 << 30;

/// A state on the path and the task to try next in it.
struct Frame {
    state: State,
    next: usize,
    moved: bool,
}

impl Frame {
    fn new(state: State) -> Frame {
        Frame { state, next: 0, moved: false }
    }
}

struct Search {
    programs: Programs,
    set: FxHashSet<State>,
    path: Vec<Frame>,
    transitions: u64,
}

pub fn run(form: &Form) -> Seen {
    let start = State::default();
    let mut search = Search {
        programs: Programs::new(form),
        set: FxHashSet::from_iter([start]),
        path: vec![Frame::new(start)],
        transitions: 0,
    };
    let verdict = search.exhaust();
    let (states, bytes) = (search.set.len(), search.set_bytes());
    Seen {
        counts: format!("{states} states, {} transitions", search.transitions),
        found: format!("{verdict}; set {:.1} MB", bytes as f64 / 1e6),
    }
}

impl Search {
    fn exhaust(&mut self) -> String {
        while let Some(frame) = self.path.last_mut() {
            if frame.next == self.programs.len() {
                if let Some(bad) = self.wrong() {
                    return format!("{bad} after {} steps", self.path.len() - 1);
                }
                self.path.pop();
                continue;
            }
            frame.next += 1;
            let Some(state) = frame.state.step(&self.programs, frame.next - 1) else { continue };
            frame.moved = true;
            self.transitions += 1;
            if self.set.insert(state) {
                if self.set.len() == self.set.capacity() && 3 * self.set_bytes() > MOST_BYTES {
                    return "out of memory".into();
                }
                self.path.push(Frame::new(state));
            }
        }
        "exhausted".into()
    }

    /// What is wrong with a state that all tasks were tried in.
    fn wrong(&self) -> Option<&'static str> {
        let frame = self.path.last()?;
        match frame.state.finished(&self.programs) {
            true if !frame.state.consistent() => Some("lost invalidation"),
            false if !frame.moved => Some("deadlock"),
            _ => None,
        }
    }

    /// The table of the set: a power of two of slots, at most 7/8 full, and a byte beside each.
    fn set_bytes(&self) -> usize {
        let slots = (self.set.capacity() * 8 / 7).next_power_of_two();
        slots * (size_of::<State>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(form: &str) -> Seen {
        run(&Form::named(form).expect("a form of the list"))
    }

    #[test]
    fn small_form_has_the_states_that_every_tool_counts() {
        assert_eq!(seen("small").counts, "2971 states, 7678 transitions");
        assert!(seen("small").found.starts_with("exhausted"));
    }

    #[test]
    fn planted_bugs_are_found() {
        assert!(seen("deadlock").found.starts_with("deadlock"));
        assert!(seen("lost").found.starts_with("lost invalidation"));
        assert!(seen("no-seq").found.starts_with("lost invalidation"));
    }
}
