//! The search over the small protocol that the peers search too: all of it, to its planted bugs, and
//! its large form, as far as that goes in two minutes. One line each: tool, form, counts, CPU milliseconds, peak MB, what was found.

mod small;

use std::future::Future;

use kvm_lock_fuzz::explore::{
    Config, Coverage, Cursor, Model, Observer, Progress, Search, SearchTask, search,
};
use kvm_lock_fuzz::machine::sim::{
    Alarm, Alike, Ending, Fingerprint, Inspect, Object, Record, Settings, Sim, What,
};
use nix::time::{ClockId, clock_gettime};
use small::{Planted, Role, Small};

/// Tasks of the small protocol.
struct Tasks {
    small: Small,
    roles: Vec<Role>,
}

impl Model for Tasks {
    type Event = ();

    fn tasks(&self) -> usize {
        self.roles.len()
    }

    fn alike(&self) -> Alike {
        Alike::of(self.roles.len(), |a, b| self.roles[a] == self.roles[b])
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    async fn set_up(&self, _: SearchTask<'_, ()>) {}

    fn task(&self, t: SearchTask<'_, ()>, i: usize) -> impl Future<Output = ()> {
        self.small.role(t, self.roles[i])
    }
}

/// Judges ends.
struct Ends {
    small: Small,
    found: Vec<&'static str>,
}

impl Ends {
    fn add(&mut self, what: &'static str) {
        if !self.found.contains(&what) {
            self.found.push(what);
        }
    }
}

impl Observer<()> for Ends {
    type Memory = ();

    fn begin(&mut self) {}
    fn save(&self, (): &mut ()) {}
    fn load(&mut self, (): &()) {}
    fn touched(&self, _: &Record<()>, _: &mut dyn FnMut(Object, bool)) {}

    fn follow(&mut self, _: &Inspect<'_, ()>, record: &Record<()>) {
        match record.what {
            What::Alarm(Alarm::Stuck(..)) => self.add("deadlock"),
            What::Alarm(Alarm::Validator(_)) => self.add("prediction"),
            _ => {}
        }
    }

    fn end(&mut self, _: &Inspect<'_, ()>, _: Option<Ending>) {}

    fn last_state(&mut self, _: Fingerprint, t: SearchTask<'_, ()>) {
        if !self.found.contains(&"deadlock") && !self.small.sound(t) {
            self.add("lost invalidation");
        }
    }

    fn remember(&self, _: &mut [Fingerprint]) {}

    fn findings(&self) -> usize {
        self.found.len()
    }
}

/// After so many CPU seconds a search is given up.
const MOST_SECONDS: u64 = 120;

/// A form of the protocol.
struct Form {
    name: &'static str,
    /// Invalidators, writers, faults.
    tasks: [usize; 3],
    planted: Planted,
    /// What ends the search.
    until: Option<&'static str>,
    repeats: usize,
}

const FORMS: [Form; 5] = [
    Form { name: "small", tasks: [2, 1, 1], planted: Planted::Nothing, until: None, repeats: 21 },
    Form {
        name: "deadlock",
        tasks: [2, 1, 1],
        planted: Planted::NestedRead,
        until: Some("deadlock"),
        repeats: 21,
    },
    Form {
        name: "lost",
        tasks: [2, 1, 1],
        planted: Planted::SplitEnd,
        until: Some("lost invalidation"),
        repeats: 21,
    },
    Form {
        name: "no-seq",
        tasks: [2, 1, 1],
        planted: Planted::NoSeq,
        until: Some("lost invalidation"),
        repeats: 21,
    },
    Form { name: "large", tasks: [4, 2, 2], planted: Planted::Nothing, until: None, repeats: 1 },
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |form: &&Form| match asked.is_empty() {
        true => form.name != "large",
        false => asked.iter().any(|name| name == form.name),
    };
    FORMS.iter().filter(wanted).for_each(measure);
}

/// Median over the repeats, each from an empty machine.
fn measure(form: &Form) {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..form.repeats {
        let begin = cpu_ns();
        last = Some(one(form));
        times.push(cpu_ns() - begin);
    }
    times.sort_unstable();
    let Some((coverage, progress, found)) = last else { return };
    let found = match (found.is_empty(), coverage.is_exhausted()) {
        (false, _) => found.join(", "),
        (true, true) => "exhausted".to_owned(),
        (true, false) => format!("not exhausted in {MOST_SECONDS} s"),
    };
    println!(
        "explore\t{}\t{} states, {} steps, {} schedules\t{:.3}\t{}\t{found}, search {:.1} MB",
        form.name,
        progress.states,
        progress.counts.steps,
        progress.counts.schedules,
        times[times.len() / 2] as f64 / 1e6,
        peak_mb(),
        progress.memory as f64 / 1e6,
    );
}

fn one(form: &Form) -> (Coverage, Progress, Vec<&'static str>) {
    let mut sim = Sim::new(Cursor::default());
    let mut small = Small::build(&mut sim);
    small.planted = form.planted;
    let roles = [Role::Invalidator, Role::Writer, Role::Fault].into_iter().zip(form.tasks);
    let roles = roles.flat_map(|(role, n)| std::iter::repeat_n(role, n)).collect();
    let tasks = Tasks { small, roles };
    let ends = Ends { small, found: Vec::new() };
    let mut run = Search::new(&tasks, &sim, ends, Config::default()).expect("few tasks");
    let begin = cpu_ns();
    let mut asked = 0u32;
    let done = |run: &Search<'_, Tasks, Ends>| {
        asked = asked.wrapping_add(1);
        let late = asked.is_multiple_of(1 << 16) && cpu_ns() - begin > MOST_SECONDS * 1_000_000_000;
        late || form.until.is_some_and(|until| run.observer().found.contains(&until))
    };
    let coverage = search(&mut run, done);
    (coverage, run.progress(), run.observer().found.clone())
}

/// CPU time of this process in nanoseconds: the machine may be busy with other things.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// The most memory that the process ever had.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kb| kb.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
