//! Numbers for people.

/// A number with its digits in groups of three.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things: `1 op`, `2,381 ops`.
pub(super) fn number(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_readable() {
        assert_eq!(number(0, "schedule"), "0 schedules");
        assert_eq!(number(1, "schedule"), "1 schedule");
        assert_eq!(number(999, "state"), "999 states");
        assert_eq!(number(2_381, "schedule"), "2,381 schedules");
        assert_eq!(number(1_002_381, "schedule"), "1,002,381 schedules");
    }
}
