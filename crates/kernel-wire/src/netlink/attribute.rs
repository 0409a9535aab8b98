//! Attributes of a message.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects
)]

use netlink_packet_core::NLA_TYPE_MASK;

use super::DecodeError;

/// One attribute: its number without the flag bits, its value as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// `nla_type` without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
    pub kind: u16,
    /// The bytes behind the header, without padding.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The first byte. Like every integer here, it may have more bytes than it needs.
    ///
    /// # Errors
    /// [`DecodeError::Short`] with `what` if there are fewer, for every integer here.
    pub fn u8(&self, what: &'static str) -> Result<u8, DecodeError> {
        self.value.first().copied().ok_or(DecodeError::Short(what))
    }

    /// Two bytes in the host's order.
    ///
    /// # Errors
    /// As [`u8`](Self::u8).
    pub fn u16(&self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_ne_bytes)
    }

    /// Two bytes in network order.
    ///
    /// # Errors
    /// As [`u8`](Self::u8).
    pub fn u16_be(&self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// Four bytes in the host's order.
    ///
    /// # Errors
    /// As [`u8`](Self::u8).
    pub fn u32(&self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_ne_bytes)
    }

    /// Eight bytes in the host's order, aligned or not.
    ///
    /// # Errors
    /// As [`u8`](Self::u8).
    pub fn u64(&self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_ne_bytes)
    }

    /// The first `N` bytes, for values of another form: addresses.
    ///
    /// # Errors
    /// As [`u8`](Self::u8).
    pub fn array<const N: usize>(&self, what: &'static str) -> Result<[u8; N], DecodeError> {
        self.value
            .first_chunk()
            .copied()
            .ok_or(DecodeError::Short(what))
    }

    /// The text up to the NUL, or all of it where that is missing.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] with `what` if it is no UTF-8.
    pub fn text(&self, what: &'static str) -> Result<&'a str, DecodeError> {
        let text = self.value.split(|byte| *byte == 0).next().unwrap_or(&[]);
        std::str::from_utf8(text).map_err(|_| DecodeError::Invalid(what))
    }

    /// The attributes inside.
    #[must_use]
    pub fn nested(&self) -> Attributes<'a> {
        attributes(self.value)
    }
}

/// Attributes one behind the other, see [`attributes`].
///
/// Written out here: `netlink-packet-core`'s iterator takes five times the instructions, and
/// listing a table is little else (docs/internals/dependencies.md).
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

/// Walks over the attributes in `bytes`; stops at the first that is broken.
#[must_use]
pub const fn attributes(bytes: &[u8]) -> Attributes<'_> {
    Attributes { rest: bytes }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((found, length)) = split(self.rest) else {
            self.rest = &[];
            return Some(Err(DecodeError::AttributeLength));
        };
        // At most 65535, so nothing wraps. The last attribute's padding may be missing.
        let padded = length.wrapping_add(3) & !3;
        self.rest = self.rest.get(padded..).unwrap_or_default();
        Some(Ok(found))
    }
}

/// `struct nlattr`: length, with itself, and number.
const HEADER: usize = 4;

/// The attribute at the start of `bytes` and its length, if that can be.
#[inline]
fn split(bytes: &[u8]) -> Option<(Attribute<'_>, usize)> {
    let [low, high, kind @ ..] = *bytes.first_chunk::<HEADER>()?;
    let length = usize::from(u16::from_ne_bytes([low, high]));
    let attribute = Attribute {
        kind: u16::from_ne_bytes(kind) & NLA_TYPE_MASK,
        value: bytes.get(HEADER..length)?,
    };
    Some((attribute, length))
}
