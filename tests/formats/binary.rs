//! Both versions of the binary form, byte for byte: inputs with the text that they stand for, and
//! the meaning of every code.

use std::fmt::Write;

use kvm_lock_fuzz::case::binary::RECORD;
use kvm_lock_fuzz::case::{Case, Op, Registrant, Tail, Until};

use crate::common;

/// A file of inputs: `= HEX`, and in the lines below it the text. An input never changes its
/// meaning, so `UPDATE_GOLDEN` fills in the text of those that have none and leaves the others.
fn inputs_keep_their_text(name: &str, version: fn(u8) -> bool) {
    let path = common::path("tests/golden").join(name);
    let file = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (head, blocks) = file.split_once("= ").expect("an input");
    let mut filled = head.to_owned();
    let mut inputs = 0;
    for block in blocks.split("\n= ") {
        let (hex, text) = block.split_once('\n').unwrap_or((block, ""));
        let bytes = bytes(hex);
        assert!(version(bytes.first().copied().unwrap_or_default()), "{name}: = {hex}");
        let case = Case::decode(&bytes).to_string();
        let update = text.is_empty() && std::env::var_os("UPDATE_GOLDEN").is_some();
        assert!(
            update || text.trim_end() == case.trim_end(),
            "{name}: = {hex}\n{text}\nis\n{case}"
        );
        _ = write!(filled, "= {hex}\n{case}");
        inputs += 1;
    }
    assert!(inputs >= 200, "{name} has {inputs} inputs");
    if filled != file {
        assert!(std::env::var_os("UPDATE_GOLDEN").is_some(), "{name} has inputs without a text");
        std::fs::write(path, filled).unwrap();
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { panic!("{hex}: half a byte") };
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.iter().map(byte).collect()
}

#[test]
fn inputs_of_version_1_keep_their_meaning() {
    inputs_keep_their_text("binary-v1.txt", |version| version != 2);
}

#[test]
fn codes_of_version_1_keep_their_meaning() {
    common::golden("binary-v1-codes.txt", &codes(1));
}

#[test]
fn inputs_of_version_2_keep_their_meaning() {
    inputs_keep_their_text("binary-v2.txt", |version| version == 2);
}

/// A code that is assigned later changes its own entry here and no other.
#[test]
fn codes_of_version_2_keep_their_meaning() {
    common::golden("binary-v2-codes.txt", &codes(2));
}

/// Corpora of version 1 are raised to version 2 by the mutator. Bugs that are younger than version 2
/// have no code in version 1.
#[test]
fn what_was_encoded_in_version_1_means_the_same_in_version_2() {
    let codes = codes(1);
    let known = |case: &Case| {
        case.bug.is_none_or(|bug| codes.split_whitespace().any(|word| word == bug.id()))
    };
    for folder in ["corpus/protocol", "tests/cases/bugs", "tests/cases/kinds"] {
        for (path, case) in common::cases_in(folder).into_iter().filter(|(_, case)| known(case)) {
            let mut bytes = case.encode();
            assert_eq!(bytes[0], 2);
            for version in [1, 0, 3, 9, 0x7f, 0xff] {
                bytes[0] = version;
                assert_eq!(Case::decode(&bytes), case, "{}", path.display());
            }
        }
    }
}

/// A registry as the binary form sees it: a record with that code, and what a case shows of it.
struct Registry {
    name: &'static str,
    record: fn(u8) -> [u8; RECORD],
    word: fn(&Case) -> Option<String>,
}

const OPEN: u8 = 0;
const FLAGS: u8 = 6;
const BURST: u8 = 8;
const REGISTRANT: u8 = 9;
const CONFIG: u8 = 11;
const TAIL: u8 = 12;
const EXACT: u8 = 0xff;

const REGISTRIES: [Registry; 10] = [
    Registry {
        name: "record",
        record: |code| [code, 1, 2, 0x20, 4, 5, 0, EXACT],
        word: |case| Some(record_of(case)),
    },
    Registry {
        name: "opener",
        record: |code| [OPEN, 0, code, 0, 0, 0, 0, EXACT],
        word: |case| match case.programs.ops.first()? {
            Op::Open { opener, .. } => Some(opener.name().into()),
            _ => None,
        },
    },
    Registry {
        name: "flags",
        record: |code| [FLAGS, 0, 0, code, 0, 0, 0, EXACT],
        word: |case| match case.programs.ops.first()? {
            Op::Flags { log_dirty, .. } => {
                Some(if *log_dirty { "log-dirty" } else { "none" }.into())
            }
            _ => None,
        },
    },
    Registry {
        name: "until",
        record: |code| [BURST, 0, code, 3, 0, 0, 0, EXACT],
        word: |case| match case.schedule.bursts.first()?.until {
            Until::Place(_) => Some("PLACE".into()),
            Until::Blocked => Some("blocked".into()),
            Until::Points(_) => Some("*N".into()),
        },
    },
    Registry {
        name: "place",
        record: |code| [BURST, 0, 0, code, 0, 0, 0, EXACT],
        word: |case| match case.schedule.bursts.first()?.until {
            Until::Place(place) => Some(place.name().into()),
            _ => None,
        },
    },
    Registry {
        name: "registrant",
        record: |code| [REGISTRANT, 0, code, 0, 0, 0, 0, EXACT],
        word: |case| match case.config.registrants.first()? {
            Registrant::Vm(slots) => Some(format!("vm({})", slots.len())),
            Registrant::Sleeper => Some("sleeper".into()),
            Registrant::Refuser => Some("refuser".into()),
        },
    },
    Registry {
        name: "variant",
        record: |code| [CONFIG, code, 0, 0, 0, 0, 0, EXACT],
        word: |case| Some(case.variant.name().into()),
    },
    Registry {
        name: "policy",
        record: |code| [CONFIG, 0, 0, code, 0, 0, 0, EXACT],
        word: |case| Some(case.config.policy.name().into()),
    },
    Registry {
        name: "bug",
        record: |code| [CONFIG, 0, code, 0, 0, 0, 0, EXACT],
        word: |case| case.bug.map(|bug| bug.id().into()),
    },
    Registry {
        name: "tail",
        record: |code| [TAIL, code, 0, 0, 0, 0, 0, EXACT],
        word: |case| match case.schedule.tail {
            Tail::Fair => Some("fair".into()),
            Tail::Random { .. } => Some("random".into()),
            Tail::Pct { .. } => Some("pct".into()),
        },
    },
];

/// Which record it was, from what it left in the case.
fn record_of(case: &Case) -> String {
    let op = case.programs.ops.first().filter(|_| case.programs != Case::decode(&[]).programs);
    let word = match op {
        Some(Op::Open { .. }) => "OPENER",
        Some(Op::Split { .. }) => "split",
        Some(Op::Create { .. }) => "create",
        Some(Op::Delete { .. }) => "delete",
        Some(Op::Move { .. }) => "move",
        Some(Op::Flags { .. }) => "flags",
        Some(Op::Fault { .. }) => "fault",
        Some(Op::End) => "an end that opens nothing",
        None if !case.schedule.bursts.is_empty() => "BURST",
        None if case.schedule.tail != Tail::Fair => "TAIL",
        None if case.variant != Case::default().variant => "CONFIG",
        None => match case.config.registrants.as_slice() {
            [Registrant::Vm(slots)] if slots.len() == 2 => "SLOT",
            [Registrant::Vm(_)] => "end",
            _ => "REGISTRANT",
        },
    };
    word.into()
}

/// What each of the 256 codes of a registry stands for. A bug shows in its own variant only, so
/// that each code is tried with every variant.
fn meanings(registry: &Registry, version: u8) -> Vec<String> {
    let word = |record: [u8; RECORD]| {
        let mut input = vec![version];
        input.extend(record);
        (registry.word)(&Case::decode(&input))
    };
    let meaning = |code: u8| {
        let record = (registry.record)(code);
        let any_variant = |variant| word([record[0], variant, record[2], 0, 0, 0, 0, record[7]]);
        let shown = match registry.name {
            "bug" => (0..=u8::MAX).find_map(any_variant),
            _ => word(record),
        };
        shown.unwrap_or_else(|| "none".into())
    };
    (0..=u8::MAX).map(meaning).collect()
}

/// All registries, sixteen codes a line.
fn codes(version: u8) -> String {
    let mut text = String::new();
    for registry in &REGISTRIES {
        for (line, words) in meanings(registry, version).chunks(16).enumerate() {
            _ = writeln!(text, "{} {:02x}: {}", registry.name, 16 * line, words.join(" "));
        }
    }
    text
}
