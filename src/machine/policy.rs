//! How an rwsem treats readers that arrive while a writer waits. A parameter of the run: it holds
//! for every rwsem and never for spinlocks or rwlocks.

/// The admission rule of every rwsem in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// A queued writer holds back new readers (`kernel/locking/rwsem.c`, the default build).
    #[default]
    WriterFair,
    /// Readers enter until a writer owns the lock (`kernel/locking/rwbase_rt.c`, PREEMPT_RT).
    ReaderBiased,
    /// Readers and writers alternate: readers that waited for a writer go before the next writer.
    PhaseFair,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Policy; 3] = [Policy::WriterFair, Policy::ReaderBiased, Policy::PhaseFair];

    /// The name used in cases, on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Policy::WriterFair => "writer-fair",
            Policy::ReaderBiased => "reader-biased",
            Policy::PhaseFair => "phase-fair",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Policy> {
        Policy::ALL.into_iter().find(|p| p.name() == name)
    }
}
