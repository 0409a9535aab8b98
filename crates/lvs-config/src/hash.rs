//! A short name for a file's content.

use std::fmt;

/// FNV-1a over the bytes of a file: tells in a log line or a status whether two files differ.
///
/// Stable over versions and machines. No protection against someone who wants two files alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(u64);

impl ContentHash {
    /// The hash of a content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        Self(content.iter().fold(OFFSET, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        }))
    }

    /// The hash as a number, for a message between machines.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ContentHash {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_fnv_1a() {
        assert_eq!(ContentHash::of(b"").to_string(), "cbf29ce484222325");
        assert_eq!(ContentHash::of(b"foobar").to_string(), "85944171f73967e8");
    }
}
