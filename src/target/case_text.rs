//! The `case_text` target: the parser of the text form never panics, and what it accepts is the
//! same case after a round trip through either form.

use crate::case::Case;

/// Checks one text.
pub fn run(text: &[u8]) {
    let Ok(case) = Case::parse(text) else { return };
    let printed = Case::parse(case.to_string().as_bytes());
    assert!(printed.as_ref() == Ok(&case), "the text form loses a part of\n{case}");
    let decoded = Case::decode(&case.encode());
    assert!(decoded == case, "the binary form of\n{case}\nis that of\n{decoded}");
}
