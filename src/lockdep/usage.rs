//! Usage bits: in which interrupt states a class has been taken.
//!
//! Mirrors `enum lock_usage_bit` of 6.1. Bit 0 of a bit's number says "read", bit 1 the direction
//! (0 used *in* the interrupt, 1 taken with it *enabled*), the rest the state (hard, soft).

/// Number of usage bits.
pub const USAGE_BITS: u8 = 10;
/// Acquired inside an interrupt.
pub const USED_IN: u16 = 0x33;
/// Acquired, or held, with interrupts enabled.
pub const ENABLED: u16 = 0xcc;
/// Bits of exclusive acquisitions.
pub const WRITE: u16 = 0x55;
/// `IN-HARDIRQ-W`.
pub const IN_HARDIRQ: u8 = 0;
/// `HARDIRQ-ON-W`.
pub const HARDIRQ_ON: u8 = 2;
/// `IN-SOFTIRQ-W`.
pub const IN_SOFTIRQ: u8 = 4;
/// `SOFTIRQ-ON-W`.
pub const SOFTIRQ_ON: u8 = 6;
/// `INITIAL USE`.
pub const INITIAL: u8 = 8;

const NAMES: [&str; USAGE_BITS as usize] = [
    "IN-HARDIRQ-W",
    "IN-HARDIRQ-R",
    "HARDIRQ-ON-W",
    "HARDIRQ-ON-R",
    "IN-SOFTIRQ-W",
    "IN-SOFTIRQ-R",
    "SOFTIRQ-ON-W",
    "SOFTIRQ-ON-R",
    "INITIAL USE",
    "INITIAL READ USE",
];

/// How a usage bit is printed.
pub fn bit_name(bit: u8) -> &'static str {
    NAMES.get(usize::from(bit)).copied().unwrap_or("?")
}

/// The irq state of a bit, as the headings of irq reports print it.
pub fn state_name(bit: u8) -> &'static str {
    ["HARDIRQ", "HARDIRQ-READ", "SOFTIRQ", "SOFTIRQ-READ"][usize::from((bit >> 1 & 2) | (bit & 1))]
}

/// Same state, opposite direction, write form (`exclusive_bit()`).
#[inline]
pub fn exclusive_bit(bit: u8) -> u8 {
    (bit & !1) ^ 2
}

/// The bits that conflict with any bit of `mask` (`exclusive_mask()`): opposite direction, and for
/// each of them the read and the write form.
#[inline]
pub fn exclusive_mask(mask: u16) -> u16 {
    let opposite = (mask & ENABLED) >> 2 | (mask & USED_IN) << 2;
    both_modes(opposite)
}

/// `mask` with the read / write partner of every bit.
#[inline]
pub fn both_modes(mask: u16) -> u16 {
    mask | (mask & WRITE) << 1 | (mask & (WRITE << 1)) >> 1
}

/// The pair that an irq-order report prints (`find_exclusive_match()`): the lowest bit of `safe`
/// that conflicts with a bit of `unsafe_`, and that bit.
pub fn exclusive_match(safe: u16, unsafe_: u16) -> Option<(u8, u8)> {
    (0..INITIAL).filter(|bit| safe & (1 << bit) != 0).find_map(|bit| {
        let write = exclusive_bit(bit);
        [write, write + 1].into_iter().find(|b| unsafe_ & (1 << b) != 0).map(|b| (bit, b))
    })
}

/// The four characters of a class's usage: hard write, hard read, soft write, soft read
/// (`get_usage_chars()`).
pub fn usage_chars(mask: u16) -> [char; 4] {
    [IN_HARDIRQ, IN_HARDIRQ + 1, IN_SOFTIRQ, IN_SOFTIRQ + 1].map(|bit| {
        let used_in = mask & (1 << bit) != 0;
        let enabled = mask & (4 << bit) != 0;
        match (enabled, used_in) {
            (true, true) => '?',
            (true, false) => '+',
            (false, true) => '-',
            (false, false) => '.',
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_name_both_modes_of_the_opposite_direction() {
        assert_eq!(exclusive_mask(1 << IN_HARDIRQ), 0x0c);
        assert_eq!(exclusive_mask(2 << SOFTIRQ_ON), 0x30);
        assert_eq!(exclusive_bit(IN_SOFTIRQ + 1), SOFTIRQ_ON);
    }

    #[test]
    fn characters_follow_the_manual() {
        assert_eq!(usage_chars(324).iter().collect::<String>(), "+.+.");
        assert_eq!(usage_chars(906).iter().collect::<String>(), ".?.+");
    }
}
