//! How the `protocol` target ends when a property is violated: a report on stderr, then a panic
//! in a function of its own for each kind, because crash grouping looks at function names.

use crate::case::Case;
use crate::oracle::Kind;
use crate::run::Described;

/// Reports a violation, with the case that shows it, and panics.
pub fn report(kind: Kind, described: &Described, case: &Case) -> ! {
    eprintln!("{}", text(kind, described, case));
    raise(kind)
}

/// The report: what happened, the case, and how to run it again.
pub fn text(kind: Kind, described: &Described, case: &Case) -> String {
    let Described { signature, message, .. } = described;
    format!(
        "\nviolation of {} in {}: {message}\nsignature: {signature}\n\n{case}\n\
         To reproduce: save the case above as finding.case (or take the crash file), then\n    \
         cargo run --release -- run finding.case --variant {} --trace\n",
        kind.name(),
        case.variant.name(),
        case.variant.name(),
    )
}

macro_rules! violations {
    ($($kind:ident => $function:ident,)*) => {
        /// Panics in the function of that kind.
        fn raise(kind: Kind) -> ! {
            match kind { $(Kind::$kind => $function(),)* }
        }

        $(
            #[inline(never)]
            fn $function() -> ! {
                panic!(stringify!($function))
            }
        )*
    };
}

violations! {
    LockOrder => violation_lock_order,
    RecursiveLock => violation_recursive_lock,
    IrqOrder => violation_irq_order,
    UnlockBalance => violation_unlock_balance,
    HeldAtExit => violation_held_at_exit,
    SleepInAtomic => violation_sleep_in_atomic,
    Deadlock => violation_deadlock,
    LostWakeup => violation_lost_wakeup,
    Livelock => violation_livelock,
    Starvation => violation_starvation,
    UnbalancedCount => violation_unbalanced_count,
    ElisionDisagreement => violation_elision_disagreement,
    MemslotsNotFrozen => violation_memslots_not_frozen,
    UnpairedRegion => violation_unpaired_region,
    StaleMapping => violation_stale_mapping,
    UseAfterFree => violation_use_after_free,
    Assertion => violation_assertion,
}
