//! Hardware addresses.

use std::fmt;
use std::str::FromStr;

/// A hardware address of Ethernet's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Every station of the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);
}

impl fmt::Display for Mac {
    /// `02:00:00:00:01:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A text that does not begin with twelve hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacError;

impl fmt::Display for MacError {
    /// The original's message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid hardware address")
    }
}

impl std::error::Error for MacError {}

impl FromStr for Mac {
    type Err = MacError;

    /// As the original reads it: twelve digits, either case, a colon between two octets or not,
    /// anything behind them ignored.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut rest = text.as_bytes();
        let mut octets = [0; 6];
        for (position, octet) in octets.iter_mut().enumerate() {
            if position > 0 {
                rest = rest.strip_prefix(b":").unwrap_or(rest);
            }
            let ([high, low], tail) = rest.split_first_chunk().ok_or(MacError)?;
            *octet = digit(*high)? << 4 | digit(*low)?;
            rest = tail;
        }
        Ok(Self(octets))
    }
}

fn digit(byte: u8) -> Result<u8, MacError> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(MacError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 1, 0]);

    #[test]
    fn hardware_addresses_are_read_as_the_original_reads_them() {
        for text in [
            "020000000100",
            "02:00:00:00:01:00",
            "02:00:0000:0100",
            "020000000100 and more",
        ] {
            assert_eq!(text.parse(), Ok(MAC), "{text}");
        }
        assert_eq!("FFFFFFFFFFff".parse(), Ok(Mac::BROADCAST));
        for text in [
            "",
            "02000000010",
            "0200000001g0",
            "0:2:0:0:1:0",
            "::",
            "02::00",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(MacError), "{text}");
        }
    }
}
