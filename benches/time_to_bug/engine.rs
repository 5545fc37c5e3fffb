//! The engines: ways of making cases. Each is a function of its seed and of what its own cases showed.

use clap::ValueEnum;
use kvm_lock_fuzz::case::mutate::{crossover, mutate};
use kvm_lock_fuzz::case::{Burst, Case, MAX_BURSTS, Tail, Until, random};
use kvm_lock_fuzz::kvm::Place;
use kvm_lock_fuzz::prng::Prng;
use kvm_lock_fuzz::run::Runner;
use kvm_lock_fuzz::target::Features;
use kvm_lock_fuzz::target::overlap::Overlap;

/// Cases that the guided engine starts from.
const FIRST: u64 = 200;
/// Longest case that mutation makes, in bytes.
const LONGEST: usize = 1 + 8 * 64;

/// A way of making cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// What the decoder makes of random bytes.
    Random,
    /// Random cases, mutated without any feedback.
    Mutated,
    /// Mutations of cases that showed a new meeting, from random ones on.
    Guided,
    /// Random programs under PCT of a random depth.
    Pct,
    /// Random programs under bursts that end at places, then a fair tail.
    Bursts,
    /// Random, guided, PCT and bursts in turn.
    Mixed,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Engine; 6] = [
        Engine::Random,
        Engine::Mutated,
        Engine::Guided,
        Engine::Pct,
        Engine::Bursts,
        Engine::Mixed,
    ];

    /// The name in rows and tables.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Random => "random",
            Engine::Mutated => "mutated",
            Engine::Guided => "guided",
            Engine::Pct => "pct",
            Engine::Bursts => "bursts",
            Engine::Mixed => "mixed",
        }
    }
}

/// An engine at work.
pub struct State {
    engine: Engine,
    seed: u64,
    prng: Prng,
    bytes: Vec<u8>,
    case: Case,
    /// Whether the guided engine made the case at hand.
    guided: bool,
    corpus: Vec<Vec<u8>>,
    seen: Features,
    features: Features,
    overlap: Overlap,
}

impl State {
    pub fn new(engine: Engine, seed: u64) -> State {
        State {
            engine,
            seed,
            prng: Prng(seed),
            bytes: Vec::new(),
            case: Case::default(),
            guided: false,
            corpus: Vec::new(),
            seen: Features::new(),
            features: Features::new(),
            overlap: Overlap::default(),
        }
    }

    /// Case number `index`.
    pub fn draw(&mut self, index: u64) -> &mut Case {
        let engine = match self.engine {
            Engine::Mixed => {
                const TURNS: [Engine; 4] =
                    [Engine::Random, Engine::Guided, Engine::Pct, Engine::Bursts];
                TURNS[(index % 4) as usize]
            }
            engine => engine,
        };
        self.guided = engine == Engine::Guided;
        if self.guided && index >= FIRST && !self.corpus.is_empty() {
            self.mutate_one();
        } else {
            random::draw(self.seed, index, &mut self.bytes);
        }
        if engine == Engine::Mutated {
            self.mutate(4);
        }
        self.case.decode_into(&self.bytes);
        match engine {
            Engine::Pct => self.draw_pct(),
            Engine::Bursts => self.draw_bursts(),
            _ => {}
        }
        &mut self.case
    }

    /// What the guided engine keeps of the case at hand.
    pub fn learn(&mut self, runner: &mut Runner) {
        if !self.guided {
            return;
        }
        self.features = Features::new();
        runner.inspect(|seen| self.overlap.mark(seen.records, &self.features));
        if self.seen.merge(&self.features) {
            self.corpus.push(self.bytes.clone());
        }
    }

    fn mutate_one(&mut self) {
        let pick = |prng: &mut Prng, len: usize| prng.below(len as u32) as usize;
        let one = pick(&mut self.prng, self.corpus.len());
        if self.prng.below(8) == 0 {
            let two = pick(&mut self.prng, self.corpus.len());
            self.bytes.resize(LONGEST, 0);
            let seed = self.prng.next() as u32;
            let size = crossover(&self.corpus[one], &self.corpus[two], &mut self.bytes, seed);
            self.bytes.truncate(size);
        } else {
            self.bytes.clone_from(&self.corpus[one]);
        }
        let rounds = 1 + self.prng.below(4);
        self.mutate(rounds);
    }

    fn mutate(&mut self, rounds: u32) {
        let mut size = self.bytes.len();
        self.bytes.resize(LONGEST.max(size), 0);
        for _ in 0..rounds {
            let seed = self.prng.next() as u32;
            size = mutate(&mut self.bytes, size, LONGEST, seed, |_, size, _| size);
        }
        self.bytes.truncate(size);
    }

    fn draw_pct(&mut self) {
        let seed = self.prng.next() as u16;
        self.case.schedule.bursts.clear();
        self.case.schedule.tail = Tail::Pct { seed, depth: 1 + self.prng.below(8) as u8 };
    }

    fn draw_bursts(&mut self) {
        let tasks = self.case.programs.tasks() as u32;
        let bursts = &mut self.case.schedule.bursts;
        bursts.clear();
        for _ in 0..self.prng.below(MAX_BURSTS as u32 / 2) {
            let task = self.prng.below(tasks.max(1)) as u8;
            bursts.push(Burst { task, until: until(&mut self.prng) });
        }
        self.case.schedule.tail = Tail::Fair;
    }
}

fn until(prng: &mut Prng) -> Until {
    match prng.below(4) {
        0 => Until::Blocked,
        1 => Until::Points(1 + prng.below(32) as u8),
        _ => Until::Place(Place::ALL[prng.below(Place::ALL.len() as u32) as usize]),
    }
}
