//! A case as text.

use std::fmt;

use crate::case::{Burst, Case, InitialSlot, Op, Opener, Registrant, Tail, Until};
use crate::machine::Policy;
use crate::mm::Pages;

/// Columns after which a schedule goes on in the next line.
const WIDTH: usize = 88;

/// A case and the names of its tasks, to be printed.
pub(super) struct Text<'a> {
    pub(super) case: &'a Case,
    pub(super) names: Vec<String>,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Text { case, names } = self;
        case.print_config(f)?;
        for (task, name) in names.iter().enumerate() {
            writeln!(f, "task {name}")?;
            print_program(f, case.programs.task(task))?;
        }
        case.print_schedule(f, names)
    }
}

/// The text, with derived names.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Text { case: self, names: self.task_names() }, f)
    }
}

/// The text: `cargo fuzz fmt` and failing tests show it.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Case {
    /// The name that is derived for a task in the text form, after its first operation; numbered where
    /// several tasks begin alike.
    pub fn task_name(&self, task: usize) -> String {
        let base = |t: usize| self.programs.task(t).first().map_or("task", derived);
        let same = |t: &usize| base(*t) == base(task);
        match (0..self.programs.tasks()).filter(same).count() {
            0 | 1 => base(task).to_string(),
            _ => format!("{}{}", base(task), (0..task).filter(same).count()),
        }
    }

    /// The derived names of all tasks.
    pub fn task_names(&self) -> Vec<String> {
        (0..self.programs.tasks()).map(|task| self.task_name(task)).collect()
    }

    fn print_config(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "variant {}", self.variant.name())?;
        if let Some(bug) = self.bug {
            writeln!(f, "bug {}", bug.id())?;
        }
        if self.config.policy != Policy::default() {
            writeln!(f, "policy {}", self.config.policy.name())?;
        }
        if self.config.earlier_mm {
            writeln!(f, "mm earlier")?;
        }
        let mut vm = 0;
        for registrant in &self.config.registrants {
            match registrant {
                Registrant::Sleeper => writeln!(f, "subscriber sleeper")?,
                Registrant::Refuser => writeln!(f, "subscriber refuser")?,
                Registrant::Vm(slots) => {
                    print_vm(f, vm, slots)?;
                    vm += 1;
                }
            }
        }
        Ok(())
    }

    fn print_schedule(&self, f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
        let schedule = &self.schedule;
        if schedule.bursts.is_empty() && schedule.tail == Tail::Fair {
            return Ok(());
        }
        let mut line = "schedule".to_string();
        for (i, burst) in schedule.bursts.iter().enumerate() {
            let burst = text_of(burst, names);
            if line.len() + burst.len() + 2 > WIDTH {
                writeln!(f, "{line},")?;
                line = " ".to_string();
            } else if i > 0 {
                line.push(',');
            }
            line.push(' ');
            line.push_str(&burst);
        }
        writeln!(f, "{line}{}", tail(schedule.tail))
    }
}

fn text_of(burst: &Burst, names: &[String]) -> String {
    let name = names.get(usize::from(burst.task)).map_or("task", String::as_str);
    match burst.until {
        Until::Points(points) => format!("{name} *{points}"),
        Until::Place(place) => format!("{name} until {}", place.name()),
        Until::Blocked => format!("{name} until blocked"),
    }
}

fn tail(tail: Tail) -> String {
    match tail {
        Tail::Fair => String::new(),
        Tail::Random { seed } => format!(" then random {seed}"),
        Tail::Pct { seed, depth } => format!(" then pct {seed} depth {depth}"),
    }
}

fn print_vm(f: &mut fmt::Formatter<'_>, vm: usize, slots: &[InitialSlot]) -> fmt::Result {
    writeln!(f, "vm vm{vm}")?;
    for InitialSlot { slot, gfn, hva } in slots {
        writeln!(f, "  slot {slot}  gfn {}  hva {hva:#05x}", Gfn(*gfn))?;
    }
    Ok(())
}

fn print_program(f: &mut fmt::Formatter<'_>, ops: &[Op]) -> fmt::Result {
    let mut indent = 2;
    for op in ops {
        if *op == Op::End {
            indent = 2;
        }
        writeln!(f, "{:indent$}{op}", "")?;
        if matches!(op, Op::Open { .. }) {
            indent = 4;
        }
    }
    Ok(())
}

/// The statement of the text form.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Op::Fault { gfn, write, .. } => {
                write!(f, "fault gfn {gfn:#04x}{}", if write { " write" } else { "" })
            }
            Op::Create { slot, gfn, hva, .. } => {
                write!(f, "memslot create {slot}  gfn {}  hva {hva:#05x}", Gfn(gfn))
            }
            Op::Delete { slot, .. } => write!(f, "memslot delete {slot}"),
            Op::Move { slot, gfn, .. } => write!(f, "memslot move {slot}  gfn {gfn:#04x}"),
            Op::Flags { slot, log_dirty, .. } => {
                write!(f, "memslot flags {slot} {}", if log_dirty { "log-dirty" } else { "none" })
            }
            Op::Open { opener, hva } if opener.single_page() && hva.len() == 1 => {
                write!(f, "{} {:#05x}", opener.name(), hva.start)
            }
            Op::Open { opener, hva } => write!(f, "{} {}", opener.name(), Hva(hva)),
            Op::Split { hva, depth: 1 } => write!(f, "split {}", Hva(hva)),
            Op::Split { hva, depth } => write!(f, "split {} depth {depth}", Hva(hva)),
            Op::End => write!(f, "end"),
        }?;
        // The first VM is the one that is meant where none is named.
        self.vm().filter(|&vm| vm > 0).map_or(Ok(()), |vm| write!(f, "  vm{vm}"))
    }
}

/// Guest frames, two digits wide.
struct Gfn(Pages);

impl fmt::Display for Gfn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}..{:#04x}", self.0.start, self.0.end)
    }
}

/// Host virtual pages, three digits wide.
struct Hva(Pages);

impl fmt::Display for Hva {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#05x}..{:#05x}", self.0.start, self.0.end)
    }
}

/// Who performs an operation: the kernel's name for it, or the usual one.
fn derived(op: &Op) -> &'static str {
    match op {
        Op::Fault { .. } => "vcpu",
        Op::Create { .. } | Op::Delete { .. } | Op::Move { .. } | Op::Flags { .. } => "vmm",
        Op::Split { .. } => "splitter",
        Op::End => "task",
        Op::Open { opener, .. } => match opener {
            Opener::Munmap => "munmapper",
            Opener::Mremap => "mremapper",
            Opener::Mprotect => "mprotecter",
            Opener::Madvise => "madviser",
            Opener::Fork => "forker",
            Opener::Cow => "writer",
            Opener::Swapout => "kswapd",
            Opener::Migrate => "migrater",
            Opener::Reaper => "oom_reaper",
        },
    }
}
