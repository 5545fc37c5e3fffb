//! The small protocol as explicit steps over plain data, for the tools that keep states.
//!
//! One step an event. A writer always queues first and gets the rwsem in a step of its own; what a
//! section of mmu_lock does happens in the step that leaves it. Nothing is cleared behind a task:
//! two states that differ in a value nobody will read again are two.

use std::hash::{Hash, Hasher};

use crate::form::{Bug, Form};

/// The longest list of tasks, and of faults among them.
const MOST_TASKS: usize = 8;
const MOST_FAULTS: usize = 2;

/// An event of a task.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// count++, unmap, unlock.
    Begin,
    BumpSeq,
    ChangeHost,
    DownRead,
    DownWrite,
    DropCount,
    /// seq++, count--, unlock.
    End,
    LockMmu,
    LockSlots,
    /// Map if count and seq allow, unlock.
    Map,
    MapIgnoringSeq,
    Queue,
    ReadPfn,
    ReadSeq,
    UnlockSlots,
    UpRead,
    /// Swap, up_write.
    UpWrite,
}

use Event::*;

const INVALIDATOR: &[Event] = &[DownRead, LockMmu, Begin, ChangeHost, LockMmu, End, UpRead];
const NESTED: &[Event] =
    &[DownRead, LockMmu, Begin, DownRead, ChangeHost, UpRead, LockMmu, End, UpRead];
const SPLIT: &[Event] =
    &[DownRead, LockMmu, Begin, ChangeHost, LockMmu, DropCount, LockMmu, BumpSeq, UpRead];
const WRITER: &[Event] = &[LockSlots, Queue, DownWrite, UpWrite, UnlockSlots];
const FAULT: &[Event] = &[ReadSeq, ReadPfn, LockMmu, Map];
const BLIND: &[Event] = &[ReadSeq, ReadPfn, LockMmu, MapIgnoringSeq];

/// What every task will do.
#[derive(Clone, Debug)]
pub struct Programs {
    tasks: Vec<&'static [Event]>,
    first_fault: usize,
}

impl Programs {
    pub fn new(form: &Form) -> Programs {
        assert!(form.tasks() <= MOST_TASKS && form.faults <= MOST_FAULTS);
        let invalidator = match form.bug {
            Bug::NestedRead => NESTED,
            Bug::SplitEnd => SPLIT,
            Bug::None | Bug::NoSeq => INVALIDATOR,
        };
        let fault = if form.bug == Bug::NoSeq { BLIND } else { FAULT };
        let mut tasks = vec![invalidator; form.invalidators];
        tasks.extend(vec![WRITER; form.writers]);
        tasks.extend(vec![fault; form.faults]);
        Programs { tasks, first_fault: form.invalidators + form.writers }
    }

    pub fn len(&self) -> usize {
        self.tasks.len()
    }
}

/// Everything that a step can see: 22 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    at: [u8; MOST_TASKS],
    snapshot: [u8; MOST_FAULTS],
    pfn: [u8; MOST_FAULTS],
    count: u8,
    seq: u8,
    spte: u8,
    host: u8,
    slots: u8,
    readers: u8,
    writing: bool,
    queued: bool,
    mmu_lock: bool,
    slots_lock: bool,
}

impl State {
    /// The state after the next event of `task`; none if it is finished or has to wait.
    pub fn step(&self, programs: &Programs, task: usize) -> Option<State> {
        let event = *programs.tasks[task].get(usize::from(self.at[task]))?;
        let mut next = *self;
        next.at[task] += 1;
        let fault = task.wrapping_sub(programs.first_fault);
        let free = match event {
            DownRead | DownWrite | UpRead | UpWrite | Queue => next.rwsem(event),
            LockSlots => !std::mem::replace(&mut next.slots_lock, true),
            UnlockSlots => std::mem::replace(&mut next.slots_lock, false),
            LockMmu => !std::mem::replace(&mut next.mmu_lock, true),
            ReadSeq | ReadPfn => next.read(event, fault),
            ChangeHost => next.change_host(),
            _ => next.leave_mmu_lock(event, fault),
        };
        free.then_some(next)
    }

    /// A queued writer holds back readers.
    fn rwsem(&mut self, event: Event) -> bool {
        match event {
            DownRead if self.writing || self.queued => return false,
            DownRead => self.readers += 1,
            UpRead => self.readers -= 1,
            Queue => self.queued = true,
            DownWrite if self.writing || self.readers > 0 => return false,
            DownWrite => (self.queued, self.writing) = (false, true),
            _ => (self.slots, self.writing) = (self.slots + 1, false),
        }
        true
    }

    fn read(&mut self, event: Event, fault: usize) -> bool {
        match event {
            ReadSeq => self.snapshot[fault] = self.seq,
            _ => self.pfn[fault] = self.host + 1,
        }
        true
    }

    fn change_host(&mut self) -> bool {
        self.host += 1;
        true
    }

    fn leave_mmu_lock(&mut self, event: Event, fault: usize) -> bool {
        match event {
            Begin => (self.count, self.spte) = (self.count + 1, 0),
            End => (self.seq, self.count) = (self.seq + 1, self.count - 1),
            DropCount => self.count -= 1,
            BumpSeq => self.seq += 1,
            Map if self.seq != self.snapshot[fault] => {}
            _ if self.count == 0 => self.spte = self.pfn[fault],
            _ => {}
        }
        self.mmu_lock = false;
        true
    }

    pub fn finished(&self, programs: &Programs) -> bool {
        programs.tasks.iter().zip(self.at).all(|(task, at)| usize::from(at) == task.len())
    }

    /// What must hold once all tasks are finished: what is mapped is what the host has.
    pub fn consistent(&self) -> bool {
        self.count == 0 && (self.spte == 0 || self.spte == self.host + 1)
    }

    fn words(&self) -> [u64; 3] {
        let s = self;
        let flags = [s.writing, s.queued, s.mmu_lock, s.slots_lock];
        let [a, b, c, d] = flags.map(u8::from);
        let middle =
            [s.snapshot[0], s.snapshot[1], s.pfn[0], s.pfn[1], s.count, s.seq, s.spte, s.host];
        [
            u64::from_le_bytes(s.at),
            u64::from_le_bytes(middle),
            u64::from_le_bytes([s.slots, s.readers, a, b, c, d, 0, 0]),
        ]
    }
}

/// Three words instead of twenty-two bytes: hashing is what a search does most.
impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.words().into_iter().for_each(|word| hasher.write_u64(word));
    }
}
