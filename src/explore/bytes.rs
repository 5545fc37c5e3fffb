//! Amounts of memory as users give and read them: `512M`, `2G`, in powers of 1,024.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub usize);

/// The units, largest first.
const UNITS: [(char, u32); 4] = [('T', 40), ('G', 30), ('M', 20), ('K', 10)];

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Bytes, String> {
        let bad = || format!("{text:?} is no amount of memory, such as 512M or 2G");
        let last = text.chars().last().ok_or_else(bad)?.to_ascii_uppercase();
        let (_, shift) = UNITS.into_iter().find(|unit| unit.0 == last).ok_or_else(bad)?;
        let digits = &text[..text.len() - 1];
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count: usize = digits.parse().ok().filter(|_| plain).ok_or_else(bad)?;
        count.checked_mul(1 << shift).map(Bytes).ok_or_else(bad)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |unit: &(char, u32)| self.0 > 0 && self.0.is_multiple_of(1 << unit.1);
        match UNITS.into_iter().find(whole) {
            Some((unit, shift)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_printed() {
        for (text, bytes) in
            [("512M", 512 << 20), ("2G", 2 << 30), ("1K", 1 << 10), ("3T", 3 << 40)]
        {
            assert_eq!(
                (text.parse(), Bytes(bytes).to_string()),
                (Ok(Bytes(bytes)), text.to_string())
            );
        }
        assert_eq!("2g".parse(), Ok(Bytes(2 << 30)));
        for bad in ["", "G", "1", "-1M", "+1M", "1.5G", "1 G", "99999999999999T", "1MiB", "ü", "1ü"]
        {
            assert!(bad.parse::<Bytes>().is_err_and(|e| e.contains("such as 512M or 2G")), "{bad}");
        }
    }
}
