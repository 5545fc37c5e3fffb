//! The report that this project started from, and what a real kernel's locks did: compared with the
//! model's.

mod common;

use kvm_lock_fuzz::kvm::trace::Event;
use kvm_lock_fuzz::machine::sim::{Inspect, Record, What};
use kvm_lock_fuzz::machine::{LockId, Mode};
use kvm_lock_fuzz::oracle::Kind;
use kvm_lock_fuzz::run::{Options, Runner, kernel_splat};

/// The report without addresses, frames, task and kernel version, and without the backtrace.
fn normalised(splat: &str) -> String {
    let body = splat.split("stack backtrace:").next().unwrap_or_default();
    let lines = body.trim_start().lines().filter(|line| !is_frame(line)).map(line);
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
}

/// Frames are indented by seven columns; the heads of the scenario's columns by as many.
fn is_frame(line: &str) -> bool {
    let heads = line.contains("CPU0") || line.contains("----");
    line.starts_with("       ") && !heads && !line.contains("lock(")
}

fn line(line: &str) -> String {
    if line.ends_with("tainted") {
        return "VERSION".to_owned();
    }
    let (line, at) = match line.split_once(", at: ") {
        Some((before, _)) => (before, ", at: FUNCTION"),
        None => (line, ""),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ") + at
}

fn word(word: &str) -> &str {
    match word {
        _ if word.ends_with("/1000") => "TASK",
        _ if word.ends_with("/1000:") => "TASK:",
        _ if is_address(word) => "ADDRESS",
        _ => word,
    }
}

fn is_address(word: &str) -> bool {
    word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

#[test]
fn the_report_of_the_seed_line_for_line() {
    let case = common::seed("seed-splat");
    let splat = kernel_splat(&case, &case.task_names(), &Options::of(&case)).unwrap();
    common::golden("seed-splat.txt", &normalised(&splat));
}

/// Which functions the report of the seed names for the locks that KVM and the notifier core take.
#[test]
fn the_report_of_the_seed_names_the_functions() {
    let case = common::seed("seed-splat");
    let splat = kernel_splat(&case, &case.task_names(), &Options::of(&case)).unwrap();
    let at = |class: &str, function: &str| {
        splat.lines().any(|l| l.contains(class) && l.ends_with(&format!("at: {function}")))
    };
    assert!(at("(mmu_notifier_invalidate_range_start)", "__mmu_notifier_invalidate_range_end"));
    assert!(at("slots_lock)", "kvm_mmu_notifier_invalidate_range_start"));
}

/// What one task did with locks, in order: `+` taken, `-` released, `r` shared.
fn sequence(case: &str, task: u8) -> Vec<String> {
    let case = common::case(case);
    let mut runner = Runner::new();
    runner.run(&case, &Options { recording: true, ..Options::of(&case) });
    runner.inspect(|seen| {
        let begins = |r: &Record<Event>| matches!(r.what, What::Trace(Event::Op(_)));
        let first = seen.records.iter().position(begins).unwrap();
        let mine = seen.records[first..].iter().filter(|r| r.task == task);
        mine.filter_map(|record| lock_event(seen, record)).collect()
    })
}

fn lock_event(seen: &Inspect<'_, Event>, record: &Record<Event>) -> Option<String> {
    let class = |lock: LockId| seen.class(lock).to_owned();
    Some(match record.what {
        What::Acquired(lock, Mode::Read) => format!("+r {}", class(lock)),
        What::Acquired(lock, Mode::Write) => format!("+ {}", class(lock)),
        What::Released(lock) => format!("- {}", class(lock)),
        What::Srcu(srcu, true) => format!("+r {}", seen.srcu_name(srcu)),
        What::Srcu(srcu, false) => format!("- {}", seen.srcu_name(srcu)),
        _ => return None,
    })
}

const MAP: &str = "mmu_notifier_invalidate_range_start";

/// A region that hits no memslot, as traced on 6.1 with the rwsem scheme put in: the order of the
/// locks of START, then of END. What 6.1 does beside it is left out: the pfn caches' gpc_lock, the
/// count of the scheme that was merged, and `invalidate_range`, which enters `kvm->srcu` once more.
#[test]
fn locks_of_a_region_come_in_the_order_of_a_real_kernel() {
    let program = "vm vm0\ntask t\n  mprotect 0x200..0x204\n  end\n";
    let rwsem = sequence(&format!("variant rwsem\n{program}"), 0);
    let slots = "&kvm->mmu_notifier_slots_lock";
    let expected = [
        "+ &mm->mmap_lock".to_owned(),
        format!("+ {MAP}"),
        "+r srcu(mm)".to_owned(),
        format!("+r {slots}"),
        "+r srcu(kvm)".to_owned(),
        "- srcu(kvm)".to_owned(),
        "- srcu(mm)".to_owned(),
        format!("- {MAP}"),
        "+ ptlock_ptr(page)".to_owned(),
        "- ptlock_ptr(page)".to_owned(),
        format!("+ {MAP}"),
        "+r srcu(mm)".to_owned(),
        "+r srcu(kvm)".to_owned(),
        "- srcu(kvm)".to_owned(),
        format!("- {slots}"),
        "- srcu(mm)".to_owned(),
        format!("- {MAP}"),
        "- &mm->mmap_lock".to_owned(),
    ];
    assert_eq!(rwsem, expected);
}

/// The merged scheme counts under its own lock before START's walk and after END's.
#[test]
fn locks_of_a_counted_region_come_in_the_order_of_a_real_kernel() {
    let slot = "  slot 0  gfn 0x00..0x08  hva 0x100\n";
    let program = format!("variant counted\nvm vm0\n{slot}task t\n  madvise 0x100..0x104\n  end\n");
    let invalidate = ["+ &kvm->mn_invalidate_lock", "- &kvm->mn_invalidate_lock"];
    let mmu = ["+ &(kvm)->mmu_lock", "- &(kvm)->mmu_lock"];
    let (enter, leave) = (["+r srcu(kvm)"], ["- srcu(kvm)"]);
    let mut expected: Vec<String> = vec!["+r &mm->mmap_lock".into()];
    let start: Vec<&str> = [&invalidate[..], &enter, &mmu, &leave].concat();
    let end: Vec<&str> = [&enter[..], &mmu, &leave, &invalidate].concat();
    for (callback, pte) in [(start, false), (end, true)] {
        let table = ["+ ptlock_ptr(page)".to_owned(), "- ptlock_ptr(page)".to_owned()];
        expected.extend(table.into_iter().filter(|_| pte));
        expected.extend([format!("+ {MAP}"), "+r srcu(mm)".into()]);
        expected.extend(callback.into_iter().map(str::to_owned));
        expected.extend(["- srcu(mm)".into(), format!("- {MAP}")]);
    }
    expected.push("- &mm->mmap_lock".into());
    assert_eq!(sequence(&program, 0), expected);
}

/// A memslot update of the merged scheme: both mutexes around the count's lock, the grace period
/// with slots_arch_lock dropped.
#[test]
fn locks_of_a_memslot_update_come_in_the_order_of_a_real_kernel() {
    let program =
        "variant counted\nvm vm0\ntask t\n  memslot create 1  gfn 0x10..0x12  hva 0x200\n";
    let expected = [
        "+ &kvm->slots_lock",
        "+ &kvm->slots_arch_lock",
        "+ &kvm->mn_invalidate_lock",
        "- &kvm->mn_invalidate_lock",
        "- &kvm->slots_arch_lock",
        "- &kvm->slots_lock",
    ];
    assert_eq!(sequence(program, 0), expected);
}

/// Two VMs on one mm: the report of the real kernel lists these four held locks.
#[test]
fn held_locks_of_the_report_for_two_vms() {
    let slots = "  slot 0  gfn 0x00..0x04  hva 0x100\n";
    let vms = format!("vm vm0\n{slots}vm vm1\n{slots}");
    let case =
        common::case(&format!("variant rwsem\n{vms}task t\n  mprotect 0x100..0x102\n  end\n"));
    let mut runner = Runner::new();
    let first = runner.run(&case, &Options::of(&case)).findings[0];
    assert_eq!(first.kind, Kind::RecursiveLock);
    let splat = kernel_splat(&case, &case.task_names(), &Options::of(&case)).unwrap();
    let held: Vec<&str> = splat
        .lines()
        .filter(|line| line.starts_with(" #"))
        .map(|line| line.split_once('(').unwrap().1.rsplit_once("){").unwrap().0)
        .collect();
    let expected = ["&mm->mmap_lock", MAP, "srcu", "&kvm->mmu_notifier_slots_lock"];
    assert_eq!(held, expected);
    assert!(splat.contains("4 locks held by"), "{splat}");
    assert!(splat.contains("May be due to missing lock nesting notation"), "{splat}");
}
