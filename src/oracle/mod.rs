//! The oracles: one file per property, each named by what it forbids.
//!
//! An oracle reads the records of a run, in order, and adds findings. It keeps a shadow of what it
//! needs and asks the protocol code nothing. Lock findings come from the validator, waits from the
//! machine; those oracles only give them their kind.

mod assertion;
mod elision;
mod frozen;
mod key;
mod stale;
mod starvation;
mod stuck;
mod unbalanced;
mod unpaired;
mod validator;
mod waits;
mod weight;

use crate::kvm::Variant;
use crate::kvm::trace::Event;
use crate::machine::Policy;
use crate::machine::sim::{Alarm, Fingerprint, Inspect, Object, Record, What};

#[cfg(feature = "explore")]
pub(crate) use validator::kind_of as reported_kind;
pub use waits::{WaitStep, wait_steps};
pub use weight::worst;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What a finding is a case of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of the table of results.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// The name used in JSON, reports and signatures.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// A strong cycle in the dependency graph.
    LockOrder = "lock-order",
    /// Re-acquisition of a held class that no read rule or nesting annotation allows.
    RecursiveLock = "recursive-lock",
    /// A conflict between irq-safe and irq-unsafe locks.
    IrqOrder = "irq-order",
    /// Release of what is not held.
    UnlockBalance = "unlock-balance",
    /// An operation or task that ends with locks held that its contract forbids.
    HeldAtExit = "held-at-exit",
    /// Sleeping in a non-blockable section or under a spinning lock.
    SleepInAtomic = "sleep-in-atomic",
    /// Tasks that no running task can ever wake.
    Deadlock = "deadlock",
    /// A waiter asleep whose condition holds and whom nobody will wake.
    LostWakeup = "lost-wakeup",
    /// A fault waits to retry, nobody else can step, no region of its VM is open.
    Livelock = "livelock",
    /// A waiter bypassed at least once by a later arrival.
    Starvation = "starvation",
    /// A notifier count that underflows, leaks, or changes outside its lock.
    UnbalancedCount = "unbalanced-count",
    /// START and END of one region deciding differently about taking mmu_lock.
    ElisionDisagreement = "elision-disagreement",
    /// A memslots array published between the deciding lookups of one region.
    MemslotsNotFrozen = "memslots-not-frozen",
    /// A subscriber that sees START without END, or END without START.
    UnpairedRegion = "unpaired-region",
    /// A secondary mapping of a page that the primary MMU has unmapped or freed.
    StaleMapping = "stale-mapping",
    /// A touch of a memslot array, slot or page after it was freed.
    UseAfterFree = "use-after-free",
    /// A WARN, BUG or lockdep_assert of the modelled code firing.
    Assertion = "assertion",
}

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Breaks the verdict.
    Violation,
    /// Known to and stated by the variant's (or policy's) own source; leaves the verdict clean.
    Documented,
}

impl Severity {
    /// The name used in JSON and reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Violation => "violation",
            Severity::Documented => "documented",
        }
    }
}

/// Identity of a finding across runs: a hash of kind and canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature(pub u64);

impl Signature {
    /// The signature of a kind and the parts of its canonical form (FNV-1a, 64 bits).
    pub(crate) fn of<'a>(kind: Kind, parts: impl IntoIterator<Item = &'a str>) -> Signature {
        let mut hash = fnv(0xcbf2_9ce4_8422_2325, kind.name());
        for part in parts {
            hash = fnv(hash, " ");
            hash = fnv(hash, part);
        }
        Signature(hash)
    }
}

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What stands behind a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The validator's report of that index.
    Report(u16),
    /// The waits of that index in [`Inspect::cycles`].
    Waits(u16),
    /// A broken invariant, in words that are its signature.
    Invariant(&'static str),
    /// The same, at a function.
    At(&'static str, &'static str),
    /// A waiter passed so many times; what it waited for.
    Bypassed(&'static str, u32),
}

/// One finding of a run; `Runner::describe` puts it into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is a case of.
    pub kind: Kind,
    /// How it counts.
    pub severity: Severity,
    /// Its identity across runs.
    pub signature: Signature,
    /// The event of the run at which it showed.
    pub event: u32,
    /// The task that ran then.
    pub task: u8,
    /// What stands behind it.
    pub evidence: Evidence,
}

/// What oracles may know of a run beside its records.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The protocol version.
    pub variant: Variant,
    /// Admission rule of every rwsem.
    pub policy: Policy,
}

/// Where oracles put their findings: each signature once.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    list: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, record: (u32, u8), kind: Kind, severity: Severity, evidence: Evidence) {
        let signature = match evidence {
            Evidence::Invariant(what) => Signature::of(kind, [what]),
            Evidence::At(what, function) => Signature::of(kind, [what, function]),
            Evidence::Bypassed(what, _) => Signature::of(kind, [what]),
            Evidence::Report(_) | Evidence::Waits(_) => return,
        };
        self.add_signed(record, kind, severity, evidence, signature);
    }

    fn add_signed(
        &mut self,
        (event, task): (u32, u8),
        kind: Kind,
        severity: Severity,
        evidence: Evidence,
        signature: Signature,
    ) {
        if self.list.iter().all(|f| f.signature != signature) {
            self.list.push(Finding { kind, severity, signature, event, task, evidence });
        }
    }

    /// An invariant does not hold.
    fn broken(&mut self, at: &Record<Event>, kind: Kind, what: &'static str) {
        self.add((at.event, at.task), kind, Severity::Violation, Evidence::Invariant(what));
    }
}

/// All oracles: the registry. One line here for each.
#[derive(Clone, Debug, Default)]
pub struct Oracles {
    assertion: assertion::Assertions,
    elision: elision::ElisionDisagreement,
    frozen: frozen::MemslotsNotFrozen,
    stale: stale::StaleMapping,
    starvation: starvation::Starvation,
    unbalanced: unbalanced::UnbalancedCount,
    unpaired: unpaired::UnpairedRegion,
}

impl Oracles {
    /// Judges a finished run; `findings` gets what is wrong with it.
    pub fn judge(&mut self, seen: &Inspect<'_, Event>, facts: Facts, findings: &mut Vec<Finding>) {
        self.begin();
        for record in seen.records {
            self.follow(seen, record, facts, findings);
        }
        self.end(seen, findings);
    }

    /// A run begins: nothing has been seen.
    pub fn begin(&mut self) {
        self.reset();
    }

    /// The run's next record.
    pub fn follow(
        &mut self,
        seen: &Inspect<'_, Event>,
        record: &Record<Event>,
        facts: Facts,
        findings: &mut Vec<Finding>,
    ) {
        let findings = &mut Findings { list: findings };
        match record.what {
            What::Trace(event) => self.see(record, event, facts, findings),
            What::Alarm(alarm) => self.hear(seen, record, alarm, findings),
            _ => {}
        }
    }

    /// The run is over, or cut where others have gone on.
    pub fn end(&mut self, seen: &Inspect<'_, Event>, findings: &mut Vec<Finding>) {
        let findings = &mut Findings { list: findings };
        validator::lock_order(seen, findings);
        self.starvation.end(findings);
    }

    /// Adds what they remember of the run so far that can still change a verdict to what stands for
    /// each task: nothing that they remember is of no task.
    pub fn remember(&self, tasks: &mut [Fingerprint]) {
        let regions = (self.assertion.regions())
            .chain(self.elision.regions())
            .chain(self.frozen.regions())
            .chain(self.starvation.regions())
            .chain(self.unbalanced.regions())
            .chain(self.unpaired.regions());
        let some = regions.enumerate().filter(|(_, regions)| !regions.is_empty());
        some.for_each(|(i, regions)| regions.add(i, tasks));
    }

    /// What a record is compared with that the protocol itself need not touch: `touch` gets each
    /// object, and whether the record changes it. To be asked before the record is followed.
    pub fn touched(&self, record: &Record<Event>, touch: impl FnMut(Object, bool)) {
        if let What::Trace(event) = record.what {
            self.stale.touched(event, touch);
        }
    }

    fn reset(&mut self) {
        self.assertion = Default::default();
        self.elision = Default::default();
        self.frozen = Default::default();
        self.stale.reset();
        self.starvation.reset();
        self.unbalanced = Default::default();
        self.unpaired = Default::default();
    }

    fn see(&mut self, at: &Record<Event>, event: Event, facts: Facts, out: &mut Findings<'_>) {
        self.assertion.see(at, event, facts, out);
        self.elision.see(at, event, out);
        self.frozen.see(at, event, out);
        self.stale.see(at, event, out);
        self.starvation.see(at, event);
        self.unbalanced.see(at, event, out);
        self.unpaired.see(at, event, out);
    }

    fn hear(
        &mut self,
        seen: &Inspect<'_, Event>,
        at: &Record<Event>,
        alarm: Alarm,
        out: &mut Findings<'_>,
    ) {
        match alarm {
            Alarm::Validator(report) => validator::judge(seen, at, report, out),
            Alarm::SleepInAtomic { at: site, nonblock } => {
                stuck::sleep_in_atomic(at, site, nonblock, out);
            }
            Alarm::Bypassed(lock) => self.starvation.bypassed(seen, at, lock),
            Alarm::Stuck(doom, cycle) => stuck::judge(seen, at, doom, cycle, out),
        }
    }
}
