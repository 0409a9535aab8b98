//! Numbers as the original reads them: C's `strtol` with base 10. Called for every numeric value.

use std::ops::RangeInclusive;

/// White space as C's `isspace` has it.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

pub(crate) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [byte, rest @ ..] = text {
        if !is_space(*byte) {
            break;
        }
        text = rest;
    }
    text
}

/// A decimal integer within `range`: leading white space and a sign are fine, nothing may follow.
pub(crate) fn parse(text: &[u8], range: RangeInclusive<i64>) -> Option<i64> {
    let text = trim_start(text);
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = leading_digits(digits);
    let value = if is_negative { -value } else { value };
    range.contains(&value).then_some(value)
}

/// The same for values that are never negative and fit 32 bits.
pub(crate) fn parse_u32(text: &[u8], range: RangeInclusive<u32>) -> Option<u32> {
    let value = parse(text, i64::from(*range.start())..=i64::from(*range.end()))?;
    u32::try_from(value).ok()
}

/// C's `atoi`: what digits there are, zero if there are none.
pub(crate) fn leading(text: &[u8]) -> i64 {
    match trim_start(text) {
        [b'-', rest @ ..] => -leading_digits(rest),
        [b'+', rest @ ..] => leading_digits(rest),
        text => leading_digits(text),
    }
}

fn leading_digits(text: &[u8]) -> i64 {
    text.iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |value: i64, byte| {
            value
                .saturating_mul(10)
                .saturating_add(i64::from(byte - b'0'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_whole_or_not_at_all() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("010", Some(10)),
            (" \t\x0b+7", Some(7)),
            ("-0", Some(0)),
            ("65535", Some(65535)),
            ("65536", None),
            ("-1", None),
            ("", None),
            (" ", None),
            ("+", None),
            ("+-1", None),
            ("7 ", None),
            ("0x10", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(parse_u32(text.as_bytes(), 0..=65535), wanted, "{text:?}");
        }
    }

    #[test]
    fn leading_digits_are_what_atoi_sees() {
        for (text, wanted) in [("64abc", 64), ("", 0), ("x", 0), (" 12", 12), ("-3", -3)] {
            assert_eq!(leading(text.as_bytes()), wanted, "{text:?}");
        }
    }
}
