//! Searches of one case in several variants: side by side, each with its bounds, its line of progress
//! and its part of the file that lets it go on later.
//!
//! Each search is sequential and knows nothing of the others, so nothing that it finds depends on how
//! many run at a time. Only where a bound is a time, it depends on the machine.

use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::live::{Line, Live};
use super::resume::{Run, Watch, explore_from, fits};
use super::store::Store;
use super::{Bytes, Config, Explored, Limits, SHORTEST_RUNS, Shown, show};
use crate::case::Case;
use crate::case::text::Names;
use crate::run::Options;

/// Time between two writes of a state, at least; a write takes a twentieth of it, at most.
const SAVE: Duration = Duration::from_secs(30);
/// Time between two looks at the progress.
const SHOW: Duration = Duration::from_millis(250);
/// Steps between two looks at the clock.
const STEPS: u32 = 1 << 10;
/// Time for witnesses and the policy matrix after a Ctrl-C.
const AFTER_INTERRUPT: Duration = Duration::from_secs(2);
/// Runs for the shortest cases then.
const AFTER_INTERRUPT_RUNS: u32 = 2_000;

/// What to search, and how far.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The case once for each variant, and how it is run.
    pub cases: Vec<(Case, Options)>,
    /// What its tasks are called.
    pub names: Names,
    /// Preemptions of a schedule.
    pub max_preemptions: Option<u8>,
    /// Schedules of each search, in this process.
    pub max_schedules: Option<u64>,
    /// Different states of each search.
    pub max_states: usize,
    /// Memory of each search by its own count, those for the answers included.
    pub max_memory: Bytes,
    /// Different states of the searches for the answers beside one search, all together.
    pub max_answer_states: usize,
    /// Time for all searches together.
    pub time: Option<Duration>,
    /// Searches at a time.
    pub workers: usize,
    /// The file that they go on from, and are written to.
    pub resume: Option<PathBuf>,
}

/// What stopped a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// That many schedules.
    Schedules(u64),
    /// That many states.
    States(usize),
    /// That much memory, by its own count.
    Memory(Bytes),
    /// The system gave no more memory; so much was in use.
    System(Bytes),
    /// That much time.
    Time(Duration),
    /// Ctrl-C.
    Interrupted,
}

/// A search, as far as it came.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The programs; its schedule was ignored.
    pub case: Case,
    /// What the tasks are called.
    pub names: Names,
    /// How they were run.
    pub options: Options,
    /// Preemptions of a schedule.
    pub max_preemptions: Option<u8>,
    /// What was seen.
    pub explored: Explored,
    /// What stopped it; nothing where all was seen.
    pub stopped: Option<Stop>,
    /// What bounded the answers.
    pub limits: Limits,
    /// Its findings with their witnesses, and the policy matrix.
    pub shown: Shown,
    /// Why its state could not be written.
    pub unsaved: Option<String>,
}

/// Searches all that the plan says, in its order, until `stop` is set. An error is one line, and
/// then nothing was searched.
pub fn run(plan: &Plan, stop: &'static AtomicBool) -> Result<Vec<Searched>, String> {
    let store = plan.resume.as_ref().map(|path| Store::open(path, &plan.key(), plan.cases.len()));
    let session = Session {
        plan,
        stop,
        store: store.transpose()?,
        live: Live::new(),
        begin: Instant::now(),
        next: AtomicUsize::new(0),
    };
    session.claim()?;
    let results: Mutex<Vec<_>> = Mutex::new((0..plan.cases.len()).map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..plan.workers.clamp(1, plan.cases.len().max(1)) {
            scope.spawn(|| {
                while let Some((i, result)) = session.next() {
                    results.lock().unwrap_or_else(PoisonError::into_inner)[i] = Some(result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

impl Plan {
    /// All that decides what a search does, except how far it goes.
    fn key(&self) -> String {
        let one = |(case, options): &(Case, Options)| {
            let programs = Case { schedule: Default::default(), ..case.clone() };
            format!("{programs}{options:?}\n")
        };
        let cases: String = self.cases.iter().map(one).collect();
        format!("{cases}{:?}", self.max_preemptions)
    }
}

/// Searches that run side by side.
struct Session<'a> {
    plan: &'a Plan,
    stop: &'static AtomicBool,
    store: Option<Store>,
    live: Live,
    begin: Instant,
    next: AtomicUsize,
}

impl Session<'_> {
    /// The next search that nobody has begun, and its result.
    fn next(&self) -> Option<(usize, Result<Searched, String>)> {
        let i = self.next.fetch_add(1, Ordering::Relaxed);
        let (case, options) = self.plan.cases.get(i)?;
        Some((i, self.search(i, case, options)))
    }

    fn search(&self, i: usize, case: &Case, options: &Options) -> Result<Searched, String> {
        let time = self.share(i);
        let mut watcher = Watcher::new(self, i, time, options.variant.name());
        let config = Config::bounded(self.plan.max_preemptions);
        let mut part = self.saved(i)?;
        let from = part.as_mut().map(|part| part as &mut dyn Read);
        let explored = explore_from(case, options, config, from, &mut watcher)
            .map_err(|unfit| self.unfit(&unfit.to_string()))?;
        let Watcher { stopped, unsaved, .. } = watcher;
        let in_use = Bytes(explored.progress.memory >> 20 << 20);
        let stopped = stopped.or(explored.progress.starved.then_some(Stop::System(in_use)));
        let limits = self.limits(&explored, stopped, time);
        let runs = match stopped {
            Some(Stop::Interrupted) => AFTER_INTERRUPT_RUNS,
            _ => SHORTEST_RUNS,
        };
        let names = self.plan.names.clone();
        let shown = show(case, &names, options, &explored, &limits, runs);
        let (case, options) = (case.clone(), *options);
        let max_preemptions = self.plan.max_preemptions;
        Ok(Searched {
            case,
            names,
            options,
            max_preemptions,
            explored,
            stopped,
            limits,
            shown,
            unsaved,
        })
    }

    /// The state that search `i` goes on from.
    fn saved(&self, i: usize) -> Result<Option<impl Read>, String> {
        let Some(store) = &self.store else { return Ok(None) };
        store.part(i).map_err(|_| self.unfit("it is damaged"))
    }

    /// Sees that every search can go on from the file, before anything is written to it.
    fn claim(&self) -> Result<(), String> {
        let Some(store) = &self.store else { return Ok(()) };
        for (i, (case, options)) in self.plan.cases.iter().enumerate() {
            let Some(mut part) = self.saved(i)? else { continue };
            fits(case, options, Config::bounded(self.plan.max_preemptions), &mut part)
                .map_err(|unfit| self.unfit(&unfit.to_string()))?;
        }
        store.claim()
    }

    fn unfit(&self, what: &str) -> String {
        let path = self.plan.resume.as_deref().unwrap_or("".as_ref());
        format!("{}: {what}; remove it to start anew", path.display())
    }

    /// The time that search `i` may take: what is left, shared with those that nobody has begun.
    fn share(&self, i: usize) -> Option<Duration> {
        let left = self.plan.time?.saturating_sub(self.begin.elapsed());
        let rounds = (self.plan.cases.len() - i).div_ceil(self.plan.workers.max(1));
        Some(left / u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    /// How far all answers together are looked for: where the search itself was cut, no farther than it
    /// came.
    fn limits(&self, seen: &Explored, stopped: Option<Stop>, time: Option<Duration>) -> Limits {
        let usual = Limits::default();
        let time = match stopped {
            Some(Stop::Interrupted) => Some(AFTER_INTERRUPT),
            _ => time,
        };
        Limits {
            schedules: match stopped {
                None => usual.schedules,
                Some(_) => seen.progress.counts.schedules.max(1),
            },
            bound: match stopped {
                None => usual.bound,
                Some(_) => "as many as the search itself came to",
            },
            states: self.plan.max_answer_states,
            memory: self.plan.max_memory.0,
            until: time.map(|time| Instant::now() + time),
            stop: (stopped != Some(Stop::Interrupted)).then_some(self.stop),
        }
    }
}

/// Looks at one search.
struct Watcher<'a> {
    session: &'a Session<'a>,
    part: usize,
    line: Line,
    until: Option<Instant>,
    time: Duration,
    /// Schedules of earlier processes.
    before: Option<u64>,
    steps: u32,
    shown: Instant,
    saved: Instant,
    pause: Duration,
    stopped: Option<Stop>,
    unsaved: Option<String>,
}

impl Watch for Watcher<'_> {
    fn go_on(&mut self, run: &Run<'_>) -> bool {
        self.steps = self.steps.wrapping_add(1);
        self.stopped = self.bound(run);
        if self.stopped.is_none() && self.steps.is_multiple_of(STEPS) {
            self.look(run);
        }
        self.stopped.is_none()
    }

    fn stands(&mut self, run: &Run<'_>) {
        self.save(run);
    }
}

impl<'a> Watcher<'a> {
    fn new(
        session: &'a Session<'a>,
        part: usize,
        time: Option<Duration>,
        name: &'static str,
    ) -> Watcher<'a> {
        let now = Instant::now();
        Watcher {
            session,
            part,
            line: session.live.line(name),
            until: time.map(|time| now + time),
            time: session.plan.time.unwrap_or_default(),
            before: None,
            steps: 0,
            shown: now,
            saved: now,
            pause: SAVE,
            stopped: None,
            unsaved: None,
        }
    }

    /// The bound that the search has come to, the clock's aside.
    fn bound(&mut self, run: &Run<'_>) -> Option<Stop> {
        let plan = self.session.plan;
        let schedules = run.counts().schedules;
        let before = *self.before.get_or_insert(schedules);
        if self.session.stop.load(Ordering::Relaxed) {
            return Some(Stop::Interrupted);
        }
        if run.states() >= plan.max_states {
            return Some(Stop::States(plan.max_states));
        }
        if run.memory_ahead() > plan.max_memory.0 {
            return Some(Stop::Memory(plan.max_memory));
        }
        plan.max_schedules.filter(|&most| schedules - before >= most).map(Stop::Schedules)
    }

    /// What is done by the clock.
    fn look(&mut self, run: &Run<'_>) {
        let now = Instant::now();
        if self.until.is_some_and(|until| now >= until) {
            self.stopped = Some(Stop::Time(self.time));
        }
        if now - self.shown >= SHOW && self.line.is_seen() {
            self.shown = now;
            self.line.show(&run.progress());
        }
        if now - self.saved >= self.pause {
            self.save(run);
        }
    }

    /// Writes the state. Where that fails the search goes on: its result is worth more.
    fn save(&mut self, run: &Run<'_>) {
        let Some(store) = &self.session.store else { return };
        let begin = Instant::now();
        let done = store.put(self.part, |to| run.save(to));
        self.unsaved = done.err().map(|error| self.session.unsaved(&error.to_string()));
        self.saved = Instant::now();
        self.pause = SAVE.max((self.saved - begin) * 20);
    }
}

impl Session<'_> {
    fn unsaved(&self, what: &str) -> String {
        let path = self.plan.resume.as_deref().unwrap_or("".as_ref());
        format!(
            "{}: cannot be written, so the search can not go on from there: {what}",
            path.display()
        )
    }
}
