//! Closed programs: a case with what a predicted cycle may need beside its own tasks.
//!
//! What was seen once can happen twice at a time, and memslots can be updated at any time.

use crate::case::text::Names;
use crate::case::{Case, InitialSlot, MAX_OPS, MAX_TASKS, Op, Registrant, Schedule};
use crate::mm::Pages;

/// A case's programs, closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The case with the added tasks behind its own, and no schedule.
    pub case: Case,
    /// What was added.
    pub added: Vec<Added>,
    /// What a cap kept out.
    pub left_out: Vec<Added>,
}

/// What closing adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// A memslot update of that VM.
    Update(usize),
    /// A second copy of a task.
    Second {
        /// Its number.
        task: usize,
        /// The name that is derived for it.
        name: String,
    },
}

impl Added {
    /// In words: `a memslot update of vm0`, `a second munmapper`.
    pub fn words(&self, names: &Names) -> String {
        match self {
            Added::Update(vm) => format!("a memslot update of vm{vm}"),
            Added::Second { task, name } => {
                format!("a second {}", names.given(*task).unwrap_or(name))
            }
        }
    }
}

/// Adds one memslot update per VM and a second copy of each of `tasks`, which take part in the
/// predicted cycle, where absent and within the caps of a case.
pub fn closed(case: &Case, tasks: &[usize]) -> Closed {
    let case = Case { schedule: Schedule::default(), ..case.clone() };
    let mut closed = Closed { case: case.clone(), added: Vec::new(), left_out: Vec::new() };
    for (vm, slots) in vms(&case).enumerate().filter(|(vm, _)| !is_updated(&case, *vm)) {
        let update = update(vm as u8, slots.first());
        closed.add(&[update], Added::Update(vm));
    }
    for &task in tasks {
        let program = case.programs.task(task);
        let copies = (0..case.programs.tasks()).filter(|&t| case.programs.task(t) == program);
        if copies.count() == 1 && !program.is_empty() {
            closed.add(program, Added::Second { task, name: case.task_name(task) });
        }
    }
    closed
}

impl Closed {
    fn add(&mut self, program: &[Op], what: Added) {
        let programs = &mut self.case.programs;
        let counted = programs.ops.iter().chain(program).filter(|op| **op != Op::End).count();
        if programs.tasks() >= MAX_TASKS || counted > MAX_OPS {
            return self.left_out.push(what);
        }
        programs.ops.extend_from_slice(program);
        programs.ends.push(programs.ops.len() as u16);
        self.added.push(what);
    }
}

fn vms(case: &Case) -> impl Iterator<Item = &[InitialSlot]> {
    case.config.registrants.iter().filter_map(|registrant| match registrant {
        Registrant::Vm(slots) => Some(&**slots),
        _ => None,
    })
}

/// Whether some task updates memslots of the VM.
fn is_updated(case: &Case, vm: usize) -> bool {
    case.programs.ops.iter().any(|op| match op {
        Op::Create { .. } | Op::Delete { .. } | Op::Move { .. } | Op::Flags { .. } => {
            op.vm() == Some(vm as u8)
        }
        Op::Fault { .. } | Op::Open { .. } | Op::Split { .. } | Op::End => false,
    })
}

/// An update that user space can always make and that changes nothing for the other tasks: dirty
/// logging on for the first memslot, or a memslot where there is none.
fn update(vm: u8, slot: Option<&InitialSlot>) -> Op {
    match slot {
        Some(slot) => Op::Flags { vm, slot: slot.slot, log_dirty: true },
        None => Op::Create { vm, slot: 0, gfn: Pages::new(0, 1), hva: 0 },
    }
}
