//! The fuzz targets, free of any fuzz engine: bytes in, silence or a report out. The glue in
//! `fuzz/` and the campaign name them through the registry below. (`lockdep` compares with a
//! reference that is no part of the library, so its check stands in `tests/reference`.)
//!
//! A bug in here would be a target that depends on anything but its bytes and its knobs, or one
//! that keeps state between inputs beyond the findings it has already written.

/// Declares what a target is handed: all bytes of the engine's input, and their text as `Debug`, which
/// `cargo fuzz fmt` prints and every crash ends with.
macro_rules! input {
    ($(#[$doc:meta])* $Input:ident: |$this:ident| $text:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $Input<'a>(pub &'a [u8]);

        impl<'a> arbitrary::Arbitrary<'a> for $Input<'a> {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                u.bytes(u.len()).map($Input)
            }
        }

        impl std::fmt::Debug for $Input<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $this = self;
                f.write_str(&$text)
            }
        }
    };
}

pub mod case_text;
pub mod collect;
pub mod features;
pub mod knobs;
pub mod lockdep;
pub mod overlap;
pub mod protocol;
#[cfg(feature = "cli")]
pub mod seeds;
pub mod violation;

pub use features::Features;
pub use knobs::Knobs;
#[cfg(feature = "cli")]
pub use seeds::Seeds;

/// What the registry knows of a target.
#[derive(Debug)]
pub struct Info {
    /// Name of the binary, of its corpus folder and of its option file.
    pub name: &'static str,
    /// One line: what it checks.
    pub summary: &'static str,
    /// It runs one protocol variant at a time, and collects findings instead of crashing.
    pub per_variant: bool,
    /// How its seeds are kept.
    #[cfg(feature = "cli")]
    pub seeds: Seeds,
}

/// Every target: one file below `fuzz/fuzz_targets` each.
pub static REGISTRY: [Info; 3] = [
    Info {
        name: "protocol",
        summary: "cases through the model: no sound variant violates a property",
        per_variant: true,
        #[cfg(feature = "cli")]
        seeds: Seeds::Cases,
    },
    Info {
        name: "lockdep",
        summary: "acquire and release scripts: the validator agrees with a slow reference",
        per_variant: false,
        #[cfg(feature = "cli")]
        seeds: Seeds::Scripts,
    },
    Info {
        name: "case_text",
        summary: "the text form: the parser never panics, what it accepts survives both forms",
        per_variant: false,
        #[cfg(feature = "cli")]
        seeds: Seeds::AsTheyAre,
    },
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Info> {
    REGISTRY.iter().find(|info| info.name == name)
}
