//! Signatures: what makes two reports the same finding.
//!
//! A signature depends on class names, subclasses, read modes and, where a class repeats, on
//! whether it is the same lock; never on identities, addresses, the task, or where a cycle was
//! entered. It is a 64-bit hash for comparing and a line of text for people, both made of the same
//! parts.

use super::super::types::{ClassId, KeyId, Read};
use super::super::usage::bit_name;
use super::Lockdep;
use super::cycle::CycleStep;
use super::graph::{EN, ER, SN, SR, dependency_kind};
use super::report::{Detail, HeldView, Kind, Limit, Report, read_name};

/// A word of a signature.
#[derive(Clone, Copy)]
enum Part {
    Class(ClassId),
    Key(KeyId),
    Read(Read),
    Edge(u8),
    Bit(u8),
    Number(u8),
    SameLock(bool),
}

/// How a kind of dependency is printed.
pub fn dependency_name(kind: u8) -> &'static str {
    match kind {
        SR => "-SR->",
        ER => "-ER->",
        SN => "-SN->",
        EN => "-EN->",
        _ => "->",
    }
}

fn digest(hash: u64, value: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ value).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ mixed >> 32
}

impl Lockdep {
    /// A report's signature as a line of text: the kind, then what makes it this finding.
    pub fn signature(&self, report: &Report) -> String {
        let mut text = report.kind.name().to_owned();
        self.signature_parts(report, &mut |part| {
            text.push(' ');
            text += &self.part_text(part);
        });
        text
    }

    /// A report's signature for comparing.
    pub(super) fn signature_hash(&self, report: &Report) -> u64 {
        let mut hash = report.kind as u64 + 1;
        self.signature_parts(report, &mut |part| hash = digest(hash, self.part_hash(part)));
        hash
    }

    /// Signature of the lock-order finding that a canonical cycle is.
    pub(super) fn cycle_signature(&self, classes: &[ClassId], kinds: &[u8]) -> u64 {
        let mut hash = Kind::Circular as u64 + 1;
        let steps = classes.iter().zip(kinds).map(|(&class, &kind)| CycleStep { class, kind });
        cycle_parts(steps, &mut |part| hash = digest(hash, self.part_hash(part)));
        hash
    }

    fn signature_parts(&self, report: &Report, part: &mut dyn FnMut(Part)) {
        match report.kind {
            Kind::Circular => cycle_parts(self.report_cycle(report).into_iter(), part),
            Kind::UserHeld | Kind::ExitHeld => {
                self.report_held(report).iter().for_each(|held| held_parts(held, part));
            }
            Kind::IrqOrder => self.order_parts(report, part),
            _ => self.plain_parts(report, part),
        }
    }

    fn plain_parts(&self, report: &Report, part: &mut dyn FnMut(Part)) {
        report.other.iter().for_each(|other| held_parts(other, part));
        report.subject.iter().for_each(|subject| held_parts(subject, part));
        if let (Kind::Recursive, Some(a), Some(b)) = (report.kind, report.other, report.subject) {
            part(Part::SameLock(a.lock.instance == b.lock.instance));
        }
        report.first_path().and_then(|range| self.log.steps.get(range)).iter().for_each(|steps| {
            steps.first().iter().for_each(|found| part(Part::Class(found.class)));
        });
        match report.detail {
            Detail::IrqInversion { new_bit, found_bit: bit }
            | Detail::Inconsistent { new_bit, old_bit: bit, .. } => {
                part(Part::Bit(bit));
                part(Part::Bit(new_bit));
            }
            Detail::WaitContext { context } => part(Part::Number(context)),
            Detail::Instance(instance) => {
                self.instance_key(instance).iter().for_each(|key| part(Part::Key(*key)));
            }
            Detail::Limit(limit) => part(Part::Number(limit_number(limit))),
            Detail::Plain | Detail::IrqOrder { .. } => {}
        }
    }

    /// Safe class and bit, the new dependency, unsafe class and bit.
    fn order_parts(&self, report: &Report, part: &mut dyn FnMut(Part)) {
        let Detail::IrqOrder { safe_bit, unsafe_bit } = report.detail else { return };
        let ends = [0, 1].map(|n| self.report_path(report, n).first().map(|step| step.class));
        ends[0].iter().for_each(|class| part(Part::Class(*class)));
        part(Part::Bit(safe_bit));
        report.other.iter().for_each(|held| held_parts(held, part));
        report.subject.iter().for_each(|new| held_parts(new, part));
        ends[1].iter().for_each(|class| part(Part::Class(*class)));
        part(Part::Bit(unsafe_bit));
    }

    /// The cycle of a `circular` report in canonical form; empty for other kinds.
    pub fn report_cycle(&self, report: &Report) -> Vec<CycleStep> {
        let path = self.report_path(report, 0);
        let (Kind::Circular, Some(held), Some(new)) = (report.kind, report.other, report.subject)
        else {
            return Vec::new();
        };
        let classes: Vec<ClassId> = path.iter().rev().map(|step| step.class).collect();
        let closing = dependency_kind(held.lock.read, new.lock.read);
        let sets = path.iter().rev().skip(1).map(|step| step.kinds).chain([closing]);
        self.canonical_cycle(&classes, &sets.collect::<Vec<u8>>())
    }

    fn part_text(&self, part: Part) -> String {
        match part {
            Part::Class(class) => {
                let c = &self.classes[class.index()];
                let suffix =
                    if c.subclass > 0 { format!("/{}", c.subclass) } else { String::new() };
                self.key_name(c.key).to_owned() + &suffix
            }
            Part::Key(key) => self.key_name(key).to_owned(),
            Part::Read(read) => read_name(read).to_owned(),
            Part::Edge(kind) => dependency_name(kind).to_owned(),
            Part::Bit(bit) => format!("{{{}}}", bit_name(bit)),
            Part::Number(number) => number.to_string(),
            Part::SameLock(same) => {
                if same { "same-instance" } else { "other-instance" }.to_owned()
            }
        }
    }

    fn part_hash(&self, part: Part) -> u64 {
        match part {
            Part::Class(class) => self.class_hash(class),
            Part::Key(key) => self.key_hash(key),
            Part::Read(read) => read as u64,
            Part::Edge(number) | Part::Bit(number) | Part::Number(number) => u64::from(number),
            Part::SameLock(same) => u64::from(same),
        }
    }
}

fn cycle_parts(cycle: impl Iterator<Item = CycleStep>, part: &mut dyn FnMut(Part)) {
    let mut first = None;
    for step in cycle {
        first = first.or(Some(step.class));
        part(Part::Class(step.class));
        part(Part::Edge(step.kind));
    }
    first.iter().for_each(|class| part(Part::Class(*class)));
}

fn held_parts(held: &HeldView, part: &mut dyn FnMut(Part)) {
    part(Part::Class(held.lock.class));
    part(Part::Read(held.lock.read));
}

fn limit_number(limit: Limit) -> u8 {
    match limit {
        Limit::Subclass(subclass) => subclass,
        Limit::Depth => 1,
        Limit::Classes => 2,
        Limit::Edges => 3,
        Limit::Chains => 4,
        Limit::ChainElements => 5,
    }
}
