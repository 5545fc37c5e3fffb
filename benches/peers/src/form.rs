//! What is measured: how many tasks of each kind, and the bug planted in them.
//!
//! The names are the words of the command line and of the table.

/// A deviation of the small protocol; the words beside them are what a peer should say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bug {
    None,
    /// An invalidator takes the rwsem for read again inside: deadlock once a writer queues between.
    NestedRead,
    /// `count--` and `seq++` in two sections of mmu_lock: a fault between them is not invalidated.
    SplitEnd,
    /// The fault does not look at seq: what it read may be gone when it maps it.
    NoSeq,
}

/// The size of the protocol and its bug.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub name: &'static str,
    pub invalidators: usize,
    pub writers: usize,
    pub faults: usize,
    pub bug: Bug,
}

/// The form of `benches/small`.
pub const SMALL: Form =
    Form { name: "small", invalidators: 2, writers: 1, faults: 1, bug: Bug::None };

/// Every form; the planted bugs stand in the small one.
pub const FORMS: [Form; 5] = [
    SMALL,
    Form { name: "deadlock", bug: Bug::NestedRead, ..SMALL },
    Form { name: "lost", bug: Bug::SplitEnd, ..SMALL },
    Form { name: "no-seq", bug: Bug::NoSeq, ..SMALL },
    Form { name: "large", invalidators: 4, writers: 2, faults: 2, bug: Bug::None },
];

impl Form {
    pub fn named(name: &str) -> Option<Form> {
        FORMS.into_iter().find(|form| form.name == name)
    }

    pub fn tasks(&self) -> usize {
        self.invalidators + self.writers + self.faults
    }
}
