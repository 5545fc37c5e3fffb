//! The `case_text` target: the parser of the text form never panics, and what it accepts is the
//! same case after a round trip through either form.

use crate::case::Case;

input! {
    /// A text. `Debug` prints it as it is, but for what a terminal cannot show: that is escaped.
    Input: |input| readable(input.0)
}

/// Checks one text.
pub fn run(text: &[u8]) {
    let Ok(case) = Case::parse(text) else { return };
    let printed = Case::parse(case.to_string().as_bytes());
    assert!(printed.as_ref() == Ok(&case), "the text form loses a part of\n{case}");
    let decoded = Case::decode(&case.encode());
    assert!(decoded == case, "the binary form of\n{case}\nis that of\n{decoded}");
}

/// The text; bytes that are no UTF-8 and control characters other than line ends and tabs are escaped
fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => text.push(c),
                c if c.is_control() => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().flat_map(|byte| byte.escape_ascii()).map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_the_text_without_control_characters() {
        let text = "variant counted\n\tvm é\n";
        assert_eq!(format!("{:#?}", Input(text.as_bytes())), text);
        let bytes = b"task a\xff\x1b[2J\r\0\nend";
        assert_eq!(format!("{:?}", Input(bytes)), "task a\\xff\\u{1b}[2J\\r\\u{0}\nend");
    }
}
