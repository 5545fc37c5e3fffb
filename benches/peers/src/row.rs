//! One row of the table: counts, CPU time, memory and what was found, parted by tabs.

use nix::time::{ClockId, clock_gettime};

use crate::form::Form;

/// What a peer has to say about a form.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// States and transitions, or schedules.
    pub counts: String,
    pub found: String,
}

/// Prints the row of the median of `rounds` runs; `run` gets the number of the round.
pub fn print(tool: &str, form: &Form, rounds: u64, mut run: impl FnMut(u64) -> Seen) {
    let mut all: Vec<(u64, Seen)> = (0..rounds)
        .map(|round| {
            let begin = cpu_ns();
            let seen = run(round);
            (cpu_ns() - begin, seen)
        })
        .collect();
    all.sort_by_key(|(ns, _)| *ns);
    let (ns, Seen { counts, found }) = all.swap_remove(all.len() / 2);
    let ms = ns as f64 / 1e6;
    println!("{tool}\t{}\t{counts}\t{ms:.3}\t{}\t{found}", form.name, peak_mb());
}

/// CPU time of this process, ended threads included: the machine may be busy with other things.
pub fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// The most memory that this process has held at once.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse().ok()).unwrap_or(0u64).div_ceil(1024)
}
