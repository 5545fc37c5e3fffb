//! The live line of a campaign: on stderr, and only where that is a terminal.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Arm;
use crate::quote;

/// The line; dropping it wipes it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    time: Duration,
}

impl Progress {
    /// For a campaign of that length.
    pub fn new(time: Duration) -> Progress {
        let target = ProgressDrawTarget::stderr_with_hz(5);
        let style = ProgressStyle::with_template("{wide_msg}").expect("the template is valid");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        Progress { bar, time }
    }

    /// Brings the line up to date.
    pub fn show(&self, elapsed: Duration, arms: &[Arm], is_building: bool) {
        if !self.bar.is_hidden() {
            let building = if is_building { "  (building the fuzz targets)" } else { "" };
            self.bar.set_message(line(elapsed, self.time, arms) + building);
            self.bar.tick();
        }
    }

    /// A line that stays, on stderr whatever that is.
    pub fn say(&self, line: &str) {
        // Where stderr is gone, the line is lost.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "{}", quote::line(line))));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn line(elapsed: Duration, time: Duration, arms: &[Arm]) -> String {
    let executions: u64 = arms.iter().map(Arm::total).sum();
    let rate = executions as f64 / elapsed.as_secs_f64().max(0.1);
    let findings: usize = arms.iter().map(|arm| arm.log().findings.len()).sum();
    let crashes: usize = arms.iter().map(|arm| arm.log().crashes.len()).sum();
    format!(
        "{:.0}/{:.0} s  {:.2} M executions  {:.1} k/s  {findings} findings  {crashes} crashes",
        elapsed.as_secs_f64(),
        time.as_secs_f64(),
        executions as f64 / 1e6,
        rate / 1e3,
    )
}
