//! Full tables: at which event, which text, and how much memory.

use kvm_lock_fuzz::lockdep::script::{ScriptSymbols, parse};
use kvm_lock_fuzz::lockdep::*;

struct Machine {
    lockdep: Lockdep,
    task: TaskId,
    locks: Vec<InstanceId>,
}

fn machine(mode: Mode, classes: usize) -> Machine {
    let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
    let task = lockdep.declare_task();
    let locks = (0..classes).map(|i| {
        let name = format!("c{i}");
        let key = lockdep.declare_key(&KeyDesc { name: &name, ..KeyDesc::default() });
        lockdep.declare_instance(key, 0)
    });
    let locks = locks.collect();
    Machine { lockdep, task, locks }
}

impl Machine {
    fn acquire(&mut self, lock: usize, read: Read) -> bool {
        self.lockdep.acquire(self.task, &Acquire::new(self.locks[lock], read, Site(7)))
    }

    fn release(&mut self, lock: usize) -> bool {
        self.lockdep.release(self.task, self.locks[lock], Site(8))
    }

    fn text(&self) -> String {
        let script = parse::<&str>(&["task T"], &[]).expect("a script");
        let report = self.lockdep.reports().first().expect("a report");
        render(&self.lockdep, report, &ScriptSymbols(&script), Form::V6_1)
    }
}

fn two_lines(limit: &str) -> String {
    format!(
        "BUG: {limit} too low!\nturning off the locking correctness validator.\n<dump_stack ev7>\n"
    )
}

#[test]
fn classes() {
    let mut m = machine(Mode::Kernel, MAX_LOCKDEP_KEYS + 1);
    for lock in 0..MAX_LOCKDEP_KEYS {
        assert!(!m.acquire(lock, Read::Exclusive));
        m.release(lock);
    }
    assert!(m.acquire(MAX_LOCKDEP_KEYS, Read::Exclusive));
    assert_eq!(m.text(), two_lines("MAX_LOCKDEP_KEYS"));
}

#[test]
fn edges() {
    let n = 200;
    let mut m = machine(Mode::Kernel, n);
    let mut added = 0;
    for (held, new) in (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))) {
        m.acquire(held, Read::Exclusive);
        let reported = m.acquire(new, Read::Exclusive);
        assert_eq!(reported, added == MAX_EDGES);
        if reported {
            break;
        }
        m.release(new);
        m.release(held);
        added += 1;
    }
    assert_eq!((added, m.text()), (MAX_EDGES, two_lines("MAX_LOCKDEP_ENTRIES")));
}

const MODES: [Read; 3] = [Read::Exclusive, Read::Shared, Read::Recursive];

#[test]
fn chains() {
    let n = 130;
    let mut m = machine(Mode::Kernel, n);
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let modes = MODES.iter().flat_map(|held| MODES.iter().map(move |new| (*held, *new)));
    for ((held, new), modes) in pairs.flat_map(|pair| modes.clone().map(move |m| (pair, m))) {
        if m.acquire(held, modes.0) || m.acquire(new, modes.1) {
            break;
        }
        m.release(new);
        m.release(held);
    }
    assert_eq!(m.lockdep.chain_counts(), [65_536, 0, 0]);
    assert_eq!(m.text(), two_lines("MAX_LOCKDEP_CHAINS"));
}

/// Sixteen locks, each in one of two modes: the sequences share their beginnings, but most of them
/// are long.
#[test]
fn chain_elements() {
    let mut m = machine(Mode::Kernel, 16);
    'full: for bits in 0..1_usize << 16 {
        for lock in 0..16 {
            let mode = if (bits >> lock) & 1 == 0 { Read::Recursive } else { Read::Shared };
            if m.acquire(lock, mode) {
                break 'full;
            }
        }
        (0..16).rev().for_each(|lock| assert!(!m.release(lock)));
    }
    assert_eq!(m.text(), two_lines("MAX_LOCKDEP_CHAIN_HLOCKS"));
}

#[test]
fn complete_mode_goes_on_at_every_limit() {
    let mut m = machine(Mode::Complete, MAX_LOCKDEP_KEYS + 5);
    for lock in 0..MAX_LOCKDEP_KEYS + 5 {
        m.acquire(lock, Read::Exclusive);
        assert!(!m.release(lock));
    }
    assert_eq!((0..60).filter(|_| m.acquire(0, Read::Recursive)).count(), 1);
    assert_eq!(m.lockdep.held(m.task).len(), MAX_LOCK_DEPTH);
    assert!((0..60).all(|_| !m.release(0)));
    assert!(m.release(0));
    let kinds: Vec<Kind> = m.lockdep.reports().iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [Kind::Limit, Kind::Limit, Kind::BadUnlock]);
    m.lockdep.reset();
    assert!(!m.acquire(MAX_LOCKDEP_KEYS + 4, Read::Exclusive));
}

/// Every table as full as it gets.
#[test]
fn memory_is_bounded() {
    for (mode, most) in [(Mode::Kernel, 4 << 20), (Mode::Complete, 7 << 20)] {
        let mut m = machine(mode, MAX_LOCKDEP_KEYS);
        let declared = m.lockdep.memory();
        for i in 0..MAX_EDGES + 1000 {
            let (held, new) = (i % 2048, 2048 + (i / 2048 * 683 + i) % 6144);
            for read in MODES.into_iter().cycle().take(4) {
                m.acquire(held, read);
                m.acquire(new, Read::Recursive);
                m.release(new);
                m.release(held);
            }
        }
        let used = m.lockdep.memory() - declared;
        assert!(m.lockdep.edges().len() == MAX_EDGES && used < most, "{used}");
        let before = m.lockdep.memory();
        m.lockdep.reset();
        assert_eq!(m.lockdep.memory(), before);
    }
    assert!(Lockdep::new(Config::default()).memory() < 8 << 10);
}

/// Identities of another engine are ignored.
#[test]
fn foreign_identities_do_nothing() {
    let big = machine(Mode::Kernel, 3);
    for mode in [Mode::Kernel, Mode::Complete] {
        let mut small = machine(mode, 1);
        let other = Acquire::exclusive(big.locks[2], Site(0)).nest(big.locks[1]);
        small.lockdep.acquire(small.task, &other);
        small.lockdep.release(small.task, big.locks[2], Site(0));
        small.lockdep.set_subclass(small.task, big.locks[2], 1, Site(0));
        small.lockdep.free(small.task, big.locks[2], Site(0));
        small.lockdep.finish();
    }
}
