//! How the `protocol` target ends when a property is violated: a report on stderr, then a panic
//! in a function of its own for each kind, because crash grouping looks at function names.

use super::{collect, knobs};
use crate::case::Case;
use crate::oracle::{Kind, with_kinds};
use crate::run::{Described, Finding};

/// A violation that a target found.
#[derive(Debug)]
pub struct Violation {
    /// The property.
    pub kind: Kind,
    /// What happened, the case, and how to run it again.
    pub report: String,
}

impl Violation {
    /// The finding that a run of the case showed.
    pub fn new(finding: &Finding, described: &Described, case: &Case) -> Violation {
        Violation { kind: finding.kind, report: report(finding, described, case) }
    }

    /// Prints the report on stderr, and panics.
    pub fn raise(&self) -> ! {
        eprintln!("{}", self.report);
        raise(self.kind)
    }
}

/// The report. Its commands need nothing but the clone: the case travels in them, with the variant
/// and the bug that ran, which the bytes of the input may not name.
fn report(finding: &Finding, described: &Described, case: &Case) -> String {
    let Described { signature, message, .. } = described;
    let name = collect::file_name(finding.kind, finding.signature);
    let ran = knobs::arguments(&[(case.variant, case.bug)]);
    let (kind, variant) = (finding.kind.name(), case.variant.name());
    let hash = name.rsplit('-').next().unwrap_or_default();
    [
        "\nviolation of ",
        kind,
        " in ",
        variant,
        ": ",
        message,
        "\nsignature: ",
        signature,
        "\n\nTo reproduce and to minimise it, paste this at the root of the clone:\n\n\
         cat >",
        &name,
        ".case <<'END-OF-CASE'\n",
        &case.to_string(),
        "END-OF-CASE\n\
         cargo run --release -- run ",
        &name,
        ".case --trace\n\
         cargo run --release -- minimize ",
        &name,
        ".case --signature ",
        hash,
        "\n\nThe crash file shows the same to commands that are given",
        &ran,
        ".\n",
    ]
    .concat()
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

with_kinds!(violations);
