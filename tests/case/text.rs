//! The text form: what it reads, and what it says to text that is no case.

use kvm_lock_fuzz::case::text::MAX_TEXT;
use kvm_lock_fuzz::case::{Burst, Case, Op, Opener, Tail, Until};
use kvm_lock_fuzz::kvm::{Bug, Place, Variant};
use kvm_lock_fuzz::mm::Pages;
use proptest::prelude::*;

use crate::cases::legal;

/// The example of the design.
const NESTED: &str = "\
# START, writer queued, nested START: the rwsem scheme hangs for real
variant rwsem
vm vm0
  slot 0  gfn 0x00..0x08  hva 0x100
task mremapper
  mremap 0x200..0x240
    split 0x200..0x240
  end
task vmm
  memslot create 1  gfn 0x10..0x14  hva 0x300
schedule mremapper until split, vmm until blocked
";

fn error(text: &str) -> String {
    Case::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_schedule_may_be_empty() {
    let program = "variant counted task a split 1 ";
    let case: Case = program.parse().expect("it is a case");
    for text in [format!("{program} schedule"), format!("schedule {program}")] {
        assert_eq!(text.parse::<Case>().as_ref(), Ok(&case), "{text}");
    }
    // A task with the name of a statement is meant where one has it.
    let named = "variant counted task split split 1 schedule split *1";
    assert_eq!(named.parse::<Case>().expect("it is a case").schedule.bursts.len(), 1);
}

#[test]
fn the_design_s_example_is_a_case() {
    let case = Case::parse(NESTED.as_bytes()).unwrap();
    assert_eq!(case.variant, Variant::Rwsem);
    let hva = Pages::new(0x200, 0x240);
    assert_eq!(
        case.programs.task(0),
        [Op::Open { opener: Opener::Mremap, hva }, Op::Split { hva, depth: 1 }, Op::End]
    );
    assert_eq!(
        case.schedule.bursts,
        [
            Burst { task: 0, until: Until::Place(Place::Split) },
            Burst { task: 1, until: Until::Blocked }
        ]
    );
    let printed: String = NESTED.split_inclusive('\n').skip(1).collect();
    assert_eq!(case.to_string(), printed);
}

#[test]
fn layout_only_separates() {
    let expected = Case::parse(NESTED.as_bytes()).unwrap();
    let without_comment = NESTED.split_once('\n').unwrap().1;
    let one_line = without_comment.replace('\n', " ");
    let one_word_a_line = without_comment.replace([' ', '\t'], "\n");
    let dos = format!("\u{feff}{}", NESTED.replace('\n', "\r\n").replace("  ", "\t"));
    for text in [one_line, one_word_a_line, dos] {
        assert_eq!(Case::parse(text.as_bytes()).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn every_statement_is_read() {
    let case: Case = "
        policy phase-fair  mm earlier  bug B29  variant counted
        subscriber sleeper
        vm a slot 3 gfn 4..5 hva 9  vm b
        subscriber refuser
        task x
          fault gfn 0x3 write b  fault gfn 4 read  cow 0x100 end
          memslot move 1 gfn 0x20 b  memslot flags 3 log-dirty  memslot flags 3 none a
          memslot delete 2
          fork 0..0x400 split 1 depth 4 end
          split 2..5 depth 2
        schedule x *255, x until blocked, then pct 7 depth 3"
        .parse()
        .unwrap();
    assert_eq!(case.bug, Some(Bug::B29));
    assert_eq!(case.programs.task(0)[0], Op::Fault { vm: 1, gfn: 3, write: true });
    assert_eq!(case.programs.ops.len(), 12);
    assert_eq!(case.schedule.bursts[0].until, Until::Points(255));
    assert_eq!(case.schedule.tail, Tail::Pct { seed: 7, depth: 3 });
}

#[test]
fn repeated_names_are_numbered() {
    let case: Case =
        "vm v task a fault gfn 1 task b fault gfn 2 task c reaper 3 end".parse().unwrap();
    let names: Vec<_> = (0..3).map(|task| case.task_name(task)).collect();
    assert_eq!(names, ["vcpu0", "vcpu1", "oom_reaper"]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let task = "vm v\ntask a\n";
    for (text, place) in [
        ("", "line 1, column 1: the case has no task;"),
        ("\u{feff}nonsense", "line 1, column 1: `nonsense` begins no statement;"),
        ("variant\n", "line 1, column 8: expected a word, found the end of the line;"),
        ("variant nosuch", "line 1, column 9: `nosuch` is no variant; choose one of always-lock,"),
        ("variant rwsem variant rwsem", "line 1, column 15: a second `variant`;"),
        ("bug B41 task a cow 1 end", "line 1, column 5: B41 is no bug of this variant;"),
        ("vm v vm v", "line 1, column 9: a second `v`;"),
        ("vm task", "line 1, column 4: `task` is a word of the grammar;"),
        ("task a cow 1 end task a cow 1 end", "line 1, column 23: a second `a`;"),
        ("slot 0 gfn 0..1 hva 0", "line 1, column 1: `slot` outside of a VM;"),
        ("cow 1 end", "line 1, column 1: an operation outside of a task;"),
        (&format!("{task} fault gfn 1 v2"), "line 3, column 14: `v2` is no VM; choose one of v"),
        (&format!("{task} fault gfn 0x100"), "line 3, column 2: guest frames end at 0x100;"),
        (&format!("{task} fault gfn 99999"), "line 3, column 12: the number is above 65535;"),
        (&format!("{task} fault gfn 0x"), "line 3, column 12: `0x` is no number;"),
        (&format!("{task} munmap 5..5 end"), "line 3, column 2: the range holds no page;"),
        (&format!("{task} munmap 0..0x401 end"), "line 3, column 2: host virtual pages end at"),
        (&format!("{task} cow 0..2 end"), "line 3, column 2: `cow` spans one page;"),
        (&format!("{task} end"), "line 3, column 2: `end` closes no region;"),
        (&format!("{task} fork 1\ntask b cow 1 end"), "line 3, column 2: the region is not closed"),
        (&format!("{task} fork 1 fault gfn 1 end"), "line 3, column 9: only a split may stand"),
        (&format!("{task} reaper 1 split 1 end"), "line 3, column 11: this opener's region"),
        (&format!("{task} split 1 depth 5"), "line 3, column 2: the depth of a split is 1 to 4;"),
        (&format!("{task} memslot erase 1"), "line 3, column 10: `erase` is no memslot update;"),
        (&format!("{task} split 1 schedule b *1"), "line 3, column 19: `b` is no task;"),
        (&format!("{task} split 1 schedule a *0"), "line 3, column 19: a burst takes 1 to 255"),
        (&format!("{task} split 1 schedule a until x"), "line 3, column 27: `x` is no place;"),
        (&format!("{task} split 1 schedule then pct 1 depth 9"), "line 3, column 19: the depth of"),
        ("task a\ntask b cow 1 end", "line 1, column 1: the task does nothing;"),
        ("task a fault gfn 1", "line 1, column 8: the case has no such VM;"),
        ("task a \u{e9}", "line 1, column 8: unexpected character 'é';"),
        ("# \u{e9}\u{e9} \0", "line 1, column 6: a NUL byte;"),
    ] {
        let error = error(text);
        assert!(error.starts_with(place), "{text:?}\n  says     {error}\n  expected {place}");
        assert!(error.contains("; "), "says how to mend it: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
    let invalid = Case::parse(b"variant rwsem\n# \xff").unwrap_err().to_string();
    assert!(invalid.starts_with("line 2, column 3: not UTF-8;"), "{invalid}");
}

#[test]
fn caps_are_told() {
    let ops = format!("vm v task a {}", "fault gfn 1 ".repeat(65));
    assert!(error(&ops).contains("column 781: more than 64 operations"), "{}", error(&ops));
    let bursts = format!("task a split 1 schedule {}", "a *1,".repeat(65));
    assert!(error(&bursts).contains("more than 64 bursts"));
    assert!(error("vm a vm b vm c").contains("more than 2 VMs"));
    assert!(error(&"subscriber sleeper ".repeat(5)).contains("more than 4 VMs and subscribers"));
    assert!(error(&format!("vm a {}", "slot 1 gfn 1 hva 1 ".repeat(5))).contains("more than 4"));
    let many: String = (0..9).map(|i| format!("task t{i} split 1 ")).collect();
    assert!(error(&many).contains("more than 8 tasks"));
    assert!(error(&"#".repeat(MAX_TEXT + 1)).contains(&format!("longer than {MAX_TEXT} bytes")));
}

#[test]
fn slots_of_a_vm_stand_apart() {
    assert!(error("vm v slot 1 gfn 0..4 hva 0 slot 1 gfn 4..5 hva 0").contains("with this id"));
    assert!(
        error("vm v slot 1 gfn 0..4 hva 0 slot 2 gfn 3..5 hva 0").contains("column 28: a memslot")
    );
    let same_hva = "vm v slot 1 gfn 0..4 hva 0 slot 2 gfn 4..8 hva 0 task a split 1";
    assert!(same_hva.parse::<Case>().is_ok());
}

proptest! {
    #[test]
    fn garbage_is_told_not_fatal(text: Vec<u8>) {
        _ = Case::parse(&text);
    }

    #[test]
    fn a_damaged_case_is_told_not_fatal(case in legal(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut text = case.to_string().into_bytes();
        let at = at.index(text.len());
        match cut {
            true => text.truncate(at),
            false => text[at] = byte,
        }
        if let Ok(damaged) = Case::parse(&text) {
            prop_assert_eq!(damaged.check(), Ok(()));
        }
    }
}

/// As in classic Mac files, in Windows files, and in those that an editor has mixed.
#[test]
fn lines_end_with_cr_too() {
    let expected = Case::parse(NESTED.as_bytes()).unwrap();
    for end in ["\r", "\r\n", "\n\r"] {
        assert_eq!(
            Case::parse(NESTED.replace('\n', end).as_bytes()).as_ref(),
            Ok(&expected),
            "{end:?}"
        );
    }
    for (text, place) in [
        ("# a comment\rvm v\rtask a\r  nonsense", "line 4, column 3: "),
        ("# a comment\r\nvm v\r\ntask a\r\n\r\n  nonsense", "line 5, column 3: "),
        ("vm v\r\rtask a\n\r  cow", "line 5, column 6: "),
    ] {
        let error = Case::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
}
