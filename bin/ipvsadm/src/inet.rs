//! Addresses as the C library reads and prints them, where Rust's own way differs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::number::is_space;

/// C's `inet_aton`: one to four numbers, decimal, octal or hexadecimal; the last one fills the remaining
/// bytes. White space ends the text.
pub(crate) fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    match split_dotted(text) {
        Some((address, [])) => Some(address),
        _ => parse_parts(text),
    }
}

/// The usual form at the start of `text`, four decimal numbers, and what is behind it.
pub(crate) fn split_dotted(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let (a, rest) = split_octet(text)?;
    let (b, rest) = split_octet(rest.strip_prefix(b".")?)?;
    let (c, rest) = split_octet(rest.strip_prefix(b".")?)?;
    let (d, rest) = split_octet(rest.strip_prefix(b".")?)?;
    Some((Ipv4Addr::new(a, b, c, d), rest))
}

/// A decimal number up to 255. Of those that begin with 0 only 0 itself; others are octal.
fn split_octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, mut rest) = split_digit(text)?;
    let mut number = first;
    // Three digits at most; the general way decides about a fourth.
    for _ in 0..2 {
        let Some((digit, behind)) = split_digit(rest).filter(|_| first != 0) else {
            break;
        };
        number = number * 10 + digit;
        rest = behind;
    }
    if split_digit(rest).is_some() {
        return None;
    }
    Some((u8::try_from(number).ok()?, rest))
}

fn split_digit(text: &[u8]) -> Option<(u16, &[u8])> {
    match text {
        [digit @ b'0'..=b'9', rest @ ..] => Some((u16::from(digit - b'0'), rest)),
        _ => None,
    }
}

/// Any form.
fn parse_parts(text: &[u8]) -> Option<Ipv4Addr> {
    let end = text.iter().position(|&byte| is_space(byte));
    let text = text.get(..end.unwrap_or(text.len()))?;
    let mut parts = [0_u32; 4];
    let mut count = 0;
    for part in text.split(|&byte| byte == b'.') {
        *parts.get_mut(count)? = parse_part(part)?;
        count += 1;
    }
    let (last, heads) = parts.get(..count)?.split_last()?;
    let room = 32 - 8 * u32::try_from(heads.len()).ok()?;
    if u64::from(*last) >> room != 0 || heads.iter().any(|&head| head > 255) {
        return None;
    }
    let shifted = heads.iter().zip([24, 16, 8]);
    let heads = shifted.fold(0, |bits, (head, shift)| bits | head << shift);
    Some(Ipv4Addr::from(heads | last))
}

fn parse_part(text: &[u8]) -> Option<u32> {
    let (radix, digits) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', _, ..] => (8, text),
        _ => (10, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: u32 = 0;
    for &byte in digits {
        let digit = char::from(byte).to_digit(radix)?;
        value = value.checked_mul(radix)?.checked_add(digit)?;
    }
    Some(value)
}

/// C's `inet_pton` for IPv6: no scope, no brackets.
pub(crate) fn parse_ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    // Each has two colons at least; most texts have none or a port's.
    text.iter().filter(|byte| **byte == b':').nth(1)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Prints an address as C's `inet_ntop` does.
pub(crate) struct Numeric(pub(crate) IpAddr);

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => match address.segments() {
                // An IPv4-compatible address; Rust prints it without dots.
                [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
                    write!(
                        f,
                        "::{}",
                        Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
                    )
                }
                _ => address.fmt(f),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_is_read_as_inet_aton_reads_it() {
        for (text, wanted) in [
            ("10.0.0.1", Some([10, 0, 0, 1])),
            ("10.1", Some([10, 0, 0, 1])),
            ("10.1.258", Some([10, 1, 1, 2])),
            ("10", Some([0, 0, 0, 10])),
            ("0x0a000001", Some([10, 0, 0, 1])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("10.0.0.1 x", Some([10, 0, 0, 1])),
            ("4294967295", Some([255, 255, 255, 255])),
            ("4294967296", None),
            ("10.0.0.256", None),
            ("256.0.0.1", None),
            ("10.16777216", None),
            ("10.0.0.1.2", None),
            ("10..1", None),
            ("08.0.0.1", None),
            ("0x", None),
            ("", None),
            (" 10.0.0.1", None),
            ("10.0.0.1x", None),
        ] {
            assert_eq!(
                parse_ipv4(text.as_bytes()),
                wanted.map(Ipv4Addr::from),
                "{text:?}"
            );
        }
    }

    #[test]
    fn ipv6_is_printed_as_inet_ntop_prints_it() {
        for text in [
            "::1.2.3.4",
            "::80",
            "::1",
            "::",
            "::ffff:10.0.0.1",
            "0:9::",
            "2001:db8::1",
        ] {
            let address = parse_ipv6(text.as_bytes()).unwrap();
            assert_eq!(Numeric(address.into()).to_string(), text);
        }
    }
}
