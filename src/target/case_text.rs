//! The `case_text` target: the parser of the text form never panics, and what it accepts is the
//! same case after a round trip through either form.

use crate::case::{self, Case};

/// Checks one text; bytes that are no UTF-8 are mended first.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(case) = case::parse(&text) else { return };
    assert!(case::parse(&case::print(&case)).as_ref() == Ok(&case), "text form loses:\n{case:?}");
    let mut decoded = Case::default();
    case::decode_into(&mut decoded, &case::encode(&case));
    assert!(decoded == case, "binary form loses:\n{case:?}\nand gives:\n{decoded:?}");
}
