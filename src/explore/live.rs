//! The live lines of a search, one for each variant: on stderr, and only where that is a terminal.

use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Progress;

/// The lines.
#[derive(Debug)]
pub(super) struct Live(MultiProgress);

/// One of them; dropping it wipes it.
#[derive(Debug)]
pub(super) struct Line {
    bar: ProgressBar,
    name: &'static str,
    since: Instant,
    /// Schedules of earlier processes.
    before: Option<u64>,
}

impl Live {
    /// No line yet.
    pub fn new() -> Live {
        Live(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5)))
    }

    /// The line of a search in that variant.
    pub fn line(&self, name: &'static str) -> Line {
        let style = ProgressStyle::with_template("{wide_msg}").expect("the template is valid");
        let bar = self.0.add(ProgressBar::no_length().with_style(style));
        Line { bar, name, since: Instant::now(), before: None }
    }
}

impl Line {
    /// Whether anybody sees it.
    pub fn is_seen(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Brings it up to date.
    pub fn show(&mut self, now: &Progress) {
        let before = *self.before.get_or_insert(now.counts.schedules);
        let rate =
            (now.counts.schedules - before) as f64 / self.since.elapsed().as_secs_f64().max(0.1);
        self.bar.set_message(text(self.name, now, rate));
        self.bar.tick();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn text(name: &str, now: &Progress, rate: f64) -> String {
    let Progress { counts, states, depth, frontier, findings, preemptions, .. } = *now;
    let bound = preemptions.map_or(String::new(), |most| format!(", preemptions up to {most}"));
    format!(
        "{name}{bound}: {} schedules  {rate:.0}/s  depth {depth}  frontier {frontier}  {states} states  {} MiB  \
         {findings} findings  {}",
        counts.schedules,
        now.memory >> 20,
        part(now.fraction),
    )
}

/// The part that is done, no more exact than it is known.
fn part(fraction: f64) -> String {
    match fraction * 100.0 {
        percent if percent < 0.001 => "under 0.001 % done".to_string(),
        percent if percent < 1.0 => format!("perhaps {percent:.3} % done"),
        percent => format!("perhaps {percent:.0} % done"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_the_search_is() {
        let counts = super::super::Counts { schedules: 1_200, ..Default::default() };
        let now = Progress {
            counts,
            states: 77,
            memory: 3 << 20,
            depth: 40,
            frontier: 9,
            ..Default::default()
        };
        let line = text("rwsem", &Progress { fraction: 0.031, ..now }, 250.4);
        assert_eq!(
            line,
            "rwsem: 1200 schedules  250/s  depth 40  frontier 9  77 states  3 MiB  0 findings  perhaps 3 % done"
        );
        assert!(text("rwsem", &now, 0.0).ends_with("under 0.001 % done"));
        let bounded = Progress { preemptions: Some(2), ..now };
        assert!(text("rwsem", &bounded, 0.0).starts_with("rwsem, preemptions up to 2: 1200 "));
    }
}
