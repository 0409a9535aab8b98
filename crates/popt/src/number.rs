//! Numbers as popt reads them: C's `strtol` with base 0. The scanner calls it for `Takes::Number`.

use crate::reason::Reason;

/// Reads the whole of `text`; leading white space and a sign are fine, nothing may follow.
pub(crate) fn parse(text: &[u8]) -> Result<i32, Reason> {
    if text.is_empty() {
        return Ok(0);
    }
    let text = text.trim_ascii_start();
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (radix, digits) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', _, ..] => (8, text),
        _ => (10, text),
    };
    if digits.is_empty() {
        return Err(Reason::InvalidNumber);
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = char::from(byte)
            .to_digit(radix)
            .ok_or(Reason::InvalidNumber)?;
        value = value
            .saturating_mul(i64::from(radix))
            .saturating_add(i64::from(digit));
    }
    i32::try_from(if negative { -value } else { value }).map_err(|_| Reason::NumberOutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_strtol_reads_them_with_base_0() {
        let rows: [(&str, Result<i32, Reason>); 18] = [
            ("0", Ok(0)),
            ("", Ok(0)),
            ("42", Ok(42)),
            ("+5", Ok(5)),
            ("-5", Ok(-5)),
            (" \t5", Ok(5)),
            ("0x10", Ok(16)),
            ("0X1f", Ok(31)),
            ("010", Ok(8)),
            ("2147483647", Ok(i32::MAX)),
            ("-2147483648", Ok(i32::MIN)),
            ("2147483648", Err(Reason::NumberOutOfRange)),
            ("99999999999999999999", Err(Reason::NumberOutOfRange)),
            ("08", Err(Reason::InvalidNumber)),
            ("0x", Err(Reason::InvalidNumber)),
            ("5 ", Err(Reason::InvalidNumber)),
            ("1x", Err(Reason::InvalidNumber)),
            ("abc", Err(Reason::InvalidNumber)),
        ];
        for (text, wanted) in rows {
            assert_eq!(parse(text.as_bytes()), wanted, "{text:?}");
        }
    }
}
